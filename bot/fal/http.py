"""One request to fal and its whole reply, limited in time and bytes; only this module holds the keys."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import aiohttp
import httpx
from pydantic import SecretStr

from bot.errors import FalAccountError, FalProtocolError, FalReplyLost, FalReplyTooLarge, FalUnreachable
from bot.fal.wire.addresses import same_origin
from bot.fal.wire.result import SERVER_ERROR
from bot.net.decoding import UnreadableEncodingError, decoded
from bot.net.transport import ONE_EXCHANGE, ONE_STREAM, never_connected
from bot.settings import FalSettings
from bot.trouble import Trouble
from bot.units import MIB

# httpx-aiohttp lets some of aiohttp's errors through as they are, and a socket can raise its own.
_NETWORK = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError)
_KEY_REFUSED = 401
TROUBLE_QUIET_S = 10.0  # a single reset or 503 is retried, and no matter for the operator


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply. If fal echoed a key, `body` has `***` there."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class FalHttp:
    """Sends requests to fal. Its errors name hosts and kinds of trouble, never headers, which hold a key."""

    def __init__(self, http: httpx.AsyncClient, settings: FalSettings) -> None:
        self._http = http
        self._settings = settings
        self._bytes_max = settings.reply_mib_max * MIB
        self._key = _word(settings.key)
        self._admin_key = _word(settings.admin_key)
        self._troubles: dict[str, Trouble] = {}

    def headers_for(self, url: str, *, as_admin: bool = False) -> dict[str, str]:
        """Return the header with the key, for a URL on one of the configured hosts.

        The admin key is only for the platform API's host.

        Raises:
            FalProtocolError: the URL is anywhere else.
            FalAccountError: no key is set.
        """
        known = self._settings
        hosts = (known.queue_url, known.queue_backup_url, known.rest_url, known.api_url)
        if as_admin:
            hosts = (known.api_url,)
        if not same_origin(url, *hosts):
            raise FalProtocolError("the request's address is on none of fal's configured hosts; the key stays here")
        name, key = ("FAL_ADMIN_KEY", self._admin_key) if as_admin else ("FAL_KEY", self._key)
        if not key or not key.isascii() or not key.isprintable():
            raise FalAccountError(f"{name} is not set, or is no key; put fal.ai's API key there", status=_KEY_REFUSED)
        return {"Authorization": f"Key {key}"}

    async def ask(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | list[str]] | None = None,
        json: object = None,
        own_connection: bool = False,
        as_admin: bool = False,
    ) -> HttpReply:
        """Send one request with the key and read its whole reply. It is sent at most once, if it is a POST.

        Raises:
            FalUnreachable: no connection was made, so nothing was sent.
            FalReplyLost: it may have been sent, and no whole reply came.
            FalProtocolError: the reply is too large, or the URL is not fal's.
        """
        build = partial(
            self._http.build_request,
            method,
            url,
            params=params,
            json=json,
            headers=self.headers_for(url, as_admin=as_admin),
            extensions=ONE_EXCHANGE if own_connection else None,
        )
        return await self._send(build, url, asyncio.timeout(self._settings.reply_timeout_s))

    async def ask_openly(self, url: str, *, timeout_s: float) -> HttpReply:
        """GET what fal shows to everybody, without the key.

        Raises:
            FalUnreachable, FalReplyLost, FalProtocolError: as `ask` does.
        """
        return await self._send(partial(self._http.build_request, "GET", url), url, asyncio.timeout(timeout_s))

    async def put(self, url: str, content: AsyncIterable[bytes], *, size_bytes: int, content_type: str) -> HttpReply:
        """PUT a file's bytes to a signed URL, without the key; the caller bounds the time of the whole.

        It ends when no piece was taken, or no reply came, for `fal_reply_timeout_s`.

        Raises:
            FalUnreachable, FalReplyLost, FalProtocolError: as `ask` does.
        """
        headers = {"Content-Type": content_type, "Content-Length": str(size_bytes)}
        deadline = asyncio.timeout(self._settings.reply_timeout_s)
        build = partial(
            self._http.build_request,
            "PUT",
            url,
            content=self._prolonging(deadline, content),
            headers=headers,
            extensions=ONE_EXCHANGE,
        )
        return await self._send(build, url, deadline)

    async def _prolonging(self, deadline: asyncio.Timeout, content: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
        """Yield the pieces; each one restarts the deadline, because aiohttp has no timeout for writing."""
        async for piece in content:
            deadline.reschedule(asyncio.get_running_loop().time() + self._settings.reply_timeout_s)
            yield piece

    async def _send(self, build: Callable[[], httpx.Request], url: str, deadline: asyncio.Timeout) -> HttpReply:
        try:
            async with deadline:
                response = await self._http.send(build(), stream=True)
                try:
                    body = await self._read(response)
                finally:
                    await _close(response)
                self._note(response.status_code, url)
                return HttpReply(response.status_code, response.headers, body)
        except _NETWORK as error:
            raise self._noted(network_error(error, url), url) from None

    def _note(self, status: int, url: str) -> None:
        """Note for the log whether this host of fal works."""
        if status >= SERVER_ERROR:
            self._trouble_of(url).failed(f"it answers {status}")
        else:
            self._trouble_of(url).worked()

    def _noted(self, error: FalUnreachable | FalReplyLost, url: str) -> FalUnreachable | FalReplyLost:
        self._trouble_of(url).failed(str(error))
        return error

    def _trouble_of(self, url: str) -> Trouble:
        """Return the record of the URL's host; uploads go to ever new hosts, which share one."""
        known = self._settings
        ours = same_origin(url, known.queue_url, known.queue_backup_url, known.rest_url, known.api_url, known.web_url)
        name = f"fal ({urlsplit(url).netloc})" if ours else "fal's storage"
        return self._troubles.setdefault(name, Trouble(name, quiet_s=TROUBLE_QUIET_S))

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            async for piece in decoded(response.aiter_raw(), response.headers.get("content-encoding", "")):
                body += piece
                if len(body) > self._bytes_max:
                    raise FalReplyTooLarge(f"fal's reply is larger than {self._bytes_max} bytes")
        except UnreadableEncodingError as error:
            raise FalProtocolError(f"fal's reply cannot be decoded: {error}") from error
        text = bytes(body)
        for key in (self._key, self._admin_key):
            text = text.replace(key.encode(), b"***") if key else text
        return text

    @contextlib.asynccontextmanager
    async def stream(self, url: str) -> AsyncGenerator[httpx.Response]:
        """Open an event stream on a connection of its own; silence ends it after `fal_silence_timeout_s`.

        Raises:
            FalUnreachable, FalReplyLost: it could not be opened, or was cut.
            FalProtocolError: the URL is not fal's.
        """
        known = self._settings
        headers = self.headers_for(url) | {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        try:
            request = self._http.build_request(
                "GET",
                url,
                headers=headers,
                timeout=httpx.Timeout(known.silence_timeout_s, connect=known.connect_timeout_s),
                extensions=ONE_STREAM,
            )
            response = await self._http.send(request, stream=True)
            self._note(response.status_code, url)
            try:
                yield response
            finally:
                await _close(response)
        except _NETWORK as error:
            raise self._noted(network_error(error, url), url) from None

    async def rest_of(self, response: httpx.Response) -> bytes:
        """Return the body of a reply that turned out to be no stream.

        Raises:
            FalProtocolError: it is too large.
        """
        return await self._read(response)


async def _close(response: httpx.Response) -> None:
    """Close it, and leave nothing of it to the garbage collector: httpx's stream and response hold each other.

    With the request and the connection that is 5 KB each time.
    """
    try:
        await response.aclose()
    finally:
        response.stream = httpx.ByteStream(b"")


def _word(key: SecretStr | None) -> str:
    return key.get_secret_value().strip() if key else ""


def network_error(error: BaseException, url: str) -> FalUnreachable | FalReplyLost:
    """Return a typed error without the original one, whose request holds the key."""
    what = f"{urlsplit(url).hostname}: {type(error.__cause__ or error).__name__}"
    if never_connected(error):
        return FalUnreachable(f"fal could not be reached ({what})")
    return FalReplyLost(f"no whole reply came from fal ({what})")
