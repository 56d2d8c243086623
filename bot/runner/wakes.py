"""What the tasks of jobs wait for, and how they are woken: the stored state decides then what happens next."""

import asyncio
from collections.abc import Awaitable, Collection, Generator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Wakes:
    """The waits of all jobs that have a task, by the job's id."""

    def __init__(self) -> None:
        self._woken: dict[str, asyncio.Event] = {}
        self._following: dict[str, asyncio.Timeout] = {}
        self._awaiting_approval: set[str] = set()
        self._looking: set[str] = set()

    @property
    def following(self) -> Collection[str]:
        """The jobs whose tasks wait for fal."""
        return self._following.keys()

    @property
    def awaiting_approval(self) -> Collection[str]:
        """The jobs whose tasks wait for a decision."""
        return self._awaiting_approval

    @property
    def looking(self) -> Collection[str]:
        """The jobs that are about to be followed or parked, which a cancel has begin anew."""
        return self._looking

    @contextmanager
    def waiting_for_approval(self, job_id: str) -> Generator[None]:
        """Count the job as one that waits for a decision, until the block ends or it is woken."""
        self._awaiting_approval.add(job_id)
        try:
            yield
        finally:
            self._awaiting_approval.discard(job_id)

    @contextmanager
    def looking_at(self, job_id: str) -> Generator[None]:
        """Mark the job as one that is about to be followed or parked."""
        self._looking.add(job_id)
        try:
            yield
        finally:
            self._looking.discard(job_id)

    def wake(self, job_id: str) -> None:
        """Have the job's task stop waiting for an approval, or following fal's request.

        It is not cancelled, because it may be in a POST by now.
        """
        self._awaiting_approval.discard(job_id)
        self._woken_of(job_id).set()
        if (following := self._following.pop(job_id, None)) is not None:
            following.reschedule(0.0)

    def was_woken(self, job_id: str) -> bool:
        """Return whether the job was woken since this was last asked."""
        woken = self._woken.get(job_id)
        was_set = woken is not None and woken.is_set()
        if woken is not None:
            woken.clear()
        return was_set

    def forget(self, job_id: str) -> bool:
        """Forget a job whose task ended; returns whether it was woken and the task did not see it."""
        woken = self._woken.pop(job_id, None)
        return woken is not None and woken.is_set()

    async def is_woken_during(self, job_id: str, wait: Awaitable[None]) -> bool:
        """Return whether the job is woken before `wait`, which is cancelled then, is over."""
        over = asyncio.ensure_future(wait)
        woken = asyncio.ensure_future(self._woken_of(job_id).wait())
        try:
            await asyncio.wait({over, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            woken.cancel()
        return self.was_woken(job_id)

    async def until_woken(self, job_id: str, asking: Awaitable[T]) -> T | None:
        """Return what fal's answers come to, or None when the job is woken before; `was_woken` is true then.

        An answer may be None as well.
        """
        following = self._following[job_id] = asyncio.timeout(None)
        try:
            async with following:
                return await asking
        except TimeoutError:
            if not following.expired():
                raise
            return None
        finally:
            self._following.pop(job_id, None)

    def _woken_of(self, job_id: str) -> asyncio.Event:
        return self._woken.setdefault(job_id, asyncio.Event())
