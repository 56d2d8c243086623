"""The web server's routes."""

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from bot.web.server import Route, WebServer


async def name_them(request: web.Request) -> web.Response:
    """Answer with the path's variables and the body."""
    return web.Response(text=f"{request.match_info['job']}/{request.match_info['mac']} {await request.text()}")


@pytest.fixture
async def served() -> AsyncIterator[tuple[Route, str]]:
    """Return a route whose part is not up yet, and its server's address."""
    route = Route("POST", "/fal/{job}/{mac}", body_bytes_max=2000)
    server = WebServer("127.0.0.1", 0, [route])
    await server.start()
    yield route, f"http://127.0.0.1:{server.port}"
    await server.close()


async def test_a_route_is_there_before_its_part(served: tuple[Route, str]) -> None:
    """Who asks before the part is up, or after it ended, is told to ask again; a 404 would say never."""
    route, url = served
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{url}/fal/a/b")).status_code == 503
        route.use(name_them)
        reply = await client.post(f"{url}/fal/a/b", content="body")
        assert (reply.status_code, reply.text) == (200, "a/b body")
        route.use(None)
        assert (await client.post(f"{url}/fal/a/b")).status_code == 503
        assert (await client.get(f"{url}/fal/a/b")).status_code == 405
        assert (await client.post(f"{url}/fal/a")).status_code == 404


async def test_no_body_is_read_past_its_bound(served: tuple[Route, str]) -> None:
    """Neither one that says how long it is, nor one that comes in chunks."""
    route, url = served
    route.use(name_them)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1000

    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{url}/fal/a/b", content="x" * 2000)).status_code == 200
        assert (await client.post(f"{url}/fal/a/b", content="x" * 2001)).status_code == 413
        assert (await client.post(f"{url}/fal/a/b", content=chunks())).status_code == 413


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",  # without Host
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),  # TLS
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /fal/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST /fal/a/b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /fal/a/b HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
)
async def test_what_is_no_http_is_nobodys_defect(
    served: tuple[Route, str], request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reaches the port cannot fill the log with tracebacks, nor wake an operator with errors."""
    route, url = served
    route.use(name_them)
    host, _, port = url.removeprefix("http://").partition(":")
    with caplog.at_level(logging.INFO):
        reading, writing = await asyncio.open_connection(host, int(port))
        writing.write(request_bytes)
        async with asyncio.timeout(5):
            assert b" 400 " in await reading.readline()
            await reading.read()
        writing.close()
    assert caplog.messages == []


async def test_a_defect_of_an_answer_is_logged(served: tuple[Route, str], caplog: pytest.LogCaptureFixture) -> None:
    """What a part raises is a 500 to who asked, and an error with its traceback in the log."""

    async def fail(request: web.Request) -> web.Response:
        raise ValueError(request.method)

    route, url = served
    route.use(fail)
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{url}/fal/a/b")).status_code == 500
    (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert record.exc_info is not None
