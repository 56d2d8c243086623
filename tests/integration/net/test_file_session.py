import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from bot.net import file_session
from bot.net.file_session import ConnectionBroken, FileReply, FileSession
from tests.support.file_server import FileServer

WITHIN_S = 30.0


def whole(reply: FileReply) -> bytes:
    """Return the reply's body."""
    buffer, body = memoryview(bytearray(4096)), b""
    while got := reply.read_into(buffer):
        body += buffer[:got]
    return body


class Ports:
    """Answers with a body, and notes from which port each request came."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.hang_up = False

    async def __call__(self, request: web.Request) -> web.Response:
        """Answer, and close the connection afterwards if asked to."""
        assert request.transport is not None
        self.seen.append(request.transport.get_extra_info("peername")[1])
        if self.hang_up:
            asyncio.get_running_loop().call_later(0.01, request.transport.close)
        return web.Response(body=b"whole")


@pytest.fixture
def ports() -> Ports:
    """What the server saw."""
    return Ports()


@pytest.fixture
def url(files: FileServer, ports: Ports) -> httpx.URL:
    """The address of the body."""
    return httpx.URL(files.serve("/file", ports))


async def test_a_connection_is_kept(http: FileSession, url: httpx.URL, ports: Ports) -> None:
    """The next file of a host comes over the same connection, and those asked for at once over others."""
    for _ in range(3):
        assert await http.get(url, whole) == b"whole"
    assert len(set(ports.seen)) == 1
    assert await asyncio.gather(*(http.get(url, whole) for _ in range(3))) == [b"whole"] * 3


async def test_a_connection_that_was_closed_is_replaced(http: FileSession, url: httpx.URL, ports: Ports) -> None:
    """A server may close a kept connection at any time; nobody notices."""
    ports.hang_up = True
    for _ in range(20):
        assert await http.get(url, whole) == b"whole"


async def test_a_body_that_was_not_read_ends_its_connection(http: FileSession, url: httpx.URL, ports: Ports) -> None:
    """What is left of a body is not taken for the next reply."""
    assert await http.get(url, lambda reply: reply.status) == 200
    assert await http.get(url, whole) == b"whole"
    assert len(set(ports.seen)) == 2


async def test_kept_connections_are_closed(
    http: FileSession, url: httpx.URL, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is not used again is closed after a while."""
    monkeypatch.setattr(file_session, "IDLE_S", 0.01)
    assert await http.get(url, whole) == b"whole"
    async with asyncio.timeout(WITHIN_S):
        while len(set(ports.seen)) == 1:
            await asyncio.sleep(0.05)
            assert await http.get(url, whole) == b"whole"


async def test_leaving_ends_what_is_under_way(files: FileServer) -> None:
    """A download from a server that says nothing does not keep the process from ending."""
    begun = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        begun.set()
        await files.closing.wait()
        return web.Response()

    url = httpx.URL(files.serve("/silent", silent))
    async with asyncio.timeout(WITHIN_S):
        async with FileSession() as http:
            task = asyncio.create_task(http.get(url, whole))
            await begun.wait()
        with pytest.raises(ConnectionBroken):
            await task


async def _hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _talks_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n" * 9)
    with suppress(ConnectionError):
        await writer.drain()
    writer.close()


@pytest.mark.parametrize("serve", [_hangs_up, _talks_nonsense])
async def test_what_is_no_http(http: FileSession, serve: object) -> None:
    """A server that hangs up or speaks something else is a broken connection, and no other error."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)  # pyright: ignore[reportArgumentType] - one of the two above
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionBroken):
            await http.get(httpx.URL(f"http://127.0.0.1:{port}/"), whole)


async def test_no_such_name(http: FileSession) -> None:
    """A name that leads nowhere, or is none, is a connection that could not be made."""
    for host in ("wanda.invalid", "a" * 70 + ".example"):
        with pytest.raises(ConnectionBroken):
            await http.get(httpx.URL(f"http://{host}/"), whole)


@pytest.fixture
async def tls_url(tmp_path: Path) -> AsyncIterator[tuple[httpx.URL, Path]]:
    """A server with TLS for the name localhost, and the certificate that it shows."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, [*command, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"whole" * 100_000)

    app = web.Application()
    app.router.add_get("/file", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield httpx.URL(f"https://localhost:{runner.addresses[0][1]}/file"), certificate
    await runner.cleanup()


async def test_tls(http: FileSession, tls_url: tuple[httpx.URL, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for, or for another name, is refused; one that is trusted is not."""
    url, certificate = tls_url
    with pytest.raises(ConnectionBroken, match="CERTIFICATE_VERIFY_FAILED"):
        await http.get(url, whole)
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(file_session, "tls_context", lambda: trusting)
    for _ in range(2):
        assert await http.get(url, whole) == b"whole" * 100_000
    with pytest.raises(ConnectionBroken, match="CERTIFICATE_VERIFY_FAILED"):
        await http.get(url.copy_with(host="127.0.0.1"), whole)


async def test_the_host_is_the_one_in_the_url(http: FileSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in its ASCII form is looked up in that form: no other host is asked than the one that was allowed."""
    asked: list[str] = []

    async def note(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        raise OSError("no such host")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", note)
    with pytest.raises(ConnectionBroken):
        await http.get(httpx.URL("https://xn--fa-hia.example/x"), whole)
    assert asked == ["xn--fa-hia.example"]
