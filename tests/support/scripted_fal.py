"""A scripted server in fal's place, for failures that `sandbox.fal` cannot produce, and a clock that never waits."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from aiohttp import web

from bot.fal.client import FalClient
from bot.fal.wire.types import Handle
from bot.net.transport import make_http
from bot.settings import FalSettings

Responder: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEY = "key-id:key-secret"
ENDPOINT = "fal-ai/wan/v2.7/image-to-video"
ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
HIDDEN = web.Response()  # what a handler returns whose connection is gone already


def json_answer(status: int, body: object, headers: dict[str, str] | None = None) -> Responder:
    """Answer with JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def text_answer(status: int, body: str = "", headers: dict[str, str] | None = None) -> Responder:
    """Answer with plain text, as a proxy does."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status, headers=headers)

    return answer


def bytes_answer(content: bytes) -> Responder:
    """Answer with a file."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=content)

    return answer


async def close(request: web.Request) -> web.StreamResponse:
    """Read the whole request, then close the connection without an answer."""
    await request.read()
    assert request.transport is not None
    request.transport.close()
    return HIDDEN


async def reset(request: web.Request) -> web.StreamResponse:
    """Read the whole request, then reset the connection."""
    await request.read()
    assert request.transport is not None
    peer: socket.socket = request.transport.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    return HIDDEN


async def stall(request: web.Request) -> web.StreamResponse:
    """Read the whole request and never answer."""
    await request.read()
    await asyncio.Event().wait()
    return HIDDEN


async def deaf(_: web.Request) -> web.StreamResponse:
    """Read no body and never answer."""
    await asyncio.Event().wait()
    return HIDDEN


async def half(request: web.Request) -> web.StreamResponse:
    """Start a valid answer and close in the middle of it."""
    response = web.StreamResponse(headers={"Content-Length": "100", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"request_id":"')
    assert request.transport is not None
    request.transport.close()
    return response


async def garbage(request: web.Request) -> web.StreamResponse:
    """Answer with bytes that are not HTTP."""
    await request.read()
    assert isinstance(request.transport, asyncio.Transport)
    request.transport.write(b"\x00\x01 what?\r\n\r\n")
    request.transport.close()
    return HIDDEN


async def huge(request: web.Request) -> web.StreamResponse:
    """Answer without end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


def events(
    *documents: object,
    then: Literal["close", "cut", "silence", "pings"] = "close",
    on_ping: Callable[[], None] = lambda: None,
) -> Responder:
    """A stream of documents (bytes are sent raw), which then closes, is cut, falls silent, or pings for ever."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for one in documents:
            await response.write(one if isinstance(one, bytes) else b"data: " + json.dumps(one).encode() + b"\n\n")
        if then == "cut":
            assert request.transport is not None
            request.transport.close()
        while then == "pings":
            on_ping()
            await response.write(b": ping\n\n")
            await asyncio.sleep(0.001)
        if then == "silence":
            await asyncio.Event().wait()
        return response

    return answer


def queued(position: int) -> dict[str, Any]:
    """A status document."""
    return {"status": "IN_QUEUE", "request_id": ID, "queue_position": position}


def running(*lines: str) -> dict[str, Any]:
    """A status document."""
    return {"status": "IN_PROGRESS", "logs": [{"timestamp": line, "message": line} for line in lines]}


COMPLETED = {"status": "COMPLETED", "metrics": {"inference_time": 1.5}}


@dataclass
class ScriptedFal:
    """Answers each kind of request from its list, repeating the last answer, and records all requests."""

    script: dict[str, list[Responder]] = field(default_factory=dict[str, list[Responder]])
    seen: list[str] = field(default_factory=list[str])
    keys: list[str | None] = field(default_factory=list[str | None])
    bodies: list[bytes] = field(default_factory=list[bytes])
    targets: list[str] = field(default_factory=list[str])
    peers: list[object] = field(default_factory=list[object])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    received_bytes: int = 0
    open: int = 0
    keep_bodies: bool = True
    takes_bodies: bool = True
    url: str = ""

    def on(self, kind: str, *answers: Responder) -> None:
        """Answer requests of `kind` with these answers, in order."""
        self.script[kind] = list(answers)

    def count(self, kind: str) -> int:
        """Return the number of requests of `kind`."""
        return self.seen.count(kind)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record the request, then answer it."""
        kind = kind_of(request)
        self.seen.append(kind)
        self.keys.append(request.headers.get("Authorization"))
        self.headers.append(request.headers)
        self.targets.append(request.raw_path)
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peername"))
        if self.takes_bodies and kind in {"submit", "put"}:
            await self._take(request)
        answers = self.script[kind]
        self.open += 1
        try:
            return await (answers.pop(0) if len(answers) > 1 else answers[0])(request)
        finally:
            self.open -= 1

    async def until(self, condition: Callable[["ScriptedFal"], bool]) -> None:
        """Wait until the condition holds for the server, at most five seconds."""
        async with asyncio.timeout(5):
            while not condition(self):  # noqa: ASYNC110 - what a socket brings has no event to wait for
                await asyncio.sleep(0.01)

    def accepted(self, base: str | None = None) -> dict[str, Any]:
        """A submit's good answer."""
        base = base or f"{self.url}/fal-ai/wan/requests/{ID}"
        urls = {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}
        return {"status": "IN_QUEUE", "request_id": ID, "queue_position": 3, **urls}

    async def _take(self, request: web.Request) -> None:
        """Read the body whole, or count it."""
        if self.keep_bodies:
            self.bodies.append(await request.read())
            return
        async for piece in request.content.iter_chunked(65536):
            self.received_bytes += len(piece)


def urls(base: str) -> Handle:
    """Return a request's URLs on `base`."""
    at = f"{base}/fal-ai/wan/requests/{ID}"
    return Handle(request_id=ID, status_url=f"{at}/status", response_url=at, cancel_url=f"{at}/cancel")


def kind_of(request: web.Request) -> str:
    """Return which of fal's calls the request is."""
    path = request.path
    for ending, kind in (
        ("/stream", "stream"),
        ("/status", "status"),
        ("/cancel", "cancel"),
        ("/initiate", "initiate"),
    ):
        if path.endswith(ending):
            return kind
    if path.startswith("/put/"):
        return "put"
    if path == "/v1/models/pricing":
        return "prices"
    if path == "/v1/account/billing":
        return "balance"
    return "submit" if request.method == "POST" else "result"


@asynccontextmanager
async def scripted_fal() -> AsyncGenerator[ScriptedFal]:
    """A scripted server on a free port of loopback."""
    fal = ScriptedFal()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", fal.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        fal.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield fal
    finally:
        await runner.cleanup()


@dataclass
class StillClock:
    """Time that passes only by sleeping."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list[float])

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        """Move the clock forward without waiting."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def fal_settings(url: str, **changes: Any) -> FalSettings:
    """Settings that point at `url`, with short real timeouts."""
    values: dict[str, Any] = {
        "key": KEY,
        "queue_url": url,
        "rest_url": url,
        "api_url": url,
        "queue_backup_url": "http://127.0.0.2:1",
        "retries": 3,
    }
    return FalSettings(**(values | changes))


@asynccontextmanager
async def client_of(url: str, clock: StillClock | None = None, **changes: Any) -> AsyncGenerator[FalClient]:
    """A client on the real transport."""
    clock = clock or StillClock()
    settings = fal_settings(url, **changes)
    async with make_http(settings) as http:
        yield FalClient(http, settings, sleep=clock.sleep, random=lambda: 0.0, clock=clock)
