"""Runs one request: validates the input, reads the files, renders the video, and builds the answer."""

import asyncio
import base64
import binascii
import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from sandbox.fal.endpoints import EndpointInput, Video, parse_input
from sandbox.fal.endpoints.base import SEED_MAX
from sandbox.fal.errors import Failed, FalReply, model_error
from sandbox.fal.faults import FalFaults
from sandbox.fal.input_files import FileField, FileRule, InputFile, read_input_file, shorten
from sandbox.fal.queue import CANCELLED, FalJob
from sandbox.fal.render_pool import RenderPool
from sandbox.fal.storage import Storage, copy_with_padding, hard_link, sha256_of

__all__ = ["FalRunner", "FalSettings"]

LINES = 10  # progress lines per request
LINE_MIN_S = 0.25  # the shortest time between two of them
INPUTS_MAX = 4096  # input files in the cache
FILMS_MAX = 256  # padded videos in the cache
MIB = 1024 * 1024


@dataclass(kw_only=True)
class FalSettings:
    """Set by `POST /sandbox/settings`. `result_mb` pads every video to that many MiB; 0 does not.

    `null_fields` are null in every result, such as `video.width` and `actual_prompt`; fal may leave all but `video.url`
    and `seed` out. `clock_ahead_s` moves the stand-in's clock forward; without `store_payloads` results are forgotten
    after an hour. `webhook_retry_s` is the time before the first retry of a webhook, and ten of them take two hours.
    `is_still` renders without a moving camera: a quick video, rendered once for all seeds.

    Of the platform API: ended requests and billing events are listed `listed_after_s` later, `discount_percent` lowers
    what is billed, and `decimal_texts` writes its numbers in quotes.
    """

    seconds_per_job: float = 4.0
    result_mb: float = 0
    ignore_cancel: bool = False
    ping_s: float = 15.0
    null_fields: list[str] = field(default_factory=list[str])
    clock_ahead_s: float = 0
    store_payloads: bool = True
    webhook_retry_s: float = 120.0
    is_still: bool = False
    listed_after_s: float = 0
    discount_percent: float = 0
    decimal_texts: bool = False
    balance_usd: float | str | None = 24.5


class FalRunner:
    """Runs requests. `base_url()` is the stand-in's URL."""

    def __init__(
        self,
        storage: Storage,
        render_pool: RenderPool,
        faults: FalFaults,
        settings: FalSettings,
        base_url: Callable[[], str],
        *,
        dice: random.Random,
    ) -> None:
        self._storage = storage
        self._render_pool = render_pool
        self._faults = faults
        self._settings = settings
        self._base_url = base_url
        self._dice = dice
        self._input_cache: dict[tuple[str, FileRule], InputFile] = {}
        self._results: dict[tuple[Path, str, int], Path] = {}
        self._result_lock = asyncio.Lock()

    async def work(self, job: FalJob) -> FalReply:
        """Run one request and return the answer to its result GET.

        Raises:
            Failed: the request failed, was refused or was cancelled.
        """
        body = job.input
        if isinstance(body, InvalidJson):
            raise Failed(model_error("json_invalid", message=f"JSON decode error: {body.reason}"))
        wanted = parse_input(job.endpoint, body)
        fields = wanted.file_fields()
        job.log("Downloading inputs" if fields else "No inputs to download")
        files = [await self._fetch(field) for field in fields]
        wanted.check(files)
        return await self._film(job, wanted, files)

    async def _film(self, job: FalJob, wanted: EndpointInput, files: list[InputFile]) -> FalReply:
        """Render the video while the log counts the steps; the slower of the two decides when it ends."""
        seed = self._dice.randint(0, SEED_MAX) if wanted.seed is None else wanted.seed
        film = wanted.film(files, seed)
        if self._settings.is_still:
            film = replace(film, variant=0, hold=film.frames)
        rendering = asyncio.create_task(self._render_pool.render(film, files, wanted.prompt_text()))
        try:
            await self._log_progress(job, wanted.steps())
            planned = self._faults.take_failure(job.endpoint)
            if planned is not None:
                raise Failed(planned)
            path = await rendering
        finally:
            rendering.cancel()
            # A failure was raised above; a cancelled request does not wait for its video.
            with contextlib.suppress(Failed, asyncio.CancelledError):
                await rendering
        stored = self._storage.create("output.mp4", "video/mp4")
        await self._write_result(path, stored.path, f"sandbox/fal seed={seed}")
        stored.complete = True
        url = f"{self._base_url()}/files/{stored.key}"
        video = Video(url=url, file_name=stored.file_name, size_bytes=stored.size_bytes, film=film)
        output = _with_nulls(wanted.output(video, seed), self._settings.null_fields)
        return FalReply(200, output, billed_units=wanted.units(film, files))

    async def _write_result(self, film: Path, target: Path, note: str) -> None:
        """Write the padded video with its note to `target`; equal results are hard links to one file.

        A thousand padded results are so one file on disk and in the page cache. The cached file itself is no request's
        result, so deleting a result does not affect the others.
        """
        size = int(self._settings.result_mb * MIB)
        async with self._result_lock:
            known = self._results.get((film, note, size))
            if known is None:
                known = target.with_name(f"{target.name}.film")
                await asyncio.to_thread(copy_with_padding, film, known, note, size)
                if len(self._results) >= FILMS_MAX:
                    self._results.clear()
                self._results[film, note, size] = known
            await asyncio.to_thread(hard_link, known, target)

    async def _log_progress(self, job: FalJob, steps: int) -> None:
        """Log "Denoising 12/30 (40%)" lines over `seconds_per_job`.

        Raises:
            Failed: the request was cancelled.
        """
        seconds = self._settings.seconds_per_job
        lines = max(1, min(LINES, steps, int(seconds / LINE_MIN_S)))
        for n in range(1, lines + 1):
            await self._pause(job, seconds / lines)
            if n == (lines + 1) // 2:
                await self._requeue(job)
            step = steps * n // lines
            job.log(f"Denoising {step}/{steps} ({100 * step // steps}%)")

    async def _pause(self, job: FalJob, seconds: float) -> None:
        """Wait, until the time is over or the request is finished early or cancelled."""
        try:
            async with asyncio.timeout(seconds):
                while not self._cancelled(job) and not job.finish_now:
                    await job.wake.wait()
                    job.wake.clear()
        except TimeoutError:
            return
        if self._cancelled(job):
            raise Failed(CANCELLED)

    def _cancelled(self, job: FalJob) -> bool:
        """Return whether the request was cancelled and cancels are not ignored."""
        return job.cancel_requested and not self._settings.ignore_cancel

    async def _requeue(self, job: FalJob) -> None:
        """Go back to IN_QUEUE for a moment, as fal does when it retries on another runner."""
        if not self._faults.take_requeue(job.endpoint):
            return
        job.state = "IN_QUEUE"
        job.notify()
        await self._pause(job, self._settings.seconds_per_job / 4)
        job.state = "IN_PROGRESS"
        job.log("Retrying on another runner")

    async def _fetch(self, field: FileField) -> InputFile:
        """Return an input file, from the stand-in's storage or from a data URI."""
        path = self._write_data_uri(field) if field.url.startswith("data:") else self._stored_path(field)
        sha256 = await asyncio.to_thread(sha256_of, path)
        known = self._input_cache.get((sha256, field.rule))
        if known is not None:
            # The same file is decoded only once.
            return replace(known, field=field, path=path)
        files = await self._render_pool.run(read_input_file, field, path, sha256)
        if len(self._input_cache) >= INPUTS_MAX:
            self._input_cache.clear()
        self._input_cache[sha256, field.rule] = files
        return files

    def _stored_path(self, field: FileField) -> Path:
        """Return the path of an uploaded file."""
        stored = self._storage.by_url(field.url, int(self._base_url().rsplit(":", 1)[1]))
        if stored is None:
            message = "Failed to download the file: sandbox/fal serves only what was uploaded to it"
            raise Failed(
                model_error("file_download_error", location=field.location, message=message, value=shorten(field.url))
            )
        return stored.path

    def _write_data_uri(self, field: FileField) -> Path:
        """Write a data URI's bytes to a file and return its path."""
        head, _, text = field.url.partition(",")
        try:
            data = base64.b64decode(text, validate=True) if head.endswith(";base64") else unquote_to_bytes(text)
        except binascii.Error as error:
            raise Failed(
                model_error("file_download_error", location=field.location, value=shorten(field.url))
            ) from error
        stored = self._storage.create("data", "application/octet-stream")
        stored.path.write_bytes(data)
        return stored.path


def _with_nulls(output: Mapping[str, Any], names: list[str], prefix: str = "") -> dict[str, Any]:
    """Return the output with null under these dotted names."""
    return {
        key: None
        if f"{prefix}{key}" in names
        else _with_nulls(cast("dict[str, Any]", value), names, f"{prefix}{key}.")
        if isinstance(value, dict)
        else value
        for key, value in output.items()
    }


@dataclass(frozen=True, slots=True)
class InvalidJson:
    """A body that is not JSON: accepted at submit, as at fal, and refused when it runs."""

    reason: str
