"""The process itself: the signals that stop it, and how many files it may have open."""

import asyncio
import logging
import resource
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
OPEN_FILES = 8192  # 1,000 followed jobs need 2,000


def allow_many_connections() -> None:
    """Raise the soft limit of open files to at most `OPEN_FILES`: each followed job holds a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as error:
            # macOS accepts less than the hard limit that it reports.
            log.warning("the limit of open files stays at %d: %s", soft, error)


def on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stopping.set)
    return stopping


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what the work returns, or cancel it when a signal comes first and return None.

    A login would wait for minutes if Discord accepted the connection but did not reply.
    """
    task = asyncio.create_task(work, name="start")
    signalled = asyncio.create_task(stopping.wait(), name="signals")
    try:
        await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return await task
        log.info("stopping before the start was over")
        return None
    finally:
        signalled.cancel()
        task.cancel()
        await asyncio.wait({task})
