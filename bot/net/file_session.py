"""Connections that files come over. Each exchange runs in a thread, from its request to the last byte of its body.

aiohttp hands each piece of a body from the event loop to a thread that writes it. In one thread, with `http.client` and
one buffer, 25 MB on loopback take half the processor time, and most of that runs beside the event loop.

Names are resolved and connections are made in the event loop, by Happy Eyeballs: where IPv6 leads nowhere, IPv4 is
tried soon (https://www.rfc-editor.org/rfc/rfc8305).
"""

import asyncio
import http.client
import select
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType] - of unknown addresses

from bot.net.counted import NO_REPLY, count_download, outcome_of
from bot.net.transport import tls_context

T = TypeVar("T")
THREADS_MAX = 64  # more exchanges wait; those who ask have lower bounds of their own
SILENCE_S = 20.0  # a silent connection is given up this early, so that a retry still fits into the deadline
IDLE_S = 15.0  # a connection is kept so long for the next file of its host
IDLE_MAX = 16
_EYEBALLS_S = 0.25
_ABORT_S = 1.0  # how long a thread is waited for whose connection was shut down
_HEADERS = {"User-Agent": "Wanda", "Accept": "*/*", "Accept-Encoding": "identity"}
_BROKEN = (OSError, http.client.HTTPException)
_Place = tuple[str, str, int]  # scheme, host and port


class ConnectionBroken(Exception):  # noqa: N818 - reads better at the except
    """The connection could not be made or broke, or what came over it is no HTTP."""


class FileReply:
    """The head of a reply, and its body as it comes; used in its thread only."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status = response.status

    def header(self, name: str) -> str:
        """Return the header's value, or an empty text."""
        return self._response.getheader(name) or ""

    def read_into(self, buffer: memoryview) -> int:
        """Fill the buffer with what comes next, and return how much that was: less at the end, 0 after it.

        Raises:
            ConnectionBroken: the connection broke.
        """
        try:
            return self._response.readinto(buffer)
        except _BROKEN as error:
            raise ConnectionBroken(f"{type(error).__name__}: {error}") from error


class _Connection:
    """One connection. `abort` may be called while a thread uses it."""

    def __init__(self, place: _Place, raw: socket.socket) -> None:
        self.place = place
        self.idle_since = 0.0
        self._socket = raw
        self._http: http.client.HTTPConnection | None = None
        self._is_aborted = False
        self._is_free = False

    def exchange(self, url: httpx.URL, take: Callable[[FileReply], T]) -> T:
        """GET the URL and return what `take` makes of the reply.

        Raises:
            ConnectionBroken: the connection broke before or while the reply came; and what `take` raises.
        """
        self._is_free = False
        response = self._asked(url)
        try:
            taken = take(FileReply(response))
            self._is_free = response.isclosed() and not response.will_close
            return taken
        finally:
            response.close()

    def _asked(self, url: httpx.URL) -> http.client.HTTPResponse:
        begun_at, outcome = time.perf_counter(), NO_REPLY
        try:
            opened = self._opened()
            opened.putrequest("GET", url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True)
            opened.putheader("Host", url.netloc.decode("ascii"))
            for name, value in _HEADERS.items():
                opened.putheader(name, value)
            opened.endheaders()
            response = opened.getresponse()
            outcome = outcome_of(response.status)
        except _BROKEN as error:
            raise ConnectionBroken(f"{type(error).__name__}: {error}") from error
        finally:
            count_download(outcome, time.perf_counter() - begun_at)
        return response

    def _opened(self) -> http.client.HTTPConnection:
        """Return the connection, with TLS where that is asked for."""
        if self._http is None:
            scheme, host, port = self.place
            self._socket.settimeout(SILENCE_S)
            if scheme == "https":
                wrapped = tls_context().wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
                self._socket = wrapped
                self._refuse_if_aborted()
                wrapped.do_handshake()
            self._http = http.client.HTTPConnection(host, port)
            self._http.auto_open = 0
            self._http.sock = self._socket
        self._refuse_if_aborted()
        return self._http

    def _refuse_if_aborted(self) -> None:
        if self._is_aborted:
            raise ConnectionAbortedError("nobody waits for it any more")

    def abort(self) -> None:
        """Have whatever waits on the connection end at once."""
        self._is_aborted = True
        with suppress(OSError):  # not SSLSocket's own, which changes what a thread is reading from
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def is_free(self) -> bool:
        """Return whether the last reply was read to its end, and the server has not closed the connection since."""
        if not self._is_free or self._is_aborted:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close it; no thread uses it."""
        self._socket.close()


class FileSession:
    """Asks for files; leaving it ends what is under way."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="file")
        self._idle: list[_Connection] = []
        self._busy: dict[_Connection, asyncio.Future[Any]] = {}
        self._pruning: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pruning is not None:
            self._pruning.cancel()
        for connection in self._busy:
            connection.abort()
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=_ABORT_S)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._drop_idle(lambda _: True)

    async def get(self, url: httpx.URL, take: Callable[[FileReply], T]) -> T:
        """GET the URL, and return what `take` makes of the reply in a thread.

        Cancelled, it shuts the connection down, so that the thread ends too. What breaks on a kept connection, which
        the server may have just closed, is asked for once more on a new one; `take` is called again then.

        Raises:
            ConnectionBroken: the connection could not be made, or broke; and what `take` raises.
        """
        # As it stands in the URL: decoded, Python's resolver would read some names as others, "ß" as "ss".
        host = url.raw_host.decode("ascii")
        place = (url.scheme, host, url.port or (443 if url.scheme == "https" else 80))
        kept = self._kept(place)
        if kept is not None:
            with suppress(ConnectionBroken):
                return await self._exchanged(kept, url, take)
        return await self._exchanged(await _connected(place), url, take)

    async def _exchanged(self, connection: _Connection, url: httpx.URL, take: Callable[[FileReply], T]) -> T:
        under_way = self._threads.submit(connection.exchange, url, take)
        self._busy[connection] = done = asyncio.wrap_future(under_way)
        done.add_done_callback(lambda _: self._put_back(connection, done))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if not under_way.cancel():
                connection.abort()
                await asyncio.wait({done}, timeout=_ABORT_S)
            raise

    def _put_back(self, connection: _Connection, done: asyncio.Future[T]) -> None:
        """Keep the connection for the next file, or close it."""
        del self._busy[connection]
        if done.cancelled() or done.exception() is not None or len(self._idle) >= IDLE_MAX or not connection.is_free():
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        if self._pruning is None:
            self._pruning = asyncio.get_running_loop().call_later(IDLE_S, self._prune)

    def _kept(self, place: _Place) -> _Connection | None:
        """Take the connection that was used last for this place; those that were closed meanwhile are dropped."""
        self._drop_idle(lambda one: one.place == place and not one.is_free())
        connection = next((one for one in reversed(self._idle) if one.place == place), None)
        if connection is not None:
            self._idle.remove(connection)
        return connection

    def _prune(self) -> None:
        long_ago = time.monotonic() - IDLE_S
        self._drop_idle(lambda one: one.idle_since <= long_ago)
        again = bool(self._idle)
        self._pruning = asyncio.get_running_loop().call_later(IDLE_S, self._prune) if again else None

    def _drop_idle(self, is_over: Callable[[_Connection], bool]) -> None:
        for connection in [one for one in self._idle if is_over(one)]:
            self._idle.remove(connection)
            connection.close()


async def _connected(place: _Place) -> _Connection:
    """Return a new connection.

    Raises:
        ConnectionBroken: none could be made.
    """
    _, host, port = place
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SILENCE_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            raw = await start_connection(found, happy_eyeballs_delay=_EYEBALLS_S, loop=loop)
    except (OSError, UnicodeError) as error:
        raise ConnectionBroken(f"{type(error).__name__}: {error}") from error
    return _Connection(place, raw)
