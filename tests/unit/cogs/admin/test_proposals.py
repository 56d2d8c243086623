"""Looking back at past videos before a rule is set."""

import asyncio
import threading

import pytest

from cogs.admin.proposals import in_turn


async def test_looks_back_take_turns_on_a_thread_of_their_own() -> None:
    """However many rules are set at once, one look back runs; one whose time is over before its turn never begins."""
    go, begun = threading.Event(), list[str]()

    def look(name: str) -> str:
        begun.append(f"{name} {threading.current_thread().name.partition('_')[0]}")
        go.wait(10)
        return name

    first = asyncio.create_task(in_turn(lambda: look("first")))
    others = [asyncio.create_task(in_turn(lambda: look("other"))) for _ in range(50)]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*others), 0.1)
    # What reads files is not kept waiting.
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "read"), 5) == "read"
    go.set()
    assert await first == "first"
    assert await in_turn(lambda: "later") == "later"
    assert begun == ["first rehearsal"]
