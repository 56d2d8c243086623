"""What one runner does with one request: read the input, fetch the files, render, and write the answer."""

import asyncio
import base64
import binascii
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

from sandbox.fal.endpoints import Input, Video, parse
from sandbox.fal.endpoints.base import SEED_MAX
from sandbox.fal.errors import Failed, Reply, model_error
from sandbox.fal.faults import Faults
from sandbox.fal.input_files import Ask, Media, Rule, examine, shown
from sandbox.fal.queue import CANCELLED, Job
from sandbox.fal.render_pool import Darkroom
from sandbox.fal.storage import Storage, digest, name_again, seal

__all__ = ["Runner", "Settings"]

LINES = 10  # progress lines of one request
LINE_MIN_S = 0.25  # and no more of them than this often
EXAMINED_MAX = 4096  # files remembered
FILMS_MAX = 256  # finished films remembered
MIB = 1024 * 1024


@dataclass(kw_only=True)
class Settings:
    """What `POST /sandbox/settings` changes. `result_mb` pads every video to that many MiB; 0 leaves it as it is."""

    seconds_per_job: float = 4.0
    result_mb: float = 0
    ignore_cancel: bool = False
    ping_s: float = 15.0


class Runner:
    """Makes videos. `base_url()` is where the stand-in serves its files."""

    def __init__(
        self,
        storage: Storage,
        darkroom: Darkroom,
        faults: Faults,
        settings: Settings,
        base_url: Callable[[], str],
        *,
        dice: random.Random,
    ) -> None:
        self._storage = storage
        self._darkroom = darkroom
        self._faults = faults
        self._settings = settings
        self._base_url = base_url
        self._dice = dice
        self._examined: dict[tuple[str, Rule], Media] = {}
        self._known_films: dict[tuple[Path, str, int], Path] = {}
        self._sealing = asyncio.Lock()

    async def work(self, job: Job) -> Reply:
        """Carry out one request.

        Raises:
            Failed: there is no video, with the answer that says why.
        """
        body = job.input
        if isinstance(body, Unreadable):
            raise Failed(model_error("json_invalid", message=f"JSON decode error: {body.reason}"))
        wanted = parse(job.endpoint, body)
        asks = wanted.asks()
        job.log("Downloading inputs" if asks else "No inputs to download")
        media = [await self._fetch(ask) for ask in asks]
        wanted.check(media)
        return await self._film(job, wanted, media)

    async def _film(self, job: Job, wanted: Input, media: list[Media]) -> Reply:
        """Render, while the log counts the steps; the slower of the two decides when it ends."""
        seed = self._dice.randint(0, SEED_MAX) if wanted.seed is None else wanted.seed
        film = wanted.film(media, seed)
        rendering = asyncio.create_task(self._darkroom.film(film, media, wanted.words()))
        try:
            await self._count_steps(job, wanted.steps())
            planned = self._faults.take_failure(job.endpoint)
            if planned is not None:
                raise Failed(planned)
            path = await rendering
        finally:
            rendering.cancel()
            # Its failure, if any, was raised above; a request that was cancelled does not wait for its film.
            with contextlib.suppress(Failed, asyncio.CancelledError):
                await rendering
        stored = self._storage.open("output.mp4", "video/mp4")
        await self._sealed(path, stored.path, f"sandbox/fal seed={seed}")
        stored.complete = True
        url = f"{self._base_url()}/files/{stored.key}"
        video = Video(url=url, file_name=stored.file_name, size_bytes=stored.size_bytes, film=film)
        return Reply(200, wanted.output(video, seed), billed_units=wanted.units(film, media))

    async def _sealed(self, film: Path, target: Path, note: str) -> None:
        """Have the film under a note, in the size that is set, at `target`; equal ones are one file with many names.

        So a thousand padded results are a thousand files to whoever fetches them, and one in this machine's memory. One
        name is nobody's result, so that what becomes of a result is no other's trouble.
        """
        size = int(self._settings.result_mb * MIB)
        async with self._sealing:
            known = self._known_films.get((film, note, size))
            if known is None:
                known = target.with_name(f"{target.name}.film")
                await asyncio.to_thread(seal, film, known, note, size)
                if len(self._known_films) >= FILMS_MAX:
                    self._known_films.clear()
                self._known_films[film, note, size] = known
            await asyncio.to_thread(name_again, known, target)

    async def _count_steps(self, job: Job, steps: int) -> None:
        """Write "Denoising 12/30 (40%)" lines over the set seconds.

        Raises:
            Failed: the request was cancelled meanwhile.
        """
        seconds = self._settings.seconds_per_job
        lines = max(1, min(LINES, steps, int(seconds / LINE_MIN_S)))
        for n in range(1, lines + 1):
            await self._pause(job, seconds / lines)
            if n == (lines + 1) // 2:
                await self._lose_runner(job)
            step = steps * n // lines
            job.log(f"Denoising {step}/{steps} ({100 * step // steps}%)")

    async def _pause(self, job: Job, seconds: float) -> None:
        """Wait, unless the request is hurried or cancelled."""
        try:
            async with asyncio.timeout(seconds):
                while not self._cancelled(job) and not job.hurried:
                    await job.nudge.wait()
                    job.nudge.clear()
        except TimeoutError:
            return
        if self._cancelled(job):
            raise Failed(CANCELLED)

    def _cancelled(self, job: Job) -> bool:
        """Whether it was asked to end, and this runner heeds that."""
        return job.cancel_requested and not self._settings.ignore_cancel

    async def _lose_runner(self, job: Job) -> None:
        """Go back to IN_QUEUE for a moment, as fal does when it retries a lost runner by itself."""
        if not self._faults.take_requeue(job.endpoint):
            return
        job.state = "IN_QUEUE"
        job.tell()
        await self._pause(job, self._settings.seconds_per_job / 4)
        job.state = "IN_PROGRESS"
        job.log("Retrying on another runner")

    async def _fetch(self, ask: Ask) -> Media:
        """Return an input file: from the stand-in's own storage, or out of a data URI."""
        path = self._decoded(ask) if ask.url.startswith("data:") else self._stored(ask)
        sha256 = await asyncio.to_thread(digest, path)
        known = self._examined.get((sha256, ask.rule))
        if known is not None:
            # The same picture for a thousand requests is decoded once.
            return replace(known, ask=ask, path=path)
        media = await self._darkroom.run(examine, ask, path, sha256)
        if len(self._examined) >= EXAMINED_MAX:
            self._examined.clear()
        self._examined[sha256, ask.rule] = media
        return media

    def _stored(self, ask: Ask) -> Path:
        """Return the path of an uploaded file."""
        stored = self._storage.by_url(ask.url, int(self._base_url().rsplit(":", 1)[1]))
        if stored is None:
            message = "Failed to download the file: sandbox/fal serves only what was uploaded to it"
            raise Failed(
                model_error("file_download_error", location=ask.location, message=message, value=shown(ask.url))
            )
        return stored.path

    def _decoded(self, ask: Ask) -> Path:
        """Write a data URI's bytes to a file and return its path."""
        head, _, text = ask.url.partition(",")
        try:
            data = base64.b64decode(text, validate=True) if head.endswith(";base64") else unquote_to_bytes(text)
        except binascii.Error as error:
            raise Failed(model_error("file_download_error", location=ask.location, value=shown(ask.url))) from error
        stored = self._storage.open("data", "application/octet-stream")
        stored.path.write_bytes(data)
        return stored.path


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body that was not JSON: accepted at submit like any other, and refused when it runs."""

    reason: str
