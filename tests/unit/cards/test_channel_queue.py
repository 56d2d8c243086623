"""Requests to one channel run one after the other."""

import asyncio

from bot.cards.channel_queue import ChannelQueue


async def test_one_after_the_other() -> None:
    """In one channel requests run one at a time and in order; other channels do not wait."""
    queue, order, holding = ChannelQueue(), list[str](), asyncio.Event()

    async def first() -> None:
        async with queue.turn(1, "edit"):
            await holding.wait()
            order.append("first")

    async def later(name: str, channel_id: int) -> None:
        async with queue.turn(channel_id, "edit"):
            order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        await asyncio.sleep(0)
        assert not queue.is_free(1, "edit")
        assert queue.is_free(1, "send")
        group.create_task(later("second", 1))
        group.create_task(later("third", 1))
        await group.create_task(later("elsewhere", 2))
        holding.set()
    assert order == ["elsewhere", "first", "second", "third"]
    assert queue.is_free(1, "edit")


async def test_who_gives_up_keeps_nobody_waiting() -> None:
    """A cancelled waiter leaves the queue."""
    queue, holding = ChannelQueue(), asyncio.Event()

    async def hold() -> None:
        async with queue.turn(1, "edit"):
            await holding.wait()

    holder, waiter = asyncio.create_task(hold()), asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.wait({waiter})
    holding.set()
    await holder
    assert queue.is_free(1, "edit")
