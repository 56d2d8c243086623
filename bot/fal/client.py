"""fal.ai as one object: upload, submit, follow, result, cancel, and the price list."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from bot.chunks import chunks
from bot.errors import FalError, FalProtocolError, FalRefused, FalReplyLost, FalReplyTooLarge, FalUnreachable
from bot.fal.follower import Follower
from bot.fal.http import FalHttp
from bot.fal.upload import begin_upload, upload_once
from bot.fal.wire import protocol
from bot.fal.wire.backoff import wait_s
from bot.fal.wire.openapi import JsonSchema, read_input_schema
from bot.fal.wire.result import NOT_FOUND, read_result
from bot.fal.wire.status_changes import status_of
from bot.fal.wire.types import CancelAnswer, FalStatus, Handle, Result, UnitPrice
from bot.requester import Requester
from bot.settings import FalSettings
from bot.turns import FairTurns

T = TypeVar("T")
PRICED_IDS_MAX = 50  # fal's limit for one request
PRICE_PAGES_MAX = 10
PRICING_PATH = "/v1/models/pricing"
SCHEMA_PATH = "/api/openapi/queue/openapi.json"
KEYS_PATH = "/.well-known/jwks.json"


class FalClient:
    """Every method limits its time, its retries and the bytes it reads.

    The caller closes `http`, which comes from `make_http`. `clock` returns seconds, `random` a number from 0 to 1.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: FalSettings,
        *,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._http = FalHttp(http, settings)
        self._settings = settings
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._openings = FairTurns(settings.openings_at_once, name="follow")

    async def upload(self, path: Path, *, file_name: str, content_type: str) -> str:
        """Upload a file to fal's storage within `upload_timeout_s`, retries included, and return its URL there.

        Raises:
            FalAccountError: fal does not take the key, or the account is locked.
            FalRefused: fal's storage does not take this file.
            FalUnreachable: every try failed; another is safe.
            OSError: the file cannot be read.
        """
        try:
            async with asyncio.timeout(self._settings.upload_timeout_s):
                return await self._retry(
                    lambda: upload_once(
                        self._http, self._settings, path, file_name=file_name, content_type=content_type
                    )
                )
        except TimeoutError:
            raise FalUnreachable(f"an upload to fal took longer than {self._settings.upload_timeout_s} s") from None

    async def submit(self, endpoint: str, payload: Mapping[str, Any], *, webhook: str | None = None) -> Handle:
        """Queue `payload` for `endpoint`. The POST is retried only if fal cannot have accepted it.

        fal calls the address `webhook` when the request has ended.

        Raises:
            FalAccountError: fal does not take the key, or the account is locked.
            FalRefused: fal refused it for good.
            FalUnreachable: fal was not reached or answered 429; nothing was accepted.
            FalReplyLost: fal may have accepted it; submitting it again could pay twice.
        """
        url = protocol.submit_url(self._settings.queue_url, endpoint)

        async def once() -> Handle:
            try:
                reply = await self._http.ask(
                    "POST",
                    url,
                    params=None if webhook is None else {"fal_webhook": webhook},
                    json=dict(payload),
                    own_connection=True,
                )
            except FalProtocolError as error:
                raise FalReplyLost(f"fal's answer to a submit is of no use: {error}") from None
            return protocol.read_submit(
                reply.status,
                reply.body,
                endpoint=endpoint,
                queue_url=self._settings.queue_url,
                backup_url=self._settings.queue_backup_url,
            )

        return await self._retry(once, on=(FalUnreachable,))

    def follow(self, handle: Handle, *, requester: Requester, deadline_s: float) -> AsyncGenerator[FalStatus]:
        """Yield each change of a request's status once, `completed` last, for at most `deadline_s` seconds.

        Any number may be followed at once; `openings_at_once` of them wait for fal's answer at a time, and requesters
        take turns. Close the generator (`contextlib.aclosing`): its stream stays open until then.

        Raises:
            FalRefused: fal does not know the request; `FalAccountError` when it does not take the key.
            FalUnreachable: the deadline came first.
            FalProtocolError: the status URL is on none of the configured hosts.
        """
        follower = Follower(
            self._http,
            self._settings,
            handle,
            openings=self._openings,
            requester=requester,
            deadline_at=self._clock() + deadline_s,
            sleep=self._sleep,
            random=self._random,
            clock=self._clock,
        )
        return follower.statuses()

    async def status(self, handle: Handle) -> FalStatus:
        """Ask once where a request stands.

        Raises:
            FalRefused, FalAccountError, FalUnreachable, FalReplyLost, FalProtocolError: it could not be told.
        """
        reply = await self._http.ask("GET", handle.status_url)
        return status_of(protocol.read_status(reply.status, reply.body))

    async def look(self, handle: Handle, *, requester: Requester) -> FalStatus | None:
        """Ask once where a request stands, in turn with those that are followed; None: fal does not say it now.

        A status that is too large to be read counts as `completed`: the result tells.

        Raises:
            FalRefused: fal does not know the request; `FalAccountError` when it does not take the key.
            FalProtocolError: the status URL is on none of the configured hosts.
        """
        self._http.headers_for(handle.status_url)
        try:
            async with self._openings.turn(requester):
                return await self.status(handle)
        except FalReplyTooLarge:
            return FalStatus("completed")
        except (FalUnreachable, FalReplyLost, FalProtocolError):
            return None

    async def key_set(self) -> bytes:
        """Return the key set with which fal signs webhooks, as it is on the wire.

        Raises:
            FalRefused, FalUnreachable, FalReplyLost, FalProtocolError: it could not be read.
        """
        url = self._settings.rest_url.rstrip("/") + KEYS_PATH
        reply = await self._http.ask_openly(url, timeout_s=self._settings.connect_timeout_s)
        return protocol.read_key_set(reply.status, reply.body)

    async def result(self, handle: Handle) -> Result:
        """Return the video of a completed request, after at most `fal_retries` retries.

        Raises:
            FalFailure: fal says that no video was made.
            FalNotReady: the request is still in progress; follow it again.
            FalRefused: fal does not know the request any more; `FalAccountError` when it does not take the key.
            FalUnreachable: fal was down every time; the video may exist.
            FalProtocolError: a success without a usable video.
        """

        async def once() -> Result:
            reply = await self._http.ask("GET", handle.response_url)
            return read_result(reply.status, reply.headers, reply.body)

        self._http.headers_for(handle.response_url)
        return await self._retry(once)

    async def cancel(self, handle: Handle) -> CancelAnswer:
        """Ask fal to cancel. Keep following: only the result tells whether it did.

        Raises:
            FalRefused, FalAccountError, FalUnreachable, FalProtocolError: fal did not take the cancel.
        """

        async def once() -> CancelAnswer:
            reply = await self._http.ask("PUT", handle.cancel_url)
            return protocol.read_cancel(reply.status, reply.body)

        self._http.headers_for(handle.cancel_url)
        return await self._retry(once)

    async def unit_prices(self, endpoint_ids: Iterable[str]) -> dict[str, UnitPrice]:
        """Return the list price of each endpoint; those without one are missing.

        Raises:
            FalRefused, FalAccountError, FalUnreachable, FalProtocolError: the price list could not be read.
        """
        prices: dict[str, UnitPrice] = {}
        for some in chunks(list(dict.fromkeys(endpoint_ids)), PRICED_IDS_MAX):
            prices |= await self._prices_of_known(some)
        return prices

    async def _prices_of_known(self, endpoint_ids: Sequence[str]) -> dict[str, UnitPrice]:
        """Return the prices as `_prices_of`; where fal does not know one of them, each is asked for by itself."""
        try:
            return await self._prices_of(endpoint_ids)
        except FalRefused as error:
            if error.status != NOT_FOUND:
                raise
            if len(endpoint_ids) == 1:
                return {}
        prices: dict[str, UnitPrice] = {}
        for endpoint_id in endpoint_ids:
            prices |= await self._prices_of_known([endpoint_id])
        return prices

    async def input_schema(self, endpoint: str) -> JsonSchema:
        """Return the JSON schema of what a submit to the endpoint takes, as fal shows it to everybody.

        Raises:
            FalRefused: there is none.
            FalUnreachable, FalReplyLost, FalProtocolError: it could not be read.
        """
        url = f"{self._settings.web_url.rstrip('/')}{SCHEMA_PATH}?{urlencode({'endpoint_id': endpoint})}"
        reply = await self._http.ask_openly(url, timeout_s=self._settings.reply_timeout_s)
        return read_input_schema(reply.status, reply.body, endpoint)

    async def check_account(self) -> None:
        """Ask whether fal takes anything of this account: an upload is begun, to which nothing is sent.

        Raises:
            FalAccountError: fal does not take the key, or the account is locked.
            FalError: that could not be told.
        """
        await begin_upload(self._http, self._settings, file_name="check.png", content_type="image/png")

    async def _prices_of(self, endpoint_ids: Sequence[str]) -> dict[str, UnitPrice]:
        """Read every page, without retries: an operator is waiting and can run the command again."""
        url = self._settings.api_url.rstrip("/") + PRICING_PATH
        prices: dict[str, UnitPrice] = {}
        params: dict[str, str | list[str]] = {"endpoint_id": list(endpoint_ids)}
        for _ in range(PRICE_PAGES_MAX):
            try:
                reply = await self._http.ask("GET", url, params=params)
            except FalReplyLost as error:
                raise FalUnreachable(str(error)) from None
            page, cursor = protocol.read_prices(reply.status, reply.body)
            prices |= page
            if cursor is None:
                break
            params = params | {"cursor": cursor}
        return prices

    async def _retry(
        self,
        once: Callable[[], Awaitable[T]],
        *,
        on: tuple[type[FalError], ...] = (FalUnreachable, FalReplyLost, FalProtocolError),
    ) -> T:
        """Retry `once` after the errors in `on`, with exponential backoff, at most `fal_retries` times.

        The last `FalReplyLost` becomes `FalUnreachable`, because only a submit must not be repeated after it.
        """
        settings = self._settings
        attempt = 0
        while True:
            try:
                return await once()
            except on as error:
                if attempt >= settings.retries:
                    if isinstance(error, FalReplyLost):
                        raise FalUnreachable(str(error)) from None
                    raise
            await self._sleep(
                wait_s(attempt, least_s=settings.poll_min_s, most_s=settings.poll_max_s, random=self._random)
            )
            attempt += 1
