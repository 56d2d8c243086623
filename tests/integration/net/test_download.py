import asyncio
import zlib
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from bot.errors import DiskRefused, DownloadFailed, DownloadTooLarge
from bot.net.download import BUFFER_BYTES, Limits, is_part, to_disk, within
from bot.net.file_session import FileSession
from sandbox.stage import eventually
from tests.support.file_server import FileServer
from tests.support.peak_memory import grows_at_most

LIMIT = 3_000_000
BIG = bytes(range(256)) * 10_000


class Waits:
    """A sleep that only notes how long it was asked for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Return at the loop's next turn."""
        self.seconds.append(seconds)
        await asyncio.sleep(0)


class Fetch:
    """Downloads into one folder with this file's usual bounds."""

    def __init__(self, http: FileSession, files: FileServer, folder: Path) -> None:
        self.http, self.files, self.folder = http, files, folder
        self.path = folder / "file"
        self.waits = Waits()

    async def __call__(self, url: str, *, bytes_max: int = LIMIT, timeout_s: float = 30.0) -> int:
        """Download to the file of this test."""
        limits = Limits(
            bytes_max=bytes_max,
            timeout_s=timeout_s,
            allowed=within(self.files.base),
            retries=2,
            wait_s=0.5,
            sleep=self.waits,
        )
        return await to_disk(self.http, url, self.path, limits)

    @property
    def left(self) -> list[str]:
        """Return the names of the files in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def fetch(http: FileSession, files: FileServer, tmp_path: Path) -> Fetch:
    """A downloader into an empty folder."""
    return Fetch(http, files, tmp_path)


async def streamed(request: web.Request, chunks: int, *, length: int | None = None) -> web.StreamResponse:
    """Send chunks of 64 KiB, without a length or with this one."""
    reply = web.StreamResponse()
    reply.content_length = length
    await reply.prepare(request)
    for _ in range(chunks):
        await reply.write(bytes(65536))
    return reply


@pytest.mark.parametrize("size", [0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, len(BIG)])
async def test_whole(fetch: Fetch, size: int) -> None:
    """The file on disk is what the server sent, byte for byte, and nothing else is left."""
    url = fetch.files.bytes_at("/file", BIG[:size])
    assert await fetch(url) == size
    assert fetch.path.read_bytes() == BIG[:size]
    assert fetch.left == ["file"]


async def test_at_the_limit(fetch: Fetch) -> None:
    """A file of exactly the limit is taken; one byte more is not."""
    url = fetch.files.bytes_at("/file", BIG)
    assert await fetch(url, bytes_max=len(BIG)) == len(BIG)
    fetch.path.unlink()
    with pytest.raises(DownloadTooLarge) as error:
        await fetch(url, bytes_max=len(BIG) - 1)
    assert error.value.limit_bytes == len(BIG) - 1
    assert fetch.left == []


async def test_endless(fetch: Fetch) -> None:
    """A stream without an end is stopped soon after the limit, and nothing of it is kept."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        reply = web.StreamResponse()
        await reply.prepare(request)
        while not fetch.files.closing.is_set():
            await reply.write(bytes(65536))
            sent += 65536
        return reply

    with pytest.raises(DownloadTooLarge):
        await fetch(fetch.files.serve("/endless", endless))
    assert sent < LIMIT + 50_000_000
    assert fetch.left == []
    assert fetch.waits.seconds == []


async def test_announced_too_large(fetch: Fetch) -> None:
    """A file that says it is too large is refused before its body comes."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return await streamed(request, 1, length=LIMIT + 1)

    with pytest.raises(DownloadTooLarge, match="were announced"):
        await fetch(fetch.files.serve("/file", handler))
    assert fetch.left == []


async def test_lying_length(fetch: Fetch) -> None:
    """A body shorter than its announced length is a broken transfer: repeated, then given up, with nothing kept."""

    async def handler(request: web.Request) -> web.StreamResponse:
        reply = await streamed(request, 1, length=1_000_000)
        if request.transport is not None:
            request.transport.close()
        return reply

    with pytest.raises(DownloadFailed):
        await fetch(fetch.files.serve("/file", handler))
    assert fetch.waits.seconds == [0.5, 1.0]
    assert fetch.left == []


@pytest.mark.parametrize(
    ("length", "body"),
    [
        ("9" * 5000, "\r\n\r\nwhole"),
        ("0" * 5000 + "5", "\r\n\r\nwhole"),
        ("5, 99", "\r\n\r\nwhole"),
        ("2", "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"),
    ],
    ids=["too long", "zeros", "two", "chunks"],
)
async def test_odd_length(fetch: Fetch, length: str, body: str) -> None:
    """A length that no number is read from, also because it is too long for one, is as none: the whole body counts.

    So is one beside chunks, which say themselves how long they are (RFC 9112, 6.3).
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}{body}".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        base = "http://{}:{}".format(*server.sockets[0].getsockname())
        assert (
            await to_disk(
                fetch.http, f"{base}/x", fetch.path, Limits(bytes_max=9, timeout_s=30.0, allowed=within(base))
            )
            == 5
        )


@pytest.mark.parametrize("url", ["https://xn--a.com/x", "https://localhost/\ud800"])
async def test_no_address(fetch: Fetch, url: str) -> None:
    """An address that cannot be decoded is no address, also one that a redirect leads to."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "https://xn--a.com/x"})

    for one in (url, fetch.files.serve("/file", handler)):
        with pytest.raises(DownloadFailed, match="not a URL"):
            await fetch(one)


async def test_repeats(fetch: Fetch) -> None:
    """A server's passing failure is repeated after growing waits until it works."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503) if len(fetch.files.asked) < 3 else web.Response(body=b"whole")

    assert await fetch(fetch.files.serve("/file", handler)) == 5
    assert fetch.waits.seconds == [0.5, 1.0]


async def test_repeats_end(fetch: Fetch) -> None:
    """A failure that does not pass is given up after the repeats, with its status."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    with pytest.raises(DownloadFailed) as error:
        await fetch(fetch.files.serve("/file", handler))
    assert (error.value.status, len(fetch.files.asked)) == (500, 3)


async def test_gone(fetch: Fetch) -> None:
    """A file that does not exist (404) is not retried."""
    with pytest.raises(DownloadFailed) as error:
        await fetch(fetch.files.base + "/nothing")
    assert (error.value.status, fetch.files.asked) == (404, ["/nothing"])


async def test_no_server(fetch: Fetch, unused_tcp_port: int) -> None:
    """A connection that cannot be made is repeated, then given up."""
    limits = Limits(bytes_max=LIMIT, timeout_s=30, allowed=lambda _: True, retries=1, sleep=fetch.waits)
    with pytest.raises(DownloadFailed):
        await to_disk(fetch.http, f"http://127.0.0.1:{unused_tcp_port}/file", fetch.path, limits)
    assert fetch.waits.seconds == [0.5]


async def test_deadline(fetch: Fetch) -> None:
    """A server that trickles is given up at the deadline of the whole transfer, and nothing is kept."""

    async def trickle(request: web.Request) -> web.StreamResponse:
        reply = await streamed(request, 1)
        await fetch.files.closing.wait()
        return reply

    with pytest.raises(DownloadFailed, match=r"within 0\.3 s"):
        await fetch(fetch.files.serve("/file", trickle), timeout_s=0.3)
    assert fetch.left == []


async def test_cancelled(fetch: Fetch) -> None:
    """A cancelled download leaves nothing behind; a killed one what `is_part` tells by its name."""
    started = asyncio.Event()

    async def trickle(request: web.Request) -> web.StreamResponse:
        reply = await streamed(request, 30)
        started.set()
        await fetch.files.closing.wait()
        return reply

    task = asyncio.create_task(fetch(fetch.files.serve("/file", trickle)))
    await started.wait()

    async def parts() -> list[str] | None:
        return fetch.left or None

    assert all(map(is_part, await eventually(parts, what="part of the file")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fetch.left == []


@pytest.mark.parametrize("where", ["http://localhost:1/x", "//example.invalid/x", "https://127.0.0.1/x"])
async def test_redirect_elsewhere(fetch: Fetch, where: str) -> None:
    """A redirect to another host, port or scheme is not followed."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": where})

    with pytest.raises(DownloadFailed, match="redirects to another host"):
        await fetch(fetch.files.serve("/file", handler))
    assert fetch.left == []


async def test_redirect_within(fetch: Fetch) -> None:
    """A redirect within the host is followed, but not without end."""

    async def here(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/there"})

    async def round_and_round(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/round"})

    fetch.files.bytes_at("/there", b"whole")
    assert await fetch(fetch.files.serve("/here", here)) == 5
    with pytest.raises(DownloadFailed, match="without end"):
        await fetch(fetch.files.serve("/round", round_and_round))


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "gzip, identity"])
async def test_compressed(fetch: Fetch, encoding: str) -> None:
    """A reply that would unpack to more than came is not taken, whether from fal's or from Discord's CDN."""
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 1)

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb, headers={"Content-Encoding": encoding})

    with grows_at_most(32), pytest.raises(DownloadFailed, match="compressed"):
        await fetch(fetch.files.serve("/file", handler))


async def test_disk_trouble(fetch: Fetch) -> None:
    """A write error on disk ends the download with a typed error, without a retry."""
    fetch.path = fetch.folder / "no such folder" / "file"
    with pytest.raises(DiskRefused, match="could not be written"):
        await fetch(fetch.files.bytes_at("/file", b"x"))
    assert len(fetch.files.asked) == 1


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=1", True),
        ("https://cdn.discordapp.com.evil.example/attachments/a.png", False),
        ("https://cdn.discordapp.com@evil.example/a.png", False),
        ("https://user@cdn.discordapp.com/a.png", False),
        ("http://cdn.discordapp.com/a.png", False),
        ("https://cdn.discordapp.com:8443/a.png", False),
        ("https://cdn.discordapp.com:443/a.png", True),
        ("file:///etc/passwd", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("/etc/passwd", False),
    ],
)
def test_within(url: str, allowed: bool) -> None:
    """A URL is allowed by its parsed scheme, host and port, never by how its text begins."""
    assert within("https://cdn.discordapp.com")(httpx.URL(url)) is allowed


async def test_not_allowed(fetch: Fetch) -> None:
    """A URL that is not allowed, or is none, is not asked for at all."""
    for url in ("http://localhost/x", "http://[", "x" * 70_000):
        with pytest.raises(DownloadFailed):
            await fetch(url)
    assert fetch.files.asked == []
