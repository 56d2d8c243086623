import asyncio
import logging
from typing import Any

import discord
import pytest

from bot.endpoints import writable
from bot.session_starts import SessionStarts, StartLimits
from bot.sharded_bot import ShardedBot
from bot.sharding import Shards
from sandbox.stage import eventually


class _Bot(ShardedBot):
    """What it does at Discord, in words."""

    def __init__(self) -> None:
        self.did: list[str] = []
        super().__init__(SessionStarts(0.0), command_prefix="!", intents=discord.Intents.none())

    async def start_limits(self) -> StartLimits:
        self.did.append("asked for the limits")
        return StartLimits(recommended=2, remaining=9, total=9, reset_after_s=1.0, max_concurrency=2)

    async def launch_shard(self, gateway: Any, shard_id: int, *, initial: bool = False) -> None:
        del gateway, initial
        self.did.append(f"connected {shard_id}")
        await self.before_identify_hook(shard_id)
        self.did.append(f"identified {shard_id}")


@pytest.mark.parametrize("event", ["INTERACTION_CREATE", "GUILD_CREATE", "MESSAGE_REACTION_ADD", "GUILD_ROLE_UPDATE"])
async def test_an_event_that_cannot_be_read_is_left_out(event: str, caplog: pytest.LogCaptureFixture) -> None:
    """One event without a field that discord.py wants ends neither the connection nor the process, which has others."""
    _Bot()._connection.parsers[event]({"guild_id": "of a kind that will be", "token": "a secret"})
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert event in record.getMessage()
    assert "a secret" not in caplog.text


def test_what_members_type_can_be_stored() -> None:
    """A text with a NUL, which PostgreSQL refuses, or half a surrogate pair is no trouble with the database."""
    typed = {"options": [{"name": "reason", "value": "a\0b\ud83d c \U0001f984"}, {"value": 3}, {"value": None}]}
    stored = {"options": [{"name": "reason", "value": "a\ufffdb\ufffd c \U0001f984"}, {"value": 3}, {"value": None}]}
    assert writable(typed) == stored


async def test_no_session_without_its_beginning() -> None:
    """READY that cannot be read still ends the process: it would wait for ever."""
    with pytest.raises(KeyError):
        _Bot()._connection.parsers["READY"]({})


async def test_a_shard_connects_while_it_is_taken_up_and_identifies_then() -> None:
    """At a takeover only the IDENTIFY is left then: what the last owner left must not be mixed up with what comes.

    A later one, after a lost session, waits for nothing.
    """
    bot = _Bot()
    bot.hold(Shards(2, frozenset({0, 1})))
    opening = asyncio.create_task(bot.open_shards({0, 1}))
    await bot.launch_shards()

    async def connected() -> bool | None:
        return True if len(bot.did) >= 3 else None

    await eventually(connected, what="connection of both shards", within_s=20)
    assert bot.did == ["asked for the limits", "connected 0", "connected 1"]
    await bot.take_up(bot.held)
    await opening
    await bot.before_identify_hook(1)
    assert bot.did[3:] == ["identified 0", "identified 1"]
