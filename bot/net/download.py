"""Copy a URL to disk within bounds: of bytes, of time, of hosts, of repeats. Nothing is held whole in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import aiohttp
import httpx

from bot.errors import DownloadFailed, DownloadTooLarge

Allowed = Callable[[httpx.URL], bool]
Sleep = Callable[[float], Awaitable[None]]

BUFFER_BYTES = 1024 * 1024
REDIRECTS_MAX = 3
WAIT_MAX_S = 30.0
# A connection that says nothing for this long is given up, so that a repeat still fits into the deadline.
_SILENCE_S = 20.0
_LATER = frozenset({408, 425, 429})
# Compressed replies would make the limit one of compressed bytes.
_HEADERS = {"Accept-Encoding": "identity"}


class _Later(Exception):  # noqa: N818 - a turn of the loop below, seen by nobody else
    """This attempt failed in a way that another may not."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Download:
    """One download, as it was asked for."""

    http: httpx.AsyncClient
    url: httpx.URL
    path: Path
    bytes_max: int
    allowed: Allowed

    @property
    def where(self) -> str:
        """Name the source without its path and query: a signed link is a key to the file."""
        return self.url.host or "an address without a host"


async def to_disk(
    http: httpx.AsyncClient,
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
    """Copy what `url` answers to `path` and return its size in bytes.

    `path` holds the whole file afterwards, or nothing; its folder must exist. `timeout_s` covers everything, repeats
    included. Broken connections and replies that mean "later" are repeated up to `retries` times, `wait_s` apart at
    first and doubling. Redirects are followed only within the same host, and only where `allowed`.

    Raises:
        DownloadTooLarge: more than `bytes_max` were announced, or came without being announced.
        DownloadFailed: the URL is not allowed, or nothing whole could be had in time.
    """
    order = _Download(http=http, url=_parsed(url), path=path, bytes_max=bytes_max, allowed=allowed)
    if not allowed(order.url):
        raise DownloadFailed(f"{order.where} is not a host that files are taken from")
    try:
        async with asyncio.timeout(timeout_s):
            return await _with_repeats(order, retries, wait_s, sleep)
    except TimeoutError as error:
        raise DownloadFailed(f"{order.where} did not deliver the file within {timeout_s:g} s") from error


async def _with_repeats(order: _Download, retries: int, wait_s: float, sleep: Sleep) -> int:
    """Try, and try again after growing waits while the failure is of a passing kind."""
    for turn in range(retries + 1):
        try:
            return await _attempt(order)
        except _Later as failure:
            if turn == retries:
                raise DownloadFailed(f"{order.where}: {failure}", status=failure.status) from failure
        await sleep(min(wait_s * 2**turn, WAIT_MAX_S))
    raise AssertionError("the last turn returns or raises")


async def _attempt(order: _Download) -> int:
    """Follow the redirects that are allowed, then copy the first real reply."""
    url = order.url
    for _ in range(REDIRECTS_MAX + 1):
        try:
            async with order.http.stream(
                "GET", url, headers=_HEADERS, follow_redirects=False, timeout=httpx.Timeout(_SILENCE_S)
            ) as reply:
                if not reply.has_redirect_location:
                    return await _copy(order, reply)
                url = _next(order, url, reply)
        except (httpx.TransportError, aiohttp.ClientError) as error:
            # The aiohttp transport lets some of aiohttp's own errors through.
            raise _Later(f"{type(error).__name__}: {error}") from error
    raise DownloadFailed(f"{order.where} redirects without end")


def _next(order: _Download, url: httpx.URL, reply: httpx.Response) -> httpx.URL:
    """Return where a redirect leads, if that is the same host and allowed."""
    target = url.join(_parsed(reply.headers["location"]))
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port) or not order.allowed(target):
        raise DownloadFailed(f"{order.where} redirects to another host", status=reply.status_code)
    return target


async def _copy(order: _Download, reply: httpx.Response) -> int:
    """Write the reply's body beside `path` and move it there when it is whole."""
    _check_reply(order, reply)
    part = order.path.with_name(f"{order.path.name}.part")
    try:
        # The buffered file's own lock lets `close` wait for a write that a cancelled task left in its thread.
        with part.open("wb") as file:
            size = await _pour(order, reply, file)
        part.replace(order.path)
    except (TimeoutError, aiohttp.ClientError):
        raise  # they are of OSError's family too, but the line's trouble and not the disk's
    except OSError as error:
        raise DownloadFailed(f"the file could not be written to disk: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return size


async def _pour(order: _Download, reply: httpx.Response, file: IO[bytes]) -> int:
    """Move the body to the file, many chunks at a time in a thread, and stop at the first byte too many."""
    size, waiting, waiting_bytes = 0, list[bytes](), 0
    async for chunk in reply.aiter_raw():
        size += len(chunk)
        if size > order.bytes_max:
            raise DownloadTooLarge(f"more than {order.bytes_max} bytes came", limit_bytes=order.bytes_max)
        waiting.append(chunk)
        waiting_bytes += len(chunk)
        if waiting_bytes >= BUFFER_BYTES:
            await asyncio.to_thread(file.writelines, waiting)
            waiting, waiting_bytes = [], 0
    await asyncio.to_thread(file.writelines, waiting)
    announced = _announced(reply)
    if announced is not None and announced != size:
        raise _Later(f"{size} of {announced} bytes came")
    return size


def _check_reply(order: _Download, reply: httpx.Response) -> None:
    """Let only a plain 200 of a size that fits go on."""
    status = reply.status_code
    if status >= 500 or status in _LATER:  # noqa: PLR2004 - HTTP's class of passing failures
        raise _Later(f"answered {status}", status)
    if status != 200:  # noqa: PLR2004 - the one status that comes with the whole file
        raise DownloadFailed(f"{order.where} answered {status}", status=status)
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise DownloadFailed(f"{order.where} compressed the file although it was asked not to", status=status)
    announced = _announced(reply)
    if announced is not None and announced > order.bytes_max:
        raise DownloadTooLarge(f"{announced} bytes were announced", limit_bytes=order.bytes_max)


def _announced(reply: httpx.Response) -> int | None:
    """Return the Content-Length, if it is a number at all."""
    text = reply.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _parsed(url: str) -> httpx.URL:
    """Read a URL that came from outside."""
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise DownloadFailed("the address of the file is not a URL") from error


def within(*bases: str) -> Allowed:
    """Return a rule that allows URLs below the given ones: same scheme, host and port, and a path below theirs."""
    roots = [httpx.URL(base) for base in bases]

    def allowed(url: httpx.URL) -> bool:
        return any(
            (url.scheme, url.host, url.port, url.userinfo) == (root.scheme, root.host, root.port, b"")
            and url.path.startswith(root.path.rstrip("/") + "/")
            and "/../" not in url.path
            for root in roots
        )

    return allowed
