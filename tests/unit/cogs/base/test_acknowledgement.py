"""When Discord is answered: after the press is stored, or once that takes long."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.storage.transaction import Transaction
from cogs.base import acknowledgement
from cogs.base.acknowledgement import store_first


class Pressed:
    """An interaction and the database behind it; `said` is what happened, in order."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.deferred = asyncio.Event()
        self.id = self.guild_id = self.channel_id = self.application_id = 1
        self.token = ""
        self.response = SimpleNamespace(defer=self.defer)
        self.client = SimpleNamespace(services=SimpleNamespace(clock=lambda: 0.0, store=self))

    async def defer(self, **_: Any) -> None:
        """Let Discord show that Wanda is thinking."""
        self.said.append("thinking")
        self.deferred.set()

    async def write(self, work: Transaction[Any], *, guild_id: int | None) -> None:
        """Keep nothing of the acknowledgement."""
        del work, guild_id


async def test_a_press_is_stored_before_discord_hears_of_it() -> None:
    """A process that dies before that has promised nothing."""
    pressed = Pressed()

    async def work() -> str:
        pressed.said.append("stored")
        return "Stopped."

    assert await store_first(cast("Any", pressed), work()) == "Stopped."
    assert pressed.said == ["stored"]


async def test_what_takes_long_is_thought_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord waits 3 s for the first answer, and a database may take longer."""
    monkeypatch.setattr(acknowledgement, "STORED_WITHIN_S", 0.0)
    pressed = Pressed()

    async def work() -> str:
        await pressed.deferred.wait()
        pressed.said.append("stored")
        return "Stopped."

    async with asyncio.timeout(20):
        assert await store_first(cast("Any", pressed), work()) == "Stopped."
    assert pressed.said == ["thinking", "stored"]


async def test_a_refusal_is_the_caller_s() -> None:
    """What the work raises is raised here, and nothing was said."""
    pressed = Pressed()

    async def work() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store_first(cast("Any", pressed), work())
    assert pressed.said == []
