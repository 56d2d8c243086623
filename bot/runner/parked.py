"""Jobs that only wait for fal's webhook: none has a task, only a timer after which it is looked at."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.jobs.model import JobRef


@dataclass(frozen=True, slots=True)
class _Waiting:
    job: JobRef
    timer: asyncio.TimerHandle


class Parked:
    """The parked jobs, by id. `drive` is called with a job whose time has come; it has to take it."""

    def __init__(self, drive: Callable[[JobRef], None]) -> None:
        self._drive = drive
        self._waiting: dict[str, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[str]:
        return iter(self._waiting)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._waiting

    def park(self, job: JobRef, *, for_s: float) -> None:
        """Keep the job until it is taken, at the latest `for_s` seconds from now."""
        self.take(job.id)
        self._waiting[job.id] = _Waiting(job, asyncio.get_running_loop().call_later(for_s, self._drive, job))

    def take(self, job_id: str) -> JobRef | None:
        """Return the job, which is not parked afterwards; None if it was not."""
        waiting = self._waiting.pop(job_id, None)
        if waiting is None:
            return None
        waiting.timer.cancel()
        return waiting.job

    def clear(self) -> None:
        """Take all jobs."""
        for job_id in list(self._waiting):
            self.take(job_id)
