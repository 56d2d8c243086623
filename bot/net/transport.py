"""The HTTP client for fal: one httpx client over three kinds of connections.

Polls, results and cancels share aiohttp's pool: at 1,000 concurrent requests it stays fast, while httpx's slows down.
A submit, an upload and a status stream each get a new connection, which is closed afterwards:

* A submit must not reuse a kept-alive connection, which the server may be closing at that moment: that failure looks
  like a lost reply, and the job would become `uncertain` without need.
* An upload goes to a signed URL, which must be sent byte for byte, and must not be sent twice at once.
* A stream occupies its connection for minutes, so a pool would gain nothing.

Submits and uploads use aiohttp, which needs half the CPU time of httpx's transport for a short exchange. Streams use
httpx: 1,000 of them on loopback with TLS, opened 50 at a time, took 1.3 s of CPU time and 57 KiB each; aiohttp took
1.2 s and 314 KiB each.

All use HTTP/1.1 only: on HTTP/2, streams above the server's limit would wait for ever without an error.
"""

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions
from yarl import URL

from bot.net.counted import CountedTransport
from bot.settings import FalSettings

CHUNK_BYTES = 256 * 1024  # read size of a response's body: aiohttp reads as much from the socket at once
# Request extensions that ask for a new connection: for a short exchange, and for a stream.
ONE_EXCHANGE = {"wanda_connection": "exchange"}
ONE_STREAM = {"wanda_connection": "stream"}


class _ClosingStream(httpx.AsyncByteStream):
    """A response's body; closing it also closes its connection."""

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
    """Opens a connection for each request and keeps it until the response is closed."""

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
    """Opens a connection for each request and closes it after the reply. The URL is sent byte for byte."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request once: aiohttp retries neither a streamed body nor a POST."""
        timeout = request.extensions["timeout"]
        with map_aiohttp_exceptions():
            reply = await self._opened().request(
                request.method,
                # Already encoded: aiohttp would re-encode the query of a plain string (%2F becomes /), which can break
                # a signature. httpx-aiohttp passes a plain string.
                URL(str(request.url), encoded=True),
                headers=request.headers,
                data=_body(request),
                allow_redirects=False,
                auto_decompress=False,
                # `connect` includes the DNS lookup: nothing has been sent by then either.
                timeout=aiohttp.ClientTimeout(connect=timeout["connect"], sock_read=timeout["read"]),
            )
        return httpx.Response(
            reply.status, headers=reply.raw_headers, stream=AiohttpResponseStream(reply), request=request
        )

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session; it is created on first use, because it needs a running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._tls, limit=0, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def _body(request: httpx.Request) -> bytes | AsyncIterable[bytes] | None:
    """Return the request's body: bytes if it is in memory, else its stream."""
    try:
        return request.content or None
    except httpx.RequestNotRead:
        return cast("httpx.AsyncByteStream", request.stream)


class FalTransport(httpx.AsyncBaseTransport):
    """Sends a request over the shared pool, or over a new connection if its extensions ask for one."""

    def __init__(self, pool: httpx.AsyncBaseTransport, tls: ssl.SSLContext) -> None:
        self._pool = pool
        self._streams = _Streams(tls)
        self._exchanges = _Exchanges(tls)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; a POST is never sent twice."""
        own = request.extensions.get("wanda_connection")
        if own == "stream":
            return await self._streams.handle_async_request(request)
        transport = self._pool if own is None else self._exchanges
        response = await transport.handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            # The default of 16 KiB costs thousands of loop iterations for a large file.
            response.stream.CHUNK_SIZE = CHUNK_BYTES  # pyright: ignore[reportAttributeAccessIssue] - inferred too narrowly
        return response

    async def aclose(self) -> None:
        """Close the pool; a stream's connection closes with its response."""
        try:
            await self._exchanges.aclose()
        finally:
            await self._pool.aclose()


@cache
def tls_context() -> ssl.SSLContext:
    """Return the certificates of httpx, for every connection to fal and for files; each further copy takes 0.7 MB."""
    return httpx.create_ssl_context(trust_env=False)


def make_http(settings: FalSettings) -> httpx.AsyncClient:
    """Return the client for fal: no redirects, no cookies, and no proxy or netrc from the environment.

    It does not hold the key: `bot.fal.http` adds it to requests to the configured hosts. The caller closes the client.
    """
    tls = tls_context()

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=tls, limit=settings.connections_max, keepalive_timeout=15)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return httpx.AsyncClient(
        transport=CountedTransport(FalTransport(AiohttpTransport(verify=tls, client=session), tls)),
        timeout=httpx.Timeout(settings.reply_timeout_s, connect=settings.connect_timeout_s),
        headers={"User-Agent": "Wanda", "Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # httpx keeps cookies too, independently of aiohttp
        follow_redirects=False,
        trust_env=False,
    )


def never_connected(error: BaseException) -> bool:
    """Return whether `error` proves that no connection was made, so that nothing of the request was sent.

    httpx-aiohttp 0.2.0 also maps a reset or dropped connection to `ConnectTimeout`, because aiohttp's errors for them
    share a base class. So if aiohttp's error is the cause, it decides.
    """
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientError):
        return isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL)
    return isinstance(
        error,
        httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol | httpx.InvalidURL,
    )
