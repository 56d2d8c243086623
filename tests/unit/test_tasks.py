"""The queue that is worked off in the background, and waiting for threads and for what is not there yet."""

import asyncio
import logging
import threading

import pytest

from bot.errors import StorageUnreachable
from bot.tasks import WorkQueue, in_thread, patiently


class Recorded(WorkQueue[str]):
    """Records what it handles; "bad" fails."""

    def __init__(self, *, size_max: int = 10) -> None:
        super().__init__(size_max=size_max)
        self.handled: list[str] = []
        self.done = asyncio.Event()

    async def handle(self, item: str) -> None:
        """Record the item."""
        self.handled.append(item)
        if item == "last":
            self.done.set()
        if item == "bad":
            raise ValueError(item)


async def handled(queue: Recorded, *items: str) -> list[str]:
    """Return what the queue handles of these items."""
    for item in items:
        queue.add(item)
    async with queue, asyncio.timeout(5):
        await queue.done.wait()
    return queue.handled


async def test_in_order_and_once() -> None:
    """Items are handled in the order of their first addition, each once while it waits."""
    assert await handled(Recorded(), "a", "b", "a", "last") == ["a", "b", "last"]


async def test_a_failure_does_not_end_the_queue() -> None:
    """After an item that fails the next one is handled."""
    assert await handled(Recorded(), "bad", "last") == ["bad", "last"]


async def test_a_full_queue_drops_the_oldest() -> None:
    """Above the limit the oldest item goes."""
    assert await handled(Recorded(size_max=2), "a", "b", "last") == ["b", "last"]


class Server:
    """Comes up after so many seconds on a clock that moves only by waiting."""

    def __init__(self, *, up_at: float) -> None:
        self.now = 0.0
        self._up_at = up_at

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.now += seconds

    async def connect(self) -> str:
        """Return a connection, or raise."""
        if self.now < self._up_at:
            raise StorageUnreachable("connection refused")
        return "connection"

    async def waited_for(self, *, patience_s: float) -> str:
        """Connect patiently."""
        return await patiently(
            self.connect,
            what="PostgreSQL",
            later=StorageUnreachable,
            patience_s=patience_s,
            sleep=self.sleep,
            clock=lambda: self.now,
        )


async def test_what_is_there_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """At a usual start nothing is logged."""
    assert await Server(up_at=0).waited_for(patience_s=60) == "connection"
    assert caplog.messages == []


async def test_what_comes_up_later_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """One line says what is waited for and why, one that it came; the tries are at most 15 s apart."""
    server = Server(up_at=47)
    assert await server.waited_for(patience_s=60) == "connection"
    assert server.now < 47 + 15
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert caplog.messages == [
        "PostgreSQL is not there (yet); waiting for it for up to 60 s: connection refused",
        f"PostgreSQL is there after {server.now:.0f} s",
    ]


async def test_the_wait_has_an_end() -> None:
    """After the patience the last try's error is raised; with 0 there is one try."""
    server = Server(up_at=100)
    with pytest.raises(StorageUnreachable):
        await server.waited_for(patience_s=60)
    assert server.now == 60
    with pytest.raises(StorageUnreachable):
        await server.waited_for(patience_s=0)
    assert server.now == 60


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_call_in_a_thread_ends_after_its_thread(fails: bool) -> None:
    """What a thread makes is there, or will never be, when whoever cancelled the call looks; its error is not told."""
    goes_on, made = threading.Event(), list[str]()
    loop, has_begun = asyncio.get_running_loop(), asyncio.Event()

    def make() -> None:
        loop.call_soon_threadsafe(has_begun.set)
        assert goes_on.wait(30)
        made.append("file")
        if fails:
            raise OSError("the disk is full")

    call = asyncio.create_task(in_thread(make))
    async with asyncio.timeout(30):
        await has_begun.wait()
        call.cancel()
        loop.call_later(0.05, goes_on.set)  # the call is asked to end before its thread does
        with pytest.raises(asyncio.CancelledError):
            await call
    assert made == ["file"]


async def test_a_call_in_a_thread_returns_and_raises_as_its_function_does() -> None:
    """Arguments, the result and errors pass through."""
    assert await in_thread(int, "11", base=2) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        await in_thread(int, "no number")
