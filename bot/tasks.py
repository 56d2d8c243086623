"""Ending a task that works in the background."""

import asyncio
from contextlib import suppress


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel the task, if there is one, and return once it has ended.

    Raises:
        Exception: what had ended it before.
    """
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
