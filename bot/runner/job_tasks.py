"""The tasks of this process's jobs: which job has one, which is parked, and how they all end."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Generator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from bot.jobs.model import Job, JobRef
from bot.log import job_scope
from bot.runner.parked import Parked
from bot.runner.wakes import Wakes


class JobTasks:
    """At most one task drives a job; tasks beside it do for it what nobody waits for."""

    def __init__(
        self, run: Callable[[JobRef], Coroutine[Any, Any, None]], wakes: Wakes, *, on_over: Callable[[str], None]
    ) -> None:
        """`run` drives a job until it ends or is parked; `on_over` is called when it has, unless it was parked."""
        self._run = run
        self._wakes = wakes
        self._on_over = on_over
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._beside: dict[asyncio.Task[None], str] = {}
        self._parked = Parked(self.drive)
        self._spared: set[str] = set()
        self._beginning = 0
        self.is_closing = False

    @property
    def parked(self) -> Collection[str]:
        """The jobs that only wait for fal's webhook."""
        return self._parked

    @property
    def known(self) -> Collection[str]:
        """The jobs that have a task or one beside it, or are parked."""
        return {*self._tasks, *self._parked, *self._beside.values()}

    @contextmanager
    def beginning(self, jobs: int) -> Generator[int]:
        """Count these jobs as running during the block, which stores that they begin; yields how many others run.

        Those that wait for approval do not; after a start they count until they have been taken up.
        """
        running = len(self._tasks) + len(self._parked) - len(self._wakes.awaiting_approval) + self._beginning
        self._beginning += jobs
        try:
            yield running
        finally:
            self._beginning -= jobs

    def drive(self, job: Job | JobRef) -> None:
        """Start the job's task, unless it has one or Wanda is stopping; then the next start does."""
        if self.is_closing or job.id in self._tasks:
            return
        self._parked.take(job.id)
        ref = JobRef(job.id, job.guild_id)  # the task does not keep the whole job
        task = asyncio.create_task(self._run(ref), name=f"job {ref.id}")
        self._tasks[ref.id] = task
        task.add_done_callback(partial(self._ended, ref))

    def _ended(self, job: JobRef, task: asyncio.Task[None]) -> None:
        if self._tasks.get(job.id) is not task:
            return  # it was parked, and may have its next task by now
        del self._tasks[job.id]
        self._on_over(job.id)
        if self._wakes.forget(job.id):
            self.drive(job)  # the task stopped waiting before it saw that it was woken

    def park(self, job: Job, *, for_s: float) -> None:
        """Leave the job without a task, which has nothing left to do, for at most `for_s` seconds."""
        if not self.is_closing:
            self._tasks.pop(job.id, None)  # the job may be driven again at once
            self._parked.park(JobRef(job.id, job.guild_id), for_s=for_s)

    def wake(self, job: Job | JobRef) -> None:
        """Wake the job's task after an approval, a decline, a cancel or a webhook, or start one."""
        if not self.wake_known(job.id):
            self.drive(job)

    def wake_known(self, job_id: str) -> bool:
        """Wake the job's task; a parked job gets one. Returns False for a job that is neither."""
        if (parked := self._parked.take(job_id)) is not None:
            self.drive(parked)
            return True
        if job_id not in self._tasks:
            return False
        self._wakes.wake(job_id)
        return True

    def restart(self, job: JobRef) -> None:
        """Cancel the job's task, whatever it waits for, and have another one go on from the stored state."""
        task = self._tasks.get(job.id)
        self.wake(job)
        if task is not None and job.id not in self._spared:
            task.cancel()

    @contextmanager
    def spared(self, job_id: str) -> Generator[None]:
        """Let the job's task finish the block: neither a restart nor the stop cancels it at once."""
        self._spared.add(job_id)
        try:
            yield
        finally:
            self._spared.discard(job_id)

    def beside(self, job_id: str, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Do work for one job, or for all where the id is empty, which nobody waits for."""
        task = asyncio.create_task(_in_scope(job_id, work), name=name)
        self._beside[task] = job_id
        task.add_done_callback(self._beside.pop)

    async def stop(self, loops: Collection[asyncio.Task[None]], *, within_s: float) -> None:
        """Start nothing new, cancel all but what is spared, and these loops, and wait for them.

        What is spared is cancelled after 60 % of the time, and no longer waited for after 80 %.
        """
        self.is_closing = True
        self._parked.clear()
        spared = {task for job_id, task in self._tasks.items() if job_id in self._spared}
        pending = {*self._tasks.values(), *self._beside, *loops}
        for task in pending - spared:
            task.cancel()
        if pending:
            _, late = await asyncio.wait(pending, timeout=within_s * 0.6)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=within_s * 0.2)


async def _in_scope(job_id: str, work: Coroutine[Any, Any, None]) -> None:
    with job_scope(job_id) if job_id else nullcontext():
        await work
