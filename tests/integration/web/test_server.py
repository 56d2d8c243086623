"""The web server's routes."""

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
