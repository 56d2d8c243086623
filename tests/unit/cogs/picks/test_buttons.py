"""Presses below drafts that come from elsewhere."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.errors import OptionRefused
from bot.jobs import picks
from bot.storage.transaction import Transaction
from cogs.picks.buttons import drafts_here
from tests.support.job_samples import ADDRESS, JOB_ID
from tests.unit.jobs.test_picks import REF, Books


class Stored:
    """The store of a bot that knows three drafts."""

    def __init__(self) -> None:
        self._books = Books(3)

    async def read(self, reading: Transaction[Any]) -> Any:
        """Return what the transaction reads."""
        return self._books.store.run(reading)


def pressed(guild_id: int | None, channel_id: int | None) -> Any:
    """Return an interaction in this channel."""
    client = SimpleNamespace(services=SimpleNamespace(store=Stored()))
    return cast("Any", SimpleNamespace(client=client, guild_id=guild_id, channel_id=channel_id))


async def test_a_press_below_the_drafts() -> None:
    """Where the drafts are, a press is about all of them."""
    found = await drafts_here(pressed(REF.guild_id, ADDRESS.channel_id), JOB_ID)
    assert [job.variation and job.variation.number for job in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("guild_id", "channel_id"),
    [(REF.guild_id, ADDRESS.channel_id + 1), (REF.guild_id + 1, ADDRESS.channel_id), (None, ADDRESS.channel_id)],
)
async def test_a_press_from_elsewhere(guild_id: int | None, channel_id: int) -> None:
    """Another channel, another server and a direct message know nothing of drafts whose id somebody sends there."""
    with pytest.raises(OptionRefused, match=picks.GONE):
        await drafts_here(pressed(guild_id, channel_id), JOB_ID)
