"""The queue that is worked off in the background."""

import asyncio

from bot.tasks import WorkQueue


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
