"""A real HTTP server whose answers a test scripts, and the program's session for files."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from bot.net.file_session import FileSession

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FileServer:
    """The server's handler for each path, and the paths that were requested."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.asked: list[str] = []
        self.sent_bytes = 0
        self.base = ""
        self.closing = asyncio.Event()

    def serve(self, path: str, handler: Handler) -> str:
        """Answer a path with a handler; returns its URL."""
        self.handlers[path] = handler
        return self.base + path

    def bytes_at(self, path: str, body: bytes) -> str:
        """Answer a path with these bytes; returns its URL."""

        async def handler(_request: web.Request) -> web.Response:
            return web.Response(body=body)

        return self.serve(path, handler)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Record the path and call its handler."""
        self.asked.append(request.path)
        handler = self.handlers.get(request.path)
        return web.Response(status=404) if handler is None else await handler(request)


@pytest.fixture
async def files() -> AsyncIterator[FileServer]:
    """A server on loopback."""
    store = FileServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", store.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    store.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield store
    store.closing.set()
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[FileSession]:
    """The program's session for files."""
    async with FileSession() as session:
        yield session
