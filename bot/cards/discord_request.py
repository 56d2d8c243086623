"""The border to Discord: around one request, in a bounded time, every way of failing becomes a `Trouble`."""

import asyncio
import logging

import discord

from bot.cards import routes
from bot.cards.routes import Trouble

_LOG = logging.getLogger(__name__)


class Met(Exception):  # noqa: N818 - a turn of `Post`'s loop, seen by nobody else
    """Discord did not do it, for this reason."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble


class Border:
    """Around one request to Discord: bounded in time, and whatever goes wrong becomes a trouble."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = asyncio.timeout(timeout_s)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)  # pyright: ignore[reportArgumentType] - object is a trace
        except TimeoutError as late:
            raise Met("later") from late
        if isinstance(error, discord.HTTPException):
            raise Met(routes.trouble(error.status, error.code)) from error
        if isinstance(error, KeyError) and error.args == ("retry_after",):
            # discord.py reads `retry_after` of every 429, and the one with code 30046 has been seen without.
            raise Met("too_old") from error
        # discord.py lets aiohttp's and the network's own errors through.
        if isinstance(error, Exception):
            _LOG.warning("a request to Discord failed", exc_info=error)
            raise Met("later") from error
