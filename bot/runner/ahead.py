"""What follows an event of a job anyway, begun while the event is stored.

Only what nobody sees and what costs nothing is begun: fal is asked for a result, and a made video is downloaded. It is
posted after its money is settled, as ever. If the process ends in between, the next start does both again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from bot.fal.wire.types import FalStatus
from bot.jobs import machine
from bot.jobs.model import Job, LinkReason


@dataclass(frozen=True, slots=True)
class Ahead:
    """fal's answer about a completed request, or why a made video is not on disk, which may be None."""

    answer: asyncio.Task[machine.Event] | None = None
    video: asyncio.Task[LinkReason | None] | None = None

    def cancel(self) -> None:
        """End what is not over; nobody waits for it any more."""
        for task in (self.answer, self.video):
            if task is not None:
                task.cancel()


def begin(
    job: Job,
    event: machine.Event,
    *,
    ask: Callable[[Job], Coroutine[Any, Any, machine.Event]],
    download: Callable[[Job], Coroutine[Any, Any, LinkReason | None]],
) -> Ahead:
    """Begin what follows the event; the caller waits for it or cancels it."""
    match event:
        case FalStatus("completed"):
            return Ahead(answer=asyncio.create_task(ask(job), name=f"result of job {job.id}"))
        case machine.Made(result):
            made = replace(job, result=result)
            return Ahead(video=asyncio.create_task(download(made), name=f"video of job {job.id}"))
        case _:
            return Ahead()
