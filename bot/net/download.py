"""Downloads a URL to disk, with limits on bytes, time, hosts and retries. No file is held whole in memory."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx

from bot.errors import DiskRefused, DownloadFailed, DownloadTooLarge
from bot.net.arrival import Arrival
from bot.net.decoding import is_plain
from bot.net.file_session import ConnectionBroken, FileReply, FileSession

T = TypeVar("T")
Allowed = Callable[[httpx.URL], bool]
Sleep = Callable[[float], Awaitable[None]]

BUFFER_BYTES = 256 * 1024
REDIRECTS_MAX = 3
WAIT_MAX_S = 30.0
_DIGITS_MAX = 4000  # of a length; Python reads no number of more than 4300 digits
_PART = re.compile(r"\.[0-9a-f]{8}\.part$")
_LATER = frozenset({408, 425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _RetryError(Exception):
    """This attempt failed, and another may succeed."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one download may take: bytes, the whole time, and the addresses that are `allowed`.

    Network errors, 5xx, 408, 425 and 429 are retried up to `retries` times, first after `wait_s`, doubling.
    """

    bytes_max: int
    timeout_s: float
    allowed: Allowed
    retries: int = 3
    wait_s: float = 0.5
    sleep: Sleep = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class _Download(Generic[T]):
    http: FileSession
    url: httpx.URL
    path: Path
    limits: Limits
    then: Callable[[int], T]
    arrival: Arrival[Any] | None = None

    @property
    def where(self) -> str:
        """The host alone, for errors and logs: a signed URL gives access to the file."""
        return self.url.host or "an address without a host"


@dataclass(frozen=True, slots=True)
class _Redirect:
    """Where the file is instead."""

    location: str
    status: int


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    """The file is on disk; `value` is what `then` returned."""

    value: T


async def to_disk(http: FileSession, url: str, path: Path, limits: Limits) -> int:
    """Download `url` to `path` and return its size in bytes.

    Afterwards `path` holds the whole file, or does not exist; its folder must exist. Redirects are followed within the
    same host, if they are allowed.

    Raises:
        DownloadTooLarge: Content-Length or the body is larger than the limit.
        DiskRefused: the file could not be written.
        DownloadFailed: the URL is not allowed, or the file did not arrive whole in time.
    """
    return await to_disk_then(http, url, path, limits, lambda size: size)


async def to_disk_then(
    http: FileSession,
    url: str,
    path: Path,
    limits: Limits,
    then: Callable[[int], T],
    *,
    arrival: Arrival[Any] | None = None,
) -> T:
    """Download as `to_disk` does, and return what `then` makes of the size once the file is at `path`.

    `then` runs in the download's thread, because each change of threads costs time; what it raises is raised.
    `arrival` is told how far the file is; who made it ends it.
    """
    download = _Download(http=http, url=_parsed(url), path=path, limits=limits, then=then, arrival=arrival)
    if not limits.allowed(download.url):
        raise DownloadFailed(f"{download.where} is not a host that files are taken from")
    try:
        async with asyncio.timeout(limits.timeout_s):
            return await _with_retries(download)
    except TimeoutError as error:
        raise DownloadFailed(f"{download.where} did not deliver the file within {limits.timeout_s:g} s") from error


async def _with_retries(download: _Download[T]) -> T:
    limits, wait_s = download.limits, download.limits.wait_s
    for attempt in range(limits.retries + 1):
        try:
            return await _attempt(download)
        except _RetryError as failure:
            if attempt == limits.retries:
                raise DownloadFailed(f"{download.where}: {failure}", status=failure.status) from failure
        await limits.sleep(min(wait_s * 2**attempt, WAIT_MAX_S))
    raise AssertionError("the last attempt returns or raises")


async def _attempt(download: _Download[T]) -> T:
    """Follow allowed redirects and save the reply that is none."""
    url = download.url
    for _ in range(REDIRECTS_MAX + 1):
        try:
            taken = await download.http.get(url, partial(_take, download))
        except ConnectionBroken as error:
            raise _RetryError(str(error)) from error
        if isinstance(taken, _Done):
            return taken.value
        url = _next(download, url, taken)
    raise DownloadFailed(f"{download.where} redirects without end")


def _next(download: _Download[T], url: httpx.URL, redirect: _Redirect) -> httpx.URL:
    """Return the redirect's target, if it is on the same host and allowed."""
    target = _parsed(str(url.join(_parsed(redirect.location))))
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port) or not download.limits.allowed(
        target
    ):
        raise DownloadFailed(f"{download.where} redirects to another host", status=redirect.status)
    return target


def _take(download: _Download[T], reply: FileReply) -> _Done[T] | _Redirect:
    """Write the body to a `.part` file and rename it to `path` when it is whole; blocks.

    The part's name is its own: a download that was given up may still end in its thread while another one begins.
    """
    location = reply.header("location")
    if reply.status in _REDIRECTS and location:
        return _Redirect(location, reply.status)
    _check_reply(download, reply)
    part = download.path.with_name(f"{download.path.name}.{secrets.token_hex(4)}.part")
    try:
        with _on_disk():
            file = part.open("wb", buffering=0)
        with file, _arriving(download, reply, part) as grow:
            size = _pour(download, reply, file.write, grow)
        with _on_disk():
            part.replace(download.path)
    finally:
        with _on_disk():
            part.unlink(missing_ok=True)
    return _Done(download.then(size))


@contextmanager
def _arriving(download: _Download[T], reply: FileReply, part: Path) -> Generator[Callable[[int], None]]:
    """Yield what is called with the number of bytes that are on disk."""
    arrival = download.arrival
    if arrival is None:
        yield lambda _: None
        return
    arrival.begin(part, _announced(reply))
    try:
        yield partial(arrival.grow, part)
    except BaseException:
        arrival.break_off(part)
        raise


@contextmanager
def _on_disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise DiskRefused(f"the file could not be written to disk: {error.strerror}") from error


def _pour(
    download: _Download[T], reply: FileReply, write: Callable[[memoryview], int], grow: Callable[[int], None]
) -> int:
    """Write the body in large pieces; stop as soon as it is larger than `bytes_max`."""
    size, buffer = 0, memoryview(bytearray(BUFFER_BYTES))
    while got := reply.read_into(buffer):
        size += got
        if size > download.limits.bytes_max:
            raise DownloadTooLarge(
                f"more than {download.limits.bytes_max} bytes came", limit_bytes=download.limits.bytes_max
            )
        piece = buffer[:got]
        with _on_disk():
            while piece:
                piece = piece[write(piece) :]
        grow(size)
    announced = _announced(reply)
    if announced is not None and announced != size:
        raise _RetryError(f"{size} of {announced} bytes came")
    return size


def _check_reply(download: _Download[T], reply: FileReply) -> None:
    """Raise unless the reply is an uncompressed 200 whose Content-Length fits."""
    status = reply.status
    if status >= 500 or status in _LATER:  # noqa: PLR2004 - HTTP's class of passing failures
        raise _RetryError(f"answered {status}", status)
    if status != 200:  # noqa: PLR2004 - the one status that comes with the whole file
        raise DownloadFailed(f"{download.where} answered {status}", status=status)
    if not is_plain(reply.header("content-encoding")):
        raise DownloadFailed(f"{download.where} compressed the file although it was asked not to", status=status)
    announced = _announced(reply)
    if announced is not None and announced > download.limits.bytes_max:
        raise DownloadTooLarge(f"{announced} bytes were announced", limit_bytes=download.limits.bytes_max)


def _announced(reply: FileReply) -> int | None:
    """Return the Content-Length; None if it is missing, no number that can be read, or overridden by chunks."""
    text = "" if reply.header("transfer-encoding") else reply.header("content-length")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        parsed.host  # noqa: B018 - decoded only here: a name that begins with "xn--" may be no name
    except (httpx.InvalidURL, UnicodeError) as error:
        raise DownloadFailed("the address of the file is not a URL") from error
    return parsed


def is_part(name: str) -> bool:
    """Return whether this is the name of a file that was not whole yet; a killed process leaves such files."""
    return _PART.search(name) is not None


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
