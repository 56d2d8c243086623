"""Makes the job of a shot ready: its first frame out of the shot before, and copies of its pictures."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from bot.catalogue.price import PriceTable
from bot.errors import FilesGone, FilesUnavailable
from bot.files.files import Files
from bot.films.acts import Jobs
from bot.films.model import Film
from bot.films.plan import Begin
from bot.films.quoting import request_of
from bot.films.shot_jobs import shot_job
from bot.jobs.model import Input, Job
from bot.runner.job_files import copy_inputs


class Frames(Protocol):
    """The part of `bot.runner.film_files.FilmFiles` that is used here."""

    async def first_picture(self, before: Job, job_id: str, *, option: str) -> Input:
        """Return the last frame of a job's video as an input of another job; raises as `FilmFiles`."""
        ...


class ShotMaker:
    """Builds jobs; building one again gives the same job with the same files."""

    def __init__(self, files: Files, frames: Frames, prices: PriceTable, *, clock: Callable[[], float]) -> None:
        self._files = files
        self._frames = frames
        self._prices = prices
        self._clock = clock

    async def job(self, film: Film, jobs: Jobs, begin: Begin) -> Job:
        """Return the job of a shot, whose files are kept.

        Raises:
            Refusal: it cannot be made as it was asked for, or a file of it is gone.
            EncodeFailed: the video before has no frame to begin with.
            Busy, NoRoom: not now.
            FilesUnavailable: likewise.
        """
        take = film.take(begin.number)
        request = request_of(film, take.shot, await self._frame(film, jobs, begin))
        own = tuple(item for item in request.inputs if item.path.startswith(f"inputs/{film.id}/"))
        copies = {item.option: item for item in await copy_inputs(own, self._files, take.job_id)}
        inputs = tuple(copies.get(item.option, item) for item in request.inputs)
        job = shot_job(film, begin.number, request, self._prices, now=self._clock())
        return replace(job, inputs=inputs)

    async def _frame(self, film: Film, jobs: Jobs, begin: Begin) -> Input | None:
        if begin.after is None:
            return None
        before = jobs.get(begin.after)
        if before is None or before.result is None:
            raise FilesGone("Wanda no longer has the video before this shot. Make that one again, or use a picture.")
        return await self._frames.first_picture(before, film.take(begin.number).job_id, option="image")

    async def forget(self, job_id: str) -> None:
        """Remove the files of a job that was not accepted; what stays is an orphan."""
        with suppress(FilesUnavailable):
            await self._files.remove_jobs([job_id])
