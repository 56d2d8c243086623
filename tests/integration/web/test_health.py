import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from bot.errors import StartRefused
from bot.web.health import WebServer


async def good() -> bool:
    """A check that passes."""
    return True


async def bad() -> bool:
    """A check that returns False."""
    return False


async def broken() -> bool:
    """A check that raises, with a secret in the error."""
    raise ConnectionError("postgresql://wanda:hunter22@db is down")


async def stuck() -> bool:
    """Block for ever."""
    await asyncio.Event().wait()
    return True


Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Start a server with these checks and ask it."""
    servers: list[WebServer] = []
    async with httpx.AsyncClient() as client:

        async def asked(path: str = "/healthz", **checks: Callable[[], Awaitable[bool]]) -> httpx.Response:
            server = WebServer("127.0.0.1", 0, checks, check_timeout_s=0.2)
            servers.append(server)
            await server.start()
            return await client.get(f"http://127.0.0.1:{server.port}{path}")

        yield asked
    for server in servers:
        await server.close()


async def test_healthy(ask: Ask) -> None:
    """When every check passes, the answer is 200 and says ok."""
    reply = await ask(database=good, discord=good)
    assert reply.status_code == 200
    assert reply.json() == {"status": "ok", "checks": {"database": True, "discord": True}, "failed": []}


async def test_failing(ask: Ask) -> None:
    """If one check fails, raises or does not answer, the answer is 503 and names the check, but not the reason."""
    reply = await ask(database=broken, discord=bad, disk=good, queue=stuck)
    assert reply.status_code == 503
    assert reply.json()["status"] == "failing"
    assert reply.json()["failed"] == ["database", "discord", "queue"]
    assert "hunter22" not in reply.text


async def test_nothing_else(ask: Ask) -> None:
    """Nothing but /healthz is served."""
    assert (await ask("/", database=good)).status_code == 404
    assert (await ask("/healthz/../etc/passwd", database=good)).status_code == 404


async def test_shared_round() -> None:
    """Simultaneous requests share one round of checks."""
    rounds = 0
    release = asyncio.Event()

    async def counted() -> bool:
        nonlocal rounds
        rounds += 1
        await release.wait()
        return True

    server = WebServer("127.0.0.1", 0, {"database": counted}, check_timeout_s=20)
    await server.start()
    async with httpx.AsyncClient() as client:
        asking = [asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/healthz")) for _ in range(20)]
        await asyncio.wait(asking, timeout=0.2)
        release.set()
        replies = await asyncio.gather(*asking)
    await server.close()
    assert {reply.status_code for reply in replies} == {200}
    assert rounds < 20


async def test_close() -> None:
    """Closing frees the port and ends running checks; it can be repeated, or done before the start."""
    server = WebServer("127.0.0.1", 0, {"stuck": stuck}, check_timeout_s=60)
    await server.close()
    await server.start()
    port = server.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()
    async with asyncio.timeout(10):
        await server.close()
        await server.close()
        await reader.read()
    writer.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_port_taken() -> None:
    """A port in use is an error at the start, with nothing left running."""
    first = WebServer("127.0.0.1", 0, {})
    await first.start()
    with pytest.raises(StartRefused, match="Set WANDA_WEB_PORT"):
        await WebServer("127.0.0.1", first.port, {}).start()
    await first.close()


async def test_json() -> None:
    """The answer is JSON, and is not cached."""
    server = WebServer("127.0.0.1", 0, {"a": good})
    await server.start()
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"http://127.0.0.1:{server.port}/healthz")
    await server.close()
    assert json.loads(reply.content)["status"] == "ok"
    assert reply.headers["cache-control"] == "no-store"
