"""A new database of a bot that has long run is an unmounted one."""

import discord
import pytest

from bot.client import check_is_new
from bot.errors import StartRefused

NOW = 1_790_000_000.0


def _registered(seconds_ago: float) -> int:
    return int((NOW - seconds_ago) * 1000 - discord.utils.DISCORD_EPOCH) << 22


@pytest.mark.parametrize("oldest", [None, _registered(0), _registered(3500)])
def test_a_new_bot_begins(oldest: int | None) -> None:
    """Nobody is asked who has just made the application, or tries one database after the other within an hour."""
    check_is_new(oldest, now=NOW)


def test_an_old_bot_is_refused() -> None:
    """Its commands tell that it ran before; begun anew, everybody would have their allowance once more."""
    with pytest.raises(StartRefused, match=r"commands since 2026-09-20 14:53 UTC, so there was another.*--begin-anew"):
        check_is_new(_registered(84_000), now=NOW)
