"""fal's finished video on disk: fetched once, checked, kept for reruns."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from bot.errors import Busy, DiskRefused, DownloadError, DownloadFailed, DownloadTooLarge, MediaRefused
from bot.jobs.model import Job, LinkReason
from bot.media.probe import Facts
from bot.media.quick_look import surely_plays
from bot.media.rules.sniff import HEAD_BYTES, sniff
from bot.net.download import Allowed, Sleep, to_disk
from bot.requester import Requester
from bot.runner.job_files import result_path
from bot.settings import DownloadSettings, FalSettings
from bot.units import MIB

_LOG = logging.getLogger(__name__)
_TRIES = 2  # downloads of a file that is no video; each has its own retries for the network
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
    """A whole video on disk. Only a smaller copy has `pixels`; `is_second_try` follows a refused upload."""

    path: Path
    size_bytes: int
    pixels: tuple[int, int] | None = None
    is_second_try: bool = False


def _found_or_room(path: Path) -> Fetched | None:
    """Return the video, or make its folder; one function, because each call costs a thread switch."""
    try:
        return Fetched(path, path.stat().st_size)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return None


class ResultFiles:
    """The folder of finished videos, `<data folder>/results/<job id>.mp4`; whatever lies there was checked.

    The name says "mp4" also of a video in another format; `ending` tells the format.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: DownloadSettings,
        prober: Probes,
        *,
        data_dir: Path,
        allowed: Allowed,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self.data_dir = data_dir
        self._http = http
        self._prober = prober
        self._sleep = sleep
        self._allowed = allowed

    def path(self, job: Job) -> Path:
        """Return where the job's video is, or will be."""
        return result_path(job, self.data_dir)

    async def fetch(self, job: Job) -> Fetched:
        """Return the video on disk; it is downloaded only if it is not there yet.

        Raises:
            NotFetched: it could not be downloaded, is larger than `result_mib_max`, or is no video that plays.
        """
        path = self.path(job)
        try:
            found = await asyncio.to_thread(_found_or_room, path)
            return found or await self._downloaded(job, path)
        except DownloadTooLarge as error:
            raise NotFetched("too_long", error) from error
        except (DiskRefused, OSError) as error:
            raise NotFetched("no_room", error) from error
        except DownloadError as error:
            raise NotFetched("not_fetched", error) from error
        except Busy as error:
            raise NotFetched("unchecked", error) from error

    async def _downloaded(self, job: Job, path: Path) -> Fetched:
        if job.result is None:
            raise DownloadFailed("fal named no video")
        raw = path.with_suffix(".unchecked")
        for _ in range(_TRIES):
            await self._copy(job.result.url, raw)
            try:
                if await self._plays(raw, job):
                    return Fetched(path, (await asyncio.to_thread(raw.replace, path)).stat().st_size)
            finally:
                await asyncio.to_thread(raw.unlink, missing_ok=True)
        raise NotFetched("unplayable", "fal's storage sent it twice")

    async def _plays(self, path: Path, job: Job) -> bool:
        """Return whether the file is a video that plays. A worker reads those that are not plainly one.

        Raises:
            Busy: no worker could read it.
        """
        if await asyncio.to_thread(surely_plays, path):
            return True
        try:
            facts = await self._prober.facts(path, shown_name="the result", requester=job.requester)
        except MediaRefused as refused:
            _LOG.warning("what fal's storage sent for job %s is no video that plays: %s", job.id, refused)
            return False
        return facts.kind == "video"

    async def _copy(self, url: str, path: Path) -> None:
        await to_disk(
            self._http,
            url,
            path,
            bytes_max=self._settings.result_mib_max * MIB,
            timeout_s=self._settings.timeout_s,
            allowed=self._allowed,
            retries=self._settings.retries,
            wait_s=self._settings.wait_s,
            sleep=self._sleep,
        )


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
