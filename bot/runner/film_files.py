"""The files of films: a shot's first picture out of the shot before, and the joined film.

Both may be asked for again at any time, also by another process: what is kept is found, and what is not is made.
"""

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from bot.errors import EncodeFailed
from bot.files.files import Files
from bot.files.names import inputs_name, joined_name
from bot.jobs.model import Input, Job
from bot.media.ffmpeg import OnFraction
from bot.media.fitter import Fitted
from bot.media.joiner import JoinedFile, JoinPlan
from bot.media.last_frame import LastFrame
from bot.media.rules.preview import preview_name
from bot.requester import Requester
from bot.runner.job_files import input_of
from bot.tasks import all_of, in_thread

_KEY_DIGITS = 16
_FRAME_NAME = "last frame.png"  # what people see


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRequest:
    """What a film is joined of: the finished jobs in their order, the fade at each seam, and one sound for all."""

    film_id: str
    jobs: Sequence[Job]
    fades_s: tuple[float, ...]
    soundtrack: Input | None
    bytes_max: int

    @property
    def requester(self) -> Requester:
        """For whom it is joined."""
        return self.jobs[0].requester

    @property
    def name(self) -> str:
        """The name of the file: another one for each version of the film."""
        track = None if self.soundtrack is None else self.soundtrack.path
        made_of = [[job.id for job in self.jobs], self.fades_s, track, self.bytes_max]
        return joined_name(self.film_id, sha256(json.dumps(made_of).encode()).hexdigest()[:_KEY_DIGITS])


class Joins(Protocol):
    """The part of `bot.media.joiner.Joiner` that is used here."""

    async def join(
        self,
        parts: Sequence[Path],
        plan: JoinPlan,
        into: Path,
        *,
        bytes_max: int,
        requester: Requester,
        on_fraction: OnFraction,
    ) -> JoinedFile:
        """Return the film at `into`; raises as `Joiner.join`."""
        ...

    async def found(self, path: Path, *, requester: Requester) -> JoinedFile:
        """Return what an earlier run joined; raises as `Joiner.found`."""
        ...


class FilmFiles:
    """Makes and keeps the files of films; `here` returns the path of a job's video on this machine."""

    def __init__(
        self, files: Files, joiner: Joins, last_frame: LastFrame, *, here: Callable[[Job], Coroutine[Any, Any, Path]]
    ) -> None:
        self._files = files
        self._joiner = joiner
        self._last_frame = last_frame
        self._here = here

    async def first_picture(self, before: Job, job_id: str, *, option: str) -> Input:
        """Return the last frame of a finished job's video as an input of another job, kept with that job's files.

        Raises:
            EncodeFailed: the video has no frame that can be decoded.
            NoRoom: Wanda's disk is full.
            Busy: no worker could read it.
            FilesUnavailable: the video cannot be had now, or the picture not be kept.
        """
        video = await self._here(before)
        root = self._files.root
        path = root / inputs_name(job_id) / f"{option}.png"
        facts = await self._last_frame.save(video, path, requester=before.requester)
        names = [path.relative_to(root).as_posix()]
        if facts.preview:
            preview = path.with_name(preview_name(option))
            await in_thread(preview.write_bytes, facts.preview)
            names.append(preview.relative_to(root).as_posix())
        await all_of(self._files.keep(name, before.requester) for name in names)
        hidden = any(item.is_spoiler for item in before.inputs)
        return input_of(Fitted(path, facts), option=option, file_name=_FRAME_NAME, root=root, is_spoiler=hidden)

    async def joined(self, film: FilmRequest, *, on_fraction: OnFraction) -> JoinedFile:
        """Return the joined film, which is kept under `film.name`.

        Raises:
            EncodeFailed: these parts cannot be joined within the limits.
            NoRoom: Wanda's disk is full.
            Busy: no worker could read them.
            FilesUnavailable: a part cannot be had now, or the film not be kept.
            FileNotFoundError: the soundtrack is not kept any more.
        """
        made = await self._kept(film) or await self._made(film, on_fraction)
        await self._files.keep(film.name, film.requester)
        return made

    async def forget(self, name: str) -> None:
        """Remove a version of a film that was replaced; raises FilesUnavailable."""
        await self._files.remove([name])

    async def _kept(self, film: FilmRequest) -> JoinedFile | None:
        try:
            path = await self._files.fetch(film.name, film.requester)
            return await self._joiner.found(path, requester=film.requester)
        except (FileNotFoundError, EncodeFailed):
            return None

    async def _made(self, film: FilmRequest, on_fraction: OnFraction) -> JoinedFile:
        parts = await all_of(self._here(job) for job in film.jobs)
        track = film.soundtrack
        sound = None if track is None else await self._files.fetch(track.path, film.requester)
        into = self._files.root / film.name
        await in_thread(into.parent.mkdir, parents=True, exist_ok=True)
        return await self._joiner.join(
            parts,
            JoinPlan(film.fades_s, sound),
            into,
            bytes_max=film.bytes_max,
            requester=film.requester,
            on_fraction=on_fraction,
        )
