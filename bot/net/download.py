"""Downloads a URL to disk, with limits on bytes, time, hosts and retries. No file is held whole in memory.

This uses aiohttp itself: httpx over it took a third more processor time for 25 MB, and two thirds more for 1 MB.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

import aiohttp
import httpx
from yarl import URL

from bot.errors import DiskRefused, DownloadFailed, DownloadTooLarge
from bot.net.counted import file_trace
from bot.net.decoding import is_plain
from bot.net.transport import CHUNK_BYTES, tls_context

Allowed = Callable[[httpx.URL], bool]
FileSession: TypeAlias = aiohttp.ClientSession
Sleep = Callable[[float], Awaitable[None]]

BUFFER_BYTES = 1024 * 1024
REDIRECTS_MAX = 3
WAIT_MAX_S = 30.0
# A silent connection is given up this early so that a retry still fits into the deadline.
_SILENCE_S = 20.0
_LATER = frozenset({408, 425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _RetryError(Exception):
    """This attempt failed, and another may succeed."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Download:
    http: FileSession
    url: httpx.URL
    path: Path
    bytes_max: int
    allowed: Allowed

    @property
    def where(self) -> str:
        """The host alone, for errors and logs: a signed URL gives access to the file."""
        return self.url.host or "an address without a host"


def make_file_session() -> FileSession:
    """Return the session for `to_disk`: no cookies, no proxy, no netrc. The caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_context(), keepalive_timeout=15),
        cookie_jar=aiohttp.DummyCookieJar(),
        # A compressed reply would be counted by its compressed bytes.
        headers={"User-Agent": "Wanda", "Accept-Encoding": "identity"},
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(connect=_SILENCE_S, sock_read=_SILENCE_S),
        read_bufsize=CHUNK_BYTES,
        trace_configs=[file_trace()],
    )


async def to_disk(
    http: FileSession,
    url: str,
    path: Path,
    *,
    bytes_max: int,
    timeout_s: float,
    allowed: Allowed,
    retries: int = 3,
    wait_s: float = 0.5,
    sleep: Sleep = asyncio.sleep,
) -> int:
    """Download `url` to `path` and return its size in bytes.

    Afterwards `path` holds the whole file, or does not exist; its folder must exist. `timeout_s` includes the retries.
    Network errors, 5xx, 408, 425 and 429 are retried up to `retries` times, first after `wait_s`, doubling. Redirects
    are followed within the same host, if `allowed`.

    Raises:
        DownloadTooLarge: Content-Length or the body is larger than `bytes_max`.
        DiskRefused: the file could not be written.
        DownloadFailed: the URL is not allowed, or the file did not arrive whole in time.
    """
    download = _Download(http=http, url=_parsed(url), path=path, bytes_max=bytes_max, allowed=allowed)
    if not allowed(download.url):
        raise DownloadFailed(f"{download.where} is not a host that files are taken from")
    try:
        async with asyncio.timeout(timeout_s):
            return await _with_retries(download, retries, wait_s, sleep)
    except TimeoutError as error:
        raise DownloadFailed(f"{download.where} did not deliver the file within {timeout_s:g} s") from error


async def _with_retries(download: _Download, retries: int, wait_s: float, sleep: Sleep) -> int:
    for attempt in range(retries + 1):
        try:
            return await _attempt(download)
        except _RetryError as failure:
            if attempt == retries:
                raise DownloadFailed(f"{download.where}: {failure}", status=failure.status) from failure
        await sleep(min(wait_s * 2**attempt, WAIT_MAX_S))
    raise AssertionError("the last attempt returns or raises")


async def _attempt(download: _Download) -> int:
    """Follow allowed redirects and save the reply that is none."""
    url = download.url
    for _ in range(REDIRECTS_MAX + 1):
        try:
            # Already encoded: aiohttp would write some of an address's percent signs anew, which breaks a signature.
            async with download.http.get(URL(str(url), encoded=True), allow_redirects=False) as reply:
                if reply.status not in _REDIRECTS or "location" not in reply.headers:
                    return await _copy(download, reply)
                url = _next(download, url, reply)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _RetryError(f"{type(error).__name__}: {error}") from error
    raise DownloadFailed(f"{download.where} redirects without end")


def _next(download: _Download, url: httpx.URL, reply: aiohttp.ClientResponse) -> httpx.URL:
    """Return the redirect's target, if it is on the same host and allowed."""
    target = url.join(_parsed(reply.headers["location"]))
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port) or not download.allowed(target):
        raise DownloadFailed(f"{download.where} redirects to another host", status=reply.status)
    return target


async def _copy(download: _Download, reply: aiohttp.ClientResponse) -> int:
    """Write the body to a `.part` file and rename it to `path` when it is whole."""
    _check_reply(download, reply)
    part = download.path.with_name(f"{download.path.name}.part")
    try:
        # A cancelled task may leave a write in its thread; the buffered file's lock makes `close` wait for it.
        with part.open("wb") as file:
            size = await _pour(download, reply, file)
        part.replace(download.path)
    except (TimeoutError, ConnectionError, aiohttp.ClientError):
        raise  # these are OSErrors too, but of the network and not of the disk
    except OSError as error:
        raise DiskRefused(f"the file could not be written to disk: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return size


async def _pour(download: _Download, reply: aiohttp.ClientResponse, file: IO[bytes]) -> int:
    """Write the body in large pieces, each in a thread; stop as soon as it is larger than `bytes_max`."""
    size, waiting, waiting_bytes = 0, list[bytes](), 0
    async for chunk in reply.content.iter_any():
        size += len(chunk)
        if size > download.bytes_max:
            raise DownloadTooLarge(f"more than {download.bytes_max} bytes came", limit_bytes=download.bytes_max)
        waiting.append(chunk)
        waiting_bytes += len(chunk)
        if waiting_bytes >= BUFFER_BYTES:
            await asyncio.to_thread(file.writelines, waiting)
            waiting, waiting_bytes = [], 0
    await asyncio.to_thread(file.writelines, waiting)
    announced = _announced(reply)
    if announced is not None and announced != size:
        raise _RetryError(f"{size} of {announced} bytes came")
    return size


def _check_reply(download: _Download, reply: aiohttp.ClientResponse) -> None:
    """Raise unless the reply is an uncompressed 200 whose Content-Length fits."""
    status = reply.status
    if status >= 500 or status in _LATER:  # noqa: PLR2004 - HTTP's class of passing failures
        raise _RetryError(f"answered {status}", status)
    if status != 200:  # noqa: PLR2004 - the one status that comes with the whole file
        raise DownloadFailed(f"{download.where} answered {status}", status=status)
    if not is_plain(reply.headers.get("content-encoding", "")):
        raise DownloadFailed(f"{download.where} compressed the file although it was asked not to", status=status)
    announced = _announced(reply)
    if announced is not None and announced > download.bytes_max:
        raise DownloadTooLarge(f"{announced} bytes were announced", limit_bytes=download.bytes_max)


def _announced(reply: aiohttp.ClientResponse) -> int | None:
    """Return the Content-Length; None if it is missing or no number."""
    text = reply.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise DownloadFailed("the address of the file is not a URL") from error


def within(*bases: str) -> Allowed:
    """Return a rule that allows URLs with the scheme, host and port of a base and a path below its path."""
    roots = [httpx.URL(base) for base in bases]

    def allowed(url: httpx.URL) -> bool:
        return any(
            (url.scheme, url.host, url.port, url.userinfo) == (root.scheme, root.host, root.port, b"")
            and url.path.startswith(root.path.rstrip("/") + "/")
            and "/../" not in url.path
            for root in roots
        )

    return allowed
