"""Runs one Discord request with a timeout and maps every failure to a `Trouble`."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import discord

from bot.cards import routes
from bot.cards.routes import Trouble

_LOG = logging.getLogger(__name__)
CONNECTION_ERRORS = (aiohttp.ClientError, OSError)  # discord.py lets them through


class DiscordRefused(Exception):  # noqa: N818 - reads better at the except
    """One request failed; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble


@asynccontextmanager
async def discord_request(timeout_s: float) -> AsyncGenerator[None]:
    """Run the block's one request.

    Raises:
        DiscordRefused: it failed, or took longer than the timeout.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as late:
        raise DiscordRefused("later") from late
    except discord.HTTPException as error:
        raise DiscordRefused(routes.trouble_of(error.status, error.code)) from error
    except Exception as error:
        if isinstance(error, KeyError) and error.args == ("retry_after",):
            # discord.py reads `retry_after` of every 429, and the one with code 30046 has been seen without.
            raise DiscordRefused("too_old") from error
        # discord.py lets aiohttp's and the network's own errors through.
        _LOG.warning("a request to Discord failed", exc_info=error)
        raise DiscordRefused("later") from error
