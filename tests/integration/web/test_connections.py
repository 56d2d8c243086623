"""Clients that hold connections to the web server."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bot.settings import WebSettings
from bot.web.server import Route, WebServer
from tests.support.runner_rig import wait_for

WAIT_S = 30.0  # for what happens within a second on a machine that does nothing else
LONG_S = 3600.0
LARGE = 64 * 1024 * 1024
GET = b"GET /quick HTTP/1.1\r\nHost: wanda\r\n\r\n"
HEADERS = b"POST /body HTTP/1.1\r\nHost: wanda\r\nContent-Length: 100\r\n\r\n"


async def quick(_request: web.Request) -> web.Response:
    """Answer at once."""
    return web.Response(text="ok")


async def large(_request: web.Request) -> web.Response:
    """Answer with more than a kernel buffers."""
    return web.Response(body=bytes(LARGE))


async def body(request: web.Request) -> web.Response:
    """Answer with the body."""
    return web.Response(body=await request.read())


@asynccontextmanager
async def serving(
    *,
    most: int = 100,
    request_s: float = LONG_S,
    idle_s: float = LONG_S,
    begun: asyncio.Event | None = None,
    slow: asyncio.Event | None = None,
) -> AsyncGenerator[WebServer]:
    """Serve with these bounds; `/slow` sets `begun`, and answers when `slow` is set."""

    async def wait(_request: web.Request) -> web.Response:
        if begun is not None:
            begun.set()
        if slow is not None:
            await slow.wait()
        return web.Response(text="slow")

    routes = [
        Route("GET", "/quick", quick),
        Route("GET", "/slow", wait),
        Route("POST", "/slow", wait, body_bytes_max=1024),
        Route("GET", "/large", large),
        Route("POST", "/body", body, body_bytes_max=1024),
    ]
    settings = WebSettings.model_construct(connections_max=most, request_s=request_s, idle_s=idle_s)
    server = WebServer("127.0.0.1", 0, routes, settings=settings)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def client(
    server: WebServer, sent: bytes = b""
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect, and send this."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    try:
        writer.write(sent)
        await writer.drain()
        yield reader, writer
    finally:
        writer.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Wait until the server has ended the connection, and return what it sent before."""
    read = b""
    async with asyncio.timeout(WAIT_S):
        try:
            while chunk := await reader.read(65_536):
                read += chunk
        except ConnectionError:
            pass
    return read


async def until(look: Callable[[], bool]) -> None:
    """Wait until this is so."""

    async def is_so() -> bool | None:
        return look() or None

    await wait_for(is_so)


async def answer_of(server: WebServer, path: str = "/quick") -> str:
    """Return what another client gets."""
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{server.port}{path}") as reply:
        return await reply.text()


@pytest.mark.parametrize("sent", [b"", b"GET /quick HT", GET[:-2], HEADERS, HEADERS + b"half"], ids=repr)
async def test_a_request_that_does_not_come_whole(sent: bytes) -> None:
    """Who sends nothing, half of the headers or half of a body loses the connection after `request_s`."""
    async with serving(request_s=0.3) as server, client(server, sent) as (reader, _):
        assert b"200" not in await ended(reader)
        await until(lambda: len(server.connections) == 0)


async def test_headers_byte_by_byte() -> None:
    """Bytes that trickle do not renew the time of a request."""
    async with serving(request_s=0.5) as server, client(server, GET[:-2] + b"X: ") as (reader, writer):
        gone = asyncio.create_task(ended(reader))
        for _ in range(int(WAIT_S / 0.05)):
            if gone.done():
                break
            writer.write(b"x")
            await asyncio.wait([gone], timeout=0.05)
        assert await gone == b""


async def test_an_idle_connection() -> None:
    """A kept connection answers again and again, and ends `idle_s` after the last answer."""
    async with serving(idle_s=0.5) as server, client(server) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            async with asyncio.timeout(WAIT_S):
                assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200")
        assert await ended(reader) == b""


async def test_the_second_request_of_a_connection_is_bound_too() -> None:
    """A client that asked once and then trickles is a slow one."""
    async with serving(request_s=0.3) as server, client(server, GET) as (reader, writer):
        async with asyncio.timeout(WAIT_S):
            await reader.readuntil(b"\r\n\r\nok")
        writer.write(GET[:9])
        assert await ended(reader) == b""


async def test_a_client_that_does_not_read() -> None:
    """An answer that is not taken ends with its connection, `idle_s` after it was made."""
    ask = b"GET /large HTTP/1.1\r\nHost: wanda\r\n\r\n"
    async with serving(idle_s=0.5) as server, client(server, ask) as (reader, _):
        await until(lambda: len(server.connections) == 1)
        await until(lambda: len(server.connections) == 0)
        assert len(await ended(reader)) < LARGE


async def test_an_answer_may_take_longer() -> None:
    """No time counts while Wanda works on a request that has come whole."""
    done = asyncio.Event()
    async with serving(request_s=0.2, idle_s=0.2, slow=done) as server:
        asking = asyncio.create_task(answer_of(server, "/slow"))
        async with client(server) as (reader, _):  # one of the same moment, which sends nothing
            await ended(reader)
        done.set()
        assert await asking == "slow"


async def test_a_late_body() -> None:
    """No time counts from the moment the last byte of a body has come, and nobody takes its connection's place."""
    begun, done = asyncio.Event(), asyncio.Event()
    async with (
        serving(most=2, request_s=0.5, begun=begun, slow=done) as server,
        client(server, HEADERS.replace(b"/body", b"/slow")) as (asking, writer),
    ):
        async with asyncio.timeout(WAIT_S):
            await begun.wait()
        writer.write(b"x" * 100)
        await until(lambda: not server.connections._waiting)
        async with client(server) as (later, _):  # sends nothing, and is ended after it
            assert await ended(later) == b""
        done.set()
        async with asyncio.timeout(WAIT_S):
            assert (await asking.readuntil(b"\r\n\r\nslow")).startswith(b"HTTP/1.1 200")


async def test_a_full_house() -> None:
    """Slow clients keep nobody out: a new connection takes the place of the one that has waited longest."""
    async with serving(most=2) as server, client(server, b"G") as (first, _), client(server, b"G") as (_, _):
        await until(lambda: len(server.connections) == 2)
        assert await answer_of(server) == "ok"
        assert await ended(first) == b""


async def test_a_house_full_of_work() -> None:
    """While all connections are being answered, none is cut for a further one, which is refused."""
    done = asyncio.Event()
    async with serving(most=1, slow=done) as server:
        asking = asyncio.create_task(answer_of(server, "/slow"))
        await until(lambda: len(server.connections) == 1 and not server.connections._waiting)
        async with client(server) as (reader, _):
            assert await ended(reader) == b""
        done.set()
        assert await asking == "slow"
