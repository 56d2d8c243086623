"""Bounds on the web server's connections: how many there are, and how long each may keep Wanda waiting.

aiohttp has none for a client that connects and sends nothing, or its headers byte by byte.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import StreamReader, web

from bot.settings import WebSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Connections:
    """The open connections of one server.

    A request has to be whole `request_s` after its connection was opened or its first byte came, and the next one
    begins `idle_s` after an answer; else the connection ends. Where there are `connections_max`, a further one
    takes the place of the one that has kept Wanda waiting longest, and is refused only while all are being answered.
    """

    def __init__(self, settings: WebSettings) -> None:
        self.settings = settings
        self._open: dict[asyncio.BaseTransport, _Connection] = {}
        self._waiting: dict[_Connection, None] = {}  # for a whole request, the longest first

    def __len__(self) -> int:
        return len(self._open)

    def watched(self, inner: asyncio.Protocol) -> asyncio.Protocol:
        """Return a protocol for a new connection that `inner` answers."""
        return _Connection(self, inner)

    @web.middleware
    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, and count no time against one that has come whole."""
        connection = None if request.transport is None else self._open.get(request.transport)
        if connection is not None:
            connection.expect_body(request.content)
        try:
            return await handler(request)
        finally:
            if connection is not None:
                connection.expect_next()

    def add(self, connection: "_Connection", transport: asyncio.Transport) -> None:
        """Let a connection in, or end it at once."""
        if len(self._open) >= self.settings.connections_max:
            longest = next(iter(self._waiting), None)
            if longest is None:
                transport.abort()
                return
            longest.drop()
        self._open[transport] = connection
        connection.expect(self.settings.request_s)

    def waits(self, connection: "_Connection") -> None:
        """Note that a whole request is awaited of it, from now on."""
        self._waiting[connection] = None

    def waits_no_more(self, connection: "_Connection") -> None:
        """Note that its request has come whole."""
        self._waiting.pop(connection, None)

    def remove(self, transport: asyncio.BaseTransport | None) -> None:
        """Forget a connection; one that was forgotten changes nothing."""
        if transport is not None and (connection := self._open.pop(transport, None)) is not None:
            self._waiting.pop(connection, None)


class _Connection(asyncio.Protocol):
    """One connection: passes on what comes, and is dropped when it lets Wanda wait for too long."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_idle = False
        self._body: StreamReader | None = None  # of the request that is being answered, until it has come

    def expect(self, within_s: float) -> None:
        """Drop it unless a whole request comes within this time."""
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(within_s, self.drop)
        self._connections.waits(self)

    def expect_body(self, body: StreamReader) -> None:
        """Let it be while it is answered, once its body has come."""
        self._body = body
        self._look_at_body()

    def _look_at_body(self) -> None:
        if self._body is not None and self._body.is_eof():
            self._body = None
            self._stop_timer()
            self._connections.waits_no_more(self)

    def expect_next(self) -> None:
        """Wait for the first byte of the next request; what is still being sent may take as long."""
        self._body = None
        if self._transport is not None and not self._transport.is_closing():
            self._is_idle = True
            self._connections.waits_no_more(self)  # from now on others have waited longer
            self.expect(self._connections.settings.idle_s)

    def drop(self) -> None:
        """End it at once, whatever was still to be sent."""
        self._stop_timer()
        self._connections.remove(self._transport)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass it on, if there is room."""
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)
        self._connections.add(self, self._transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on; the first byte of a request starts its time."""
        if self._is_idle:
            self._is_idle = False
            self.expect(self._connections.settings.request_s)
        self._inner.data_received(data)
        self._look_at_body()

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on, and forget it."""
        self._stop_timer()
        self._connections.remove(self._transport)
        self._inner.connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
