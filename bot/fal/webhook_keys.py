"""The keys with which fal signs its webhooks, kept for some hours."""

import asyncio
import logging
import math
import time
from collections.abc import Callable

from nacl.signing import VerifyKey

from bot.errors import FalError, FalUnreachable
from bot.fal.client import FalClient
from bot.fal.wire.webhook import Signature, read_keys
from bot.settings import FalSettings

log = logging.getLogger(__name__)
LIFE_MAX_S = 86_400.0  # fal's limit (https://docs.fal.ai/documentation/model-apis/inference/webhooks)


class WebhookKeys:
    """fal's keys, asked for when they are first needed, when they are old, and when a signature fits none of them.

    Never more often than every `keys_pause_s`, whoever sends what. `clock` is in Unix seconds.
    """

    def __init__(self, fal: FalClient, settings: FalSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._fal = fal
        self._settings = settings
        self._clock = clock
        self._keys: tuple[VerifyKey, ...] = ()
        self._read_at = self._asked_at = -math.inf
        self._turn = asyncio.Lock()

    async def prove(self, signature: Signature, body: bytes) -> bool:
        """Return whether fal signed this body.

        Raises:
            FalError: fal's keys are not known, and could not be asked for.
        """
        if self._age_s() >= self._settings.keys_life_s:
            await self._renew()
        if signature.is_of(body, self._keys):
            return True
        return await self._renew() and signature.is_of(body, self._keys)

    async def read(self) -> None:
        """Ask for the keys before the first webhook comes; a failure is only logged."""
        try:
            await self._renew()
        except FalError as error:
            log.warning("the keys of fal's webhooks are not known yet: %s", error)

    def _age_s(self) -> float:
        return self._clock() - self._read_at

    async def _renew(self) -> bool:
        """Return whether the keys were asked for; keys of the last day are kept if they could not be.

        Raises:
            FalError: they could not be, and there are none of the last day.
        """
        async with self._turn:
            if abs(self._clock() - self._asked_at) < self._settings.keys_pause_s:
                if self._age_s() >= LIFE_MAX_S:
                    raise FalUnreachable("fal did not tell its keys a moment ago")
                return False
            self._asked_at = self._clock()
            try:
                self._keys = read_keys(await self._fal.key_set())
            except FalError as error:
                if self._age_s() >= LIFE_MAX_S:
                    raise
                log.warning("fal's keys could not be renewed, so the old ones are used: %s", error)
                return False
            self._read_at = self._clock()
            return True
