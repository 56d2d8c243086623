"""fal's finished video: fetched once, checked, kept for reruns."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import httpx

from bot.errors import (
    Busy,
    DiskRefused,
    DownloadError,
    DownloadFailed,
    DownloadTooLarge,
    FilesUnavailable,
    MediaRefused,
)
from bot.files.files import Files
from bot.files.names import result_name
from bot.jobs.model import Job, LinkReason
from bot.media.probe import Facts
from bot.media.quick_look import surely_plays
from bot.media.rules.sniff import HEAD_BYTES, sniff
from bot.net.arrival import Arrival
from bot.net.download import Allowed, Limits, Sleep, to_disk_then
from bot.net.file_session import FileSession
from bot.requester import Requester
from bot.settings import DownloadSettings, FalSettings
from bot.units import MIB

_LOG = logging.getLogger(__name__)
_TRIES = 2  # downloads of a file that is no video; each has its own retries for the network
_KEEP_AGAIN_S = (60.0, 600.0, 3600.0)  # waits before a video is kept again that could not be
_KEEPING_MAX = 1000  # videos being kept; others stay on this machine
_KNOWN_MAX = 1000  # videos that are not looked for again between their download and their upload
_ENDINGS = frozenset({"mp4", "mov", "webm", "mkv", "avi", "3gp"})


class Probes(Protocol):
    """The part of `bot.media.probe.Prober` that is used here."""

    async def facts(self, path: Path, *, shown_name: str, requester: Requester) -> Facts:
        """Return what the file is.

        Raises:
            MediaRefused: nothing that can be played to its end.
            Busy: it could not be read now.
        """
        ...


class NotFetched(Exception):  # noqa: N818 - reads better at the except
    """There is no video on disk; `reason` says why."""

    def __init__(self, reason: LinkReason, why: object) -> None:
        super().__init__(f"{reason}: {why}")
        self.reason: LinkReason = reason


@dataclass(frozen=True, slots=True)
class Fetched:
    """A video on disk, with the `ending` that fits what is in it.

    It is whole, unless it has an `arrival`. Only a smaller copy has `pixels`; `is_second_try` follows a refused upload.
    """

    path: Path
    size_bytes: int
    ending: str = "mp4"
    pixels: tuple[int, int] | None = None
    is_second_try: bool = False
    arrival: Arrival[str] | None = None


def _looked_at(path: Path) -> Fetched:
    """Return the video at this path; raises FileNotFoundError."""
    return Fetched(path, path.stat().st_size, ending(path))


def _is_there(video: Fetched) -> bool:
    """Return whether the video still is there."""
    try:
        return video.path.stat().st_size == video.size_bytes
    except OSError:
        return False


def _found_or_room(path: Path) -> Fetched | None:
    """Return the video, or make its folder; one function, because each call costs a thread switch."""
    try:
        return _looked_at(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return None


def _moved(raw: Path, path: Path) -> Fetched:
    """Give the file its name."""
    return _looked_at(raw.replace(path))


def _moved_if_it_surely_plays(raw: Path, path: Path, arrival: Arrival[str], _size_bytes: int) -> Fetched | None:
    """Give a file that is plainly a video its name."""
    is_judged = arrival.verdict is not None and not arrival.is_broken
    return _moved(raw, path) if is_judged or surely_plays(raw) else None


def _ending_if_it_surely_plays(part: Path, size_bytes: int) -> str | None:
    """Return the ending of a video that is still being downloaded, if what is there is enough to tell."""
    return ending(part) if surely_plays(part, size_bytes) else None


class ResultFiles:
    """The finished videos, `results/<job id>.mp4`; whatever is kept there was checked.

    The name says "mp4" also of a video in another format; `ending` tells the format.
    """

    def __init__(
        self,
        http: FileSession,
        settings: DownloadSettings,
        prober: Probes,
        *,
        files: Files,
        allowed: Allowed,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self.files = files
        self._http = http
        self._prober = prober
        self._sleep = sleep
        self._allowed = allowed
        self._keeping: dict[str, asyncio.Task[None]] = {}
        self._tried: dict[str, asyncio.Event] = {}  # set once keeping was tried
        self._known: OrderedDict[str, Fetched] = OrderedDict()  # the last ones, by job
        self._arrivals: dict[str, Arrival[str]] = {}  # of the downloads under way

    def path(self, job: Job) -> Path:
        """Return where the job's video is on this machine, or will be."""
        return self.files.root / result_name(job.id)

    def known(self, job: Job) -> Fetched | None:
        """Return the video if it was fetched a while ago and still is there."""
        video = self._known.get(job.id)
        return video if video is not None and _is_there(video) else None

    async def fetch(self, job: Job) -> Fetched:
        """Return the video on disk; it is downloaded only if it is not there yet, and kept meanwhile.

        Raises:
            NotFetched: it could not be downloaded, is larger than `result_mib_max`, or is no video that plays.
        """
        if (known := self.known(job)) is not None:
            return known
        arrival = self._arrivals[job.id] = Arrival(_ending_if_it_surely_plays)
        try:
            found = await self._fetched(job, arrival)
        finally:
            arrival.end()
            if self._arrivals.get(job.id) is arrival:
                del self._arrivals[job.id]
        self._known[job.id] = found
        while len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        return found

    async def arriving(self, job: Job) -> Fetched | None:
        """Return the video of a `fetch` under way as soon as it surely plays; None if that cannot be told before."""
        arrival = self._arrivals.get(job.id)
        if arrival is None or (verdict := await arrival.judged()) is None:
            return None
        return Fetched(self.path(job), arrival.size_bytes, verdict, arrival=arrival)

    async def _fetched(self, job: Job, arrival: Arrival[str]) -> Fetched:
        path = self.path(job)
        try:
            found = await asyncio.to_thread(_found_or_room, path)
            if found is None:
                found = await self._downloaded_or_kept(job, path, arrival)
                self._begin_to_keep(job)
        except DownloadTooLarge as error:
            raise NotFetched("too_long", error) from error
        except (DiskRefused, OSError) as error:
            raise NotFetched("no_room", error) from error
        except DownloadError as error:
            raise NotFetched("not_fetched", error) from error
        except Busy as error:
            raise NotFetched("unchecked", error) from error
        return found

    async def here(self, job: Job) -> Path:
        """Return the path of the job's video, which is on this machine now.

        Raises:
            FilesUnavailable: it cannot be had now.
        """
        try:
            return (await self.fetch(job)).path
        except NotFetched as error:
            raise FilesUnavailable(f"The video of job {job.id} is not here: {error}") from error

    async def kept(self, job: Job) -> None:
        """Return once the job's video was kept where every process finds it, or that failed for now."""
        if (tried := self._tried.get(job.id)) is not None:
            await tried.wait()

    async def close(self) -> None:
        """End what still waits to be kept."""
        tasks = list(self._keeping.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin_to_keep(self, job: Job) -> None:
        """Keep the video beside its delivery, which does not wait for it and does not fail with it."""
        if not self.files.is_shared or job.id in self._keeping or len(self._keeping) >= _KEEPING_MAX:
            return
        self._tried[job.id] = asyncio.Event()
        self._keeping[job.id] = task = asyncio.create_task(self._keep(job), name=f"keep the video of job {job.id}")
        task.add_done_callback(lambda _: self._end_keeping(job.id))

    def _end_keeping(self, job_id: str) -> None:
        self._keeping.pop(job_id, None)
        self._tried.pop(job_id).set()

    async def _keep(self, job: Job) -> None:
        """Keep the video; after a failure again, until it was removed here."""
        for wait_s in (*_KEEP_AGAIN_S, None):
            try:
                await self.files.keep(result_name(job.id), job.requester)
            except FilesUnavailable as error:
                _LOG.warning("the video of job %s is not kept for reruns yet: %s", job.id, error)
                self._tried[job.id].set()
            except FileNotFoundError:
                return
            else:
                return
            if wait_s is not None:
                await self._sleep(wait_s)

    async def _downloaded_or_kept(self, job: Job, path: Path, arrival: Arrival[str]) -> Fetched:
        """Return what fal still has, else what another process has kept of it."""
        try:
            return await self._downloaded(job, path, arrival)
        except DownloadFailed:
            try:
                return await self._kept_before(job)
            except (FileNotFoundError, FilesUnavailable):
                pass
            raise

    async def _kept_before(self, job: Job) -> Fetched:
        path = await self.files.fetch(result_name(job.id), job.requester)
        return await asyncio.to_thread(_looked_at, path)

    async def _downloaded(self, job: Job, path: Path, arrival: Arrival[str]) -> Fetched:
        if job.result is None:
            raise DownloadFailed("fal named no video")
        raw = path.with_suffix(".unchecked")
        for _ in range(_TRIES):
            if (moved := await self._copy(job.result.url, raw, path, arrival)) is not None:
                return moved
            try:
                if await self._plays(raw, job):
                    return await asyncio.to_thread(_moved, raw, path)
            finally:
                await asyncio.to_thread(raw.unlink, missing_ok=True)
        raise NotFetched("unplayable", "fal's storage sent it twice")

    async def _plays(self, path: Path, job: Job) -> bool:
        """Return whether a worker finds that the file is a video that plays.

        Raises:
            Busy: no worker could read it.
        """
        try:
            facts = await self._prober.facts(path, shown_name="the result", requester=job.requester)
        except MediaRefused as refused:
            _LOG.warning("what fal's storage sent for job %s is no video that plays: %s", job.id, refused)
            return False
        return facts.kind == "video"

    async def _copy(self, url: str, raw: Path, path: Path, arrival: Arrival[str]) -> Fetched | None:
        """Download to `raw`; what surely plays gets its name at once."""
        limits = Limits(
            bytes_max=self._settings.result_mib_max * MIB,
            timeout_s=self._settings.timeout_s,
            allowed=self._allowed,
            retries=self._settings.retries,
            wait_s=self._settings.wait_s,
            sleep=self._sleep,
        )
        then = partial(_moved_if_it_surely_plays, raw, path, arrival)
        return await to_disk_then(self._http, url, raw, limits, then, arrival=arrival)


def ending(path: Path) -> str:
    """Return the ending of the file's name that fits what is in it: "mp4", "webm", …; blocks for a moment."""
    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES)).format
    return found if found in _ENDINGS else "mp4"


def from_fal(settings: FalSettings) -> Allowed:
    """Return the rule for result URLs: https and a public host name, or a host that the operator set for fal."""
    configured = {httpx.URL(url).host for url in (settings.queue_url, settings.rest_url)}

    def allowed(url: httpx.URL) -> bool:
        if url.host in configured:
            return url.scheme in {"http", "https"}
        return url.scheme == "https" and _is_public_name(url.host)

    return allowed


def _is_public_name(host: str) -> bool:
    """Return whether this is a domain name and no address, so that it is no machine in the operator's network.

    A resolver takes a name whose last part begins with a digit for an address: "127.1" is 127.0.0.1.
    """
    *front, last = host.rstrip(".").lower().split(".")
    return bool(front) and last[:1].isalpha() and last not in {"local", "internal", "localhost"}
