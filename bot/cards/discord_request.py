"""Runs one Discord request with a timeout and maps every failure, such as a 429, to a `Trouble`.

Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

import aiohttp
import discord

Trouble: TypeAlias = Literal[
    "token_dead",  # the interaction's token is over or unknown
    "message_gone",  # somebody deleted the card
    "no_reply",  # Wanda may post, but not reply
    "too_old",  # the card can't be edited any more
    "too_large",  # the file is above the limit
    "no_access",  # Wanda may not post there
    "later",  # a rate limit, a server error, a slow upload, or the network
    "broken",  # Discord will never take this request
]

_BY_CODE: dict[int, Trouble] = {
    50027: "token_dead",  # invalid webhook token
    10015: "token_dead",  # unknown webhook
    10062: "token_dead",  # unknown interaction
    10008: "message_gone",
    50005: "message_gone",  # written by somebody else, so it is not the card
    160002: "no_reply",  # replying needs Read Message History
    30046: "too_old",  # edits of messages older than an hour are used up
    50083: "too_old",  # an archived thread: a new message opens it again, an edit does not
    40005: "too_large",
    50001: "no_access",
    50013: "no_access",
    50007: "no_access",
    10003: "no_access",
    10004: "no_access",
    160005: "no_access",  # a locked thread
    160006: "no_access",  # the thread would have to be opened, and no more may be open
    240000: "no_access",  # the server's rules for messages blocked it
}
_TOO_LARGE, _FORBIDDEN, _UNAUTHORISED, _NOT_FOUND, _TOO_SLOW, _SLOW_DOWN, _SERVER = 413, 403, 401, 404, 408, 429, 500

_ACKNOWLEDGED = 40060
_OF_OTHERS: frozenset[Trouble] = frozenset({"token_dead", "later", "message_gone", "no_access"})

_LOG = logging.getLogger(__name__)
CONNECTION_ERRORS = (aiohttp.ClientError, OSError)  # discord.py lets them through
DISCORD_ERRORS = (discord.HTTPException, *CONNECTION_ERRORS)
"""How a request to Discord fails: it is refused, breaks off, or takes too long (TimeoutError is an OSError)."""


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
        raise DiscordRefused(trouble_of(error.status, error.code)) from error
    except Exception as error:
        if isinstance(error, KeyError) and error.args == ("retry_after",):
            # discord.py reads `retry_after` of every 429, and the one with code 30046 has been seen without.
            raise DiscordRefused("too_old") from error
        # discord.py lets aiohttp's and the network's own errors through.
        _LOG.warning("a request to Discord failed", exc_info=error)
        raise DiscordRefused("later") from error


def trouble_of(status: int, code: int) -> Trouble:
    """Return what Discord's HTTP status and JSON code (0 when there was none) mean for a card."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == _TOO_LARGE:
        return "too_large"
    if status == _UNAUTHORISED:
        return "token_dead"
    if status in {_FORBIDDEN, _NOT_FOUND}:
        return "no_access"
    return "later" if passes(status) else "broken"


def is_no_defect(error: BaseException) -> bool:
    """Return whether a request to Discord failed although nothing was wrong with it.

    The network or Discord had trouble, or the interaction was over, or it was answered already: the earlier answer's
    reply had been lost. Or somebody deleted the message or the channel meanwhile, or took a permission away.
    """
    if isinstance(error, discord.HTTPException):
        return error.code == _ACKNOWLEDGED or trouble_of(error.status, error.code) in _OF_OTHERS
    return isinstance(error, aiohttp.ClientError)


def passes(status: int) -> bool:
    """Return whether a request with this HTTP status may be taken later.

    408 is a proxy's answer to an upload that took too long
    (https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Status/408).
    """
    return status in {_TOO_SLOW, _SLOW_DOWN} or status >= _SERVER
