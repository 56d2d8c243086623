"""fal's finished video on disk: fetched once, checked, kept for reruns."""

import asyncio
import logging
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from bot.errors import DownloadFailed
from bot.jobs.model import Job
from bot.net.download import Allowed, Sleep, to_disk
from bot.runner.job_files import result_path
from bot.settings import DownloadSettings, FalSettings
from bot.units import MIB

_LOG = logging.getLogger(__name__)
_BOXES_MAX = 4096
_HEADER_BYTES = 8
# The boxes that a file has at its top (ISO/IEC 14496-12, table 1); one of these that does not fit was cut.
_BOXES = frozenset(
    (b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"styp", b"free", b"skip", b"wide", b"uuid", b"meta")
)
_VIDEO = {b"moov", b"mdat"}
_TRIES = 2  # downloads of a file that is no video; each has its own retries for the network


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole video on disk. Only a smaller copy has `pixels`; `is_second_try` follows a refused upload."""

    path: Path
    size_bytes: int
    pixels: tuple[int, int] | None = None
    is_second_try: bool = False


def _found(path: Path) -> Fetched | None:
    """Return the video when the file is a whole one."""
    return Fetched(path, path.stat().st_size) if is_whole_mp4(path) else None


def _found_or_room(path: Path) -> Fetched | None:
    """Return the whole video, or make its folder; one function, because each call costs a thread switch."""
    found = _found(path)
    if found is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    return found


class ResultFiles:
    """The folder of finished videos, `<data folder>/results/<job id>.mp4`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: DownloadSettings,
        *,
        data_dir: Path,
        allowed: Allowed,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._http = http
        self._sleep = sleep
        self._allowed = allowed

    def path(self, job: Job) -> Path:
        """Return where the job's video is, or will be."""
        return result_path(job, self._data_dir)

    async def fetch(self, job: Job) -> Fetched:
        """Return the whole video on disk; it is downloaded only if it is not there yet.

        Raises:
            DownloadError: it could not be downloaded, is larger than `result_mib_max`, or is not a video.
        """
        path = self.path(job)
        found = await asyncio.to_thread(_found_or_room, path)
        if found is not None:
            return found
        if job.result is None:
            raise DownloadFailed("fal named no video")
        for _ in range(_TRIES):
            await self._copy(job.result.url, path)
            found = await asyncio.to_thread(_found, path)
            if found is not None:
                return found
            _LOG.warning("what fal's storage sent for job %s is not a whole MP4", job.id)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        raise DownloadFailed("fal's storage sent something that is not a whole MP4")

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


def is_whole_mp4(path: Path) -> bool:
    """Return whether the file is an MP4 with all its boxes: an `ftyp` at the start, a `moov`, nothing cut.

    What some programs append to a whole video, and every player passes over, is no cut. Reads box headers only
    (ISO/IEC 14496-12, 4.2), however large the file is.
    """
    try:
        with path.open("rb") as file:
            return _boxes_fit(file, path.stat().st_size)
    except OSError:
        return False


def _boxes_fit(file: IO[bytes], end: int) -> bool:
    at, names = 0, list[bytes]()
    while at < end and len(names) < _BOXES_MAX:
        size, name = _box(file, at, end)
        if size < _HEADER_BYTES or at + size > end:
            return name not in _BOXES and set(names) >= _VIDEO and names[0] == b"ftyp"
        names.append(name)
        at += size
    return at == end and names[:1] == [b"ftyp"] and b"moov" in names


def _box(file: IO[bytes], at: int, end: int) -> tuple[int, bytes]:
    """Return one box's whole size and its name; size 0 when its header is cut."""
    file.seek(at)
    header = file.read(16)
    if len(header) < _HEADER_BYTES:
        return 0, b""
    size, name = struct.unpack(">I4s", header[:8])
    if size == 0:  # it lasts to the end of the file
        return end - at, name
    if size == 1:  # its size is in the eight bytes that follow
        return (int.from_bytes(header[8:16], "big"), name) if len(header) == 16 else (0, b"")  # noqa: PLR2004 - 8 + 8
    return size, name
