from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.cards.discord_request import DiscordRefused
from bot.jobs.acknowledgements import Acknowledgement
from bot.sharding import EVERY_SHARD
from cogs.ordering.cut_orders import CutOrders, message_if_there

THERE = object()
LEFT = Acknowledgement(id="a", guild_id=1, channel_id=2, shows="thinking", at=1_000.0, token="t")


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


class Left:
    """A database in which one order was left acknowledged."""

    async def read(self, _: object) -> list[Acknowledgement]:
        """Answer the only question that is asked."""
        return [LEFT]


async def test_shards_that_are_taken_up_again_leave_no_order_twice() -> None:
    """Taking up is repeated if something else of it fails; the member of a cut order is told once."""
    services = SimpleNamespace(store=Left(), clock=lambda: LEFT.at, picker=None)
    cog = CutOrders(cast("Any", SimpleNamespace(services=services)))
    await cog.take_up(EVERY_SHARD)
    await cog.take_up(EVERY_SHARD)
    assert cog._left.qsize() == 1
