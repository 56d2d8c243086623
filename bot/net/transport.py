"""The connections to fal: one httpx client, over three kinds of them.

Polls, results and cancels share aiohttp's pool, which stays fast at 1,000 requests at once where httpx's own slows
down. A submit, a file's bytes and a status stream each get a connection of their own, made for them and closed after:

* A submit must not travel over a kept-alive connection, which the server may be closing at that very moment: the loss
  could not be told from a lost reply, and the job would be `uncertain` for nothing.
* A file goes to a signed address, which must arrive letter for letter, and only once at a time.
* A stream holds its connection for minutes, so a pool has nothing to give it.

The first two are made by aiohttp, which takes half the processor time of httpx's own transport for a short exchange.
A stream is httpx's: measured on loopback with TLS, 1,000 of them, 50 being opened at a time, take 1.3 s of processor
time and 57 KiB each that way, 1.2 s and 314 KiB each in aiohttp.

All are HTTP/1.1 only. On HTTP/2, streams past the server's limit would wait for ever without a sign.
"""

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions
from yarl import URL

from bot.settings import FalSettings

CHUNK_BYTES = 256 * 1024  # of a reply's body: as much as aiohttp reads from the socket at once
# The request extensions that ask for a connection of its own: for one exchange, and for a stream that lasts.
ONE_EXCHANGE = {"wanda_connection": "exchange"}
ONE_STREAM = {"wanda_connection": "stream"}


class _ClosingStream(httpx.AsyncByteStream):
    """A response's bytes; closing them closes the connection that was made for them."""

    def __init__(self, stream: httpx.AsyncByteStream, transport: httpx.AsyncBaseTransport) -> None:
        self._stream = stream
        self._transport = transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._transport.aclose()


class _Streams(httpx.AsyncBaseTransport):
    """Makes a connection for each request, which lives as long as the response is read."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        own = httpx.AsyncHTTPTransport(
            verify=self._tls,
            http1=True,
            http2=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
        )
        try:
            response = await own.handle_async_request(request)
        except BaseException:
            await own.aclose()
            raise
        response.stream = _ClosingStream(cast("httpx.AsyncByteStream", response.stream), own)
        return response


class _Exchanges(httpx.AsyncBaseTransport):
    """Makes a connection for each request and closes it after the reply. The address arrives letter for letter."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it. A body that comes in pieces is not sent again by aiohttp either, and a POST never is."""
        timeout = request.extensions["timeout"]
        with map_aiohttp_exceptions():
            reply = await self._opened().request(
                request.method,
                # httpx-aiohttp gives the address as text, whose query aiohttp writes anew (%2F becomes /): that can
                # break a signature.
                URL(str(request.url), encoded=True),
                headers=request.headers,
                data=_body(request),
                allow_redirects=False,
                auto_decompress=False,
                # Waiting for the name's address is part of connecting: nothing was sent before that either.
                timeout=aiohttp.ClientTimeout(connect=timeout["connect"], sock_read=timeout["read"]),
            )
        return httpx.Response(
            reply.status, headers=reply.raw_headers, stream=AiohttpResponseStream(reply), request=request
        )

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session, which needs a running loop from its start."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._tls, limit=0, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def _body(request: httpx.Request) -> bytes | AsyncIterable[bytes] | None:
    """Return the request's body: whole, where it is in memory, or the pieces that it comes in."""
    try:
        return request.content or None
    except httpx.RequestNotRead:
        return cast("httpx.AsyncByteStream", request.stream)


class FalTransport(httpx.AsyncBaseTransport):
    """Sends a request over the shared pool, or over a connection of its own when it asks for that."""

    def __init__(self, pool: httpx.AsyncBaseTransport, tls: ssl.SSLContext) -> None:
        self._pool = pool
        self._streams = _Streams(tls)
        self._exchanges = _Exchanges(tls)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; no transport here ever sends a POST twice."""
        own = request.extensions.get("wanda_connection")
        if own == "stream":
            return await self._streams.handle_async_request(request)
        transport = self._pool if own is None else self._exchanges
        response = await transport.handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            # Its own 16 KiB make thousands of turns of the loop out of a large file.
            response.stream.CHUNK_SIZE = CHUNK_BYTES  # pyright: ignore[reportAttributeAccessIssue] - inferred too narrowly
        return response

    async def aclose(self) -> None:
        """Close the pool; connections of their own end with their responses."""
        try:
            await self._exchanges.aclose()
        finally:
            await self._pool.aclose()


def make_http(settings: FalSettings) -> httpx.AsyncClient:
    """The client for everything at fal: follows no redirect, keeps no cookie, reads no proxy or netrc from outside.

    It carries no key: `Line` adds it request by request, for the configured hosts only. The caller closes it.
    """
    tls = httpx.create_ssl_context(trust_env=False)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=tls, limit=settings.connections_max, keepalive_timeout=15)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return httpx.AsyncClient(
        transport=FalTransport(AiohttpTransport(verify=tls, client=session), tls),
        timeout=httpx.Timeout(settings.reply_timeout_s, connect=settings.connect_timeout_s),
        headers={"User-Agent": "Wanda", "Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # httpx keeps them itself, whatever aiohttp does
        follow_redirects=False,
        trust_env=False,
    )


def never_connected(error: BaseException) -> bool:
    """Whether `error` proves that no connection was made, so that nothing of the request was sent.

    httpx-aiohttp 0.2.0 calls a reset and a dropped connection `ConnectTimeout` too, because aiohttp's errors for them
    share a base class; so where aiohttp is the cause, its own error decides.
    """
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientError):
        return isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL)
    return isinstance(
        error,
        httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol | httpx.InvalidURL,
    )
