"""One turn per server, and every write that says whose turn it takes."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import StorageError
from bot.storage.server_turns import ServerTurns

ROOT = Path(__file__).parents[3]


async def test_one_at_a_time_in_each_server() -> None:
    """A server's turn is held once, in the order of asking; another server's, or none, is free meanwhile."""
    turns = ServerTurns(wait_max_s=20)
    done: list[int] = []

    async def work(number: int) -> None:
        async with turns.turn(1):
            done.append(number)

    async with turns.turn(1):
        waiting = [asyncio.create_task(work(number)) for number in range(3)]
        async with turns.turn(2), turns.turn(None):
            await asyncio.wait(waiting, timeout=0.01)
        assert done == []
        waiting[1].cancel()
    await asyncio.wait(waiting)
    assert done == [0, 2]
    assert len(turns) == 0


async def test_a_turn_that_does_not_come_is_a_storage_error() -> None:
    """Who waits too long is refused and forgotten; so is one that fails in its turn."""
    turns = ServerTurns(wait_max_s=0.01)
    async with turns.turn(1):
        with pytest.raises(StorageError, match=r"waited for 0\.01 s"):
            async with turns.turn(1):
                pass
    with pytest.raises(TimeoutError):
        async with turns.turn(1):
            raise TimeoutError
    assert len(turns) == 0


def _writes(path: Path) -> Iterator[ast.Call]:
    """Yield the calls of a store's `write` in this file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write":
            owner = ast.unparse(node.func.value)
            if owner.rpartition(".")[2] in {"store", "_store"}:
                yield node


def test_every_write_says_whose_turn_it_takes() -> None:
    """A write that is forgotten here would wait for its server's rows with a connection in its hands."""
    found = [
        (f"{path.relative_to(ROOT)}:{call.lineno}", {keyword.arg for keyword in call.keywords})
        for folder in ("bot", "cogs")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "migrate.py"  # there is no server yet
        for call in _writes(path)
    ]
    assert len(found) > 30
    assert [place for place, keywords in found if "guild_id" not in keywords] == []
