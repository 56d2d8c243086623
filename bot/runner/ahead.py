"""What follows an event of a job anyway, begun before the event is stored.

Only what nobody sees and what costs nothing is begun: fal is asked for a result, and a made video is downloaded. What
the answer means is judged when it is stored, by the job as it is then, and the video is posted after its money is
settled. If the process ends in between, the next start does both again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from bot.fal.wire.types import FalStatus, Handle, Result
from bot.jobs import events
from bot.jobs.events import Event
from bot.jobs.model import Job, LinkReason


class Ahead:
    """What is under way for one job. It is told every event, some twice; whoever made it cancels it at the end."""

    def __init__(
        self,
        *,
        ask: Callable[[Handle], Coroutine[Any, Any, Result]],
        download: Callable[[Job], Coroutine[Any, Any, LinkReason | None]],
    ) -> None:
        self._ask = ask
        self._download = download
        self._answer: asyncio.Task[Result] | None = None
        self._video: asyncio.Task[LinkReason | None] | None = None
        self._downloaded: Result | None = None  # of what the video is

    @property
    def answer(self) -> Awaitable[Result] | None:
        """fal's answer about a completed request; None if it was not asked."""
        return self._answer

    @property
    def video(self) -> Awaitable[LinkReason | None] | None:
        """Why a made video is not on disk, or None; None in place of it all if no download has begun."""
        return self._video

    def follow(self, job: Job, event: Event) -> None:
        """Begin what follows the event, and end what does not."""
        match event:
            case FalStatus("completed") if job.handle is not None:
                if self._answer is not None:
                    return
                self.cancel()
                self._answer = asyncio.create_task(self._asked(job, job.handle), name=f"result of job {job.id}")
            case events.Made(result):
                self._answer = _ended(self._answer)
                if result != self._downloaded:
                    self._begin_download(job, result)
            case _:
                self.cancel()

    async def result(self, *, within_s: float) -> Result | None:
        """Return fal's answer if it comes within this time and is a result; `answer` has it in any case."""
        if self._answer is None:
            return None
        await asyncio.wait((self._answer,), timeout=within_s)
        if not self._answer.done() or self._answer.cancelled() or self._answer.exception() is not None:
            return None
        return self._answer.result()

    def cancel(self) -> None:
        """End what is not over; nobody waits for it any more."""
        self._answer, self._video = _ended(self._answer), _ended(self._video)
        self._downloaded = None

    async def _asked(self, job: Job, handle: Handle) -> Result:
        result = await self._ask(handle)
        self._begin_download(job, result)
        return result

    def _begin_download(self, job: Job, result: Result) -> None:
        _ended(self._video)
        self._downloaded = result
        made = replace(job, result=result)
        self._video = asyncio.create_task(self._download(made), name=f"video of job {job.id}")


def _ended(task: asyncio.Task[Any] | None) -> None:
    if task is not None and not task.cancel() and not task.cancelled():
        task.exception()  # fal's errors are no defects, so nothing is logged of one that nobody waits for
