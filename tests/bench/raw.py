"""HTTP over bare sockets: a minimal client, so that the server is what is measured."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A status and a body; without `keep` the body was read but is empty here."""

    status: int
    body: bytes


class Line:
    """One kept-alive connection, with one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> Self:
        """Connect to the host of the URL."""
        place = urlsplit(url)
        return cls(*await asyncio.open_connection(place.hostname, place.port, limit=READ_BYTES))

    async def ask(self, request: bytes, body: bytes = b"", *, keep: bool = True) -> RawAnswer:
        """Send the request and read the whole answer.

        Raises:
            AssertionError: the answer is an error.
        """
        self._writer.write(request)
        self._writer.write(body)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        status, size = int(head[9:12]), _length(head)
        kept = await self._reader.readexactly(size) if keep else await self._skip(size)
        if status >= 400:
            raise AssertionError(f"the stand-in answered {status}: {kept[:300]!r}")
        return RawAnswer(status, kept)

    async def pieces(self, request: bytes, seen: Callable[[bytes], bool]) -> None:
        """Send the request and pass each piece of the answer to `seen`, until that returns true or the answer ends."""
        self._writer.write(request)
        while (piece := await self._reader.read(READ_BYTES)) and not seen(piece):
            pass

    async def _skip(self, size: int) -> bytes:
        while size > 0:
            size -= len(await self._reader.read(min(size, READ_BYTES)))
        return b""

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


def request(method: str, url: str, headers: Mapping[str, str] | None = None, *, size: int = 0) -> bytes:
    """Return the head of a request whose body has `size` bytes."""
    place = urlsplit(url)
    path = place.path + (f"?{place.query}" if place.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {place.netloc}", f"Content-Length: {size}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def rate(url: str, lines: int, work: Iterable[Callable[[Line], Awaitable[object]]], most_s: float) -> float:
    """Run `work` on `lines` connections for at most `most_s` seconds; return the number of runs per second."""
    waiting, done = iter(work), 0
    connected = [await Line.to(url) for _ in range(lines)]
    began = time.perf_counter()

    async def drive(line: Line) -> None:
        nonlocal done
        for one in waiting:
            await one(line)
            done += 1
            if time.perf_counter() - began >= most_s:
                return

    try:
        async with asyncio.TaskGroup() as group:
            for line in connected:
                group.create_task(drive(line))
        return done / (time.perf_counter() - began)
    finally:
        for line in connected:
            line.close()


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0
