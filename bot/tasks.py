"""Background tasks and threads: ending them, queues that are worked off by one, and waiting for what is to come."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
P = ParamSpec("P")


WAIT_MAX_S = 15.0  # between two tries of `patiently`
THREAD_WITHIN_S = 10.0  # a disk that hangs, as a network folder can, must not keep the program from ending


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    *,
    what: str,
    later: type[Exception],
    patience_s: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Return what `attempt` returns; while it raises `later`, try again for `patience_s`, which the log tells once.

    Raises:
        later: the last try's, when the time is over.
    """
    begun_at = clock()
    wait_s = 1.0
    waits = False
    while True:
        try:
            result = await attempt()
        except later as error:
            left_s = begun_at + patience_s - clock()
            if left_s <= 0:
                raise
            if not waits:
                log.warning("%s is not there (yet); waiting for it for up to %.0f s: %s", what, patience_s, error)
            waits = True
            await sleep(min(wait_s, left_s))
            wait_s = min(2 * wait_s, WAIT_MAX_S)
        else:
            if waits:
                log.warning("%s is there after %.0f s", what, clock() - begun_at)
            return result


async def all_of(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of all, which run at the same time.

    The first error is raised by itself, and what still runs is cancelled.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what the function returns, which runs in a thread; when cancelled, wait for its end first, if it is soon.

    `asyncio.to_thread` leaves the thread behind when it is cancelled. What makes files would then make them after the
    caller has removed their folder.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait((work,), timeout=THREAD_WITHIN_S)
        if work.done() and not work.cancelled():
            work.exception()  # else asyncio logs that nobody looked at it
        raise


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel the task, if there is one, and return once it has ended.

    Re-raises the task's own exception if it had already failed.
    """
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class WorkQueue(ABC, Generic[T]):
    """Handles items one after another in a background task while it is entered.

    An item that is added again while it waits is handled once. Above `size_max` the oldest item is dropped. What is
    left when the queue is exited is dropped too, so this is for work that nobody misses.
    """

    def __init__(self, *, size_max: int) -> None:
        self._items: OrderedDict[T, None] = OrderedDict()
        self._size_max = size_max
        self._added = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def handle(self, item: T) -> None:
        """Handle one item. What this raises is logged, and the next item follows."""

    def add(self, item: T) -> None:
        """Add the item. Never raises, never waits."""
        self._items[item] = None
        if len(self._items) > self._size_max:
            self._items.popitem(last=False)
        self._added.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=type(self).__name__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end(self._task)

    async def _run(self) -> None:
        while True:
            await self._added.wait()
            while self._items:
                item, _ = self._items.popitem(last=False)
                try:
                    await self.handle(item)
                except Exception:
                    log.exception("%s failed on %s", type(self).__name__, item)
            self._added.clear()
