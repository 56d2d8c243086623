from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.cards.discord_request import DiscordRefused
from cogs.ordering.cut_orders import message_if_there

THERE = object()


class Channel:
    """A channel whose every message is answered with this error, or is there."""

    def __init__(self, code: int | None) -> None:
        self._code = code

    async def fetch_message(self, _: int) -> object:
        """Answer it."""
        if self._code is None:
            return THERE
        response: Any = SimpleNamespace(status=404, reason="Not Found")
        raise discord.NotFound(response, {"code": self._code, "message": "Unknown"})


async def found_in(code: int | None) -> list[object]:
    """Return what is found in such a channel."""
    return list(await message_if_there(cast("Any", Channel(code)), 5))


async def test_a_deleted_message_hides_no_other() -> None:
    """A message that somebody deleted meanwhile is nothing, and not the end of the search in its channel."""
    assert await found_in(None) == [THERE]
    assert await found_in(10008) == []
    with pytest.raises(DiscordRefused):
        await found_in(10003)
