"""What follows an event of a job anyway, begun while the event is stored.

Only what nobody sees and what costs nothing is begun: fal is asked for a result, and a made video is downloaded. What
the answer means is judged when the event is stored, by the job as it is then, and the video is posted after its money
is settled. If the process ends in between, the next start does both again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from bot.fal.wire.types import FalStatus, Handle, Result
from bot.jobs import machine
from bot.jobs.model import Job, LinkReason


@dataclass(frozen=True, slots=True)
class Ahead:
    """fal's answer about a completed request, or why a made video is not on disk, which may be None."""

    answer: asyncio.Task[Result] | None = None
    video: asyncio.Task[LinkReason | None] | None = None

    def cancel(self) -> None:
        """End what is not over; nobody waits for it any more."""
        for task in (self.answer, self.video):
            if task is not None and not task.cancel() and not task.cancelled():
                task.exception()  # fal's errors are no defects, so nothing is logged of one that nobody waits for


def begin(
    job: Job,
    event: machine.Event,
    *,
    ask: Callable[[Handle], Coroutine[Any, Any, Result]],
    download: Callable[[Job], Coroutine[Any, Any, LinkReason | None]],
) -> Ahead:
    """Begin what follows the event; the caller waits for it or cancels it."""
    match event:
        case FalStatus("completed") if job.handle is not None:
            return Ahead(answer=asyncio.create_task(ask(job.handle), name=f"result of job {job.id}"))
        case machine.Made(result):
            made = replace(job, result=result)
            return Ahead(video=asyncio.create_task(download(made), name=f"video of job {job.id}"))
        case _:
            return Ahead()
