"""Follows one request until fal is done with it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx

from bot.errors import FalProtocolError, FalReplyLost, FalReplyTooLarge, FalUnreachable
from bot.fal.http import FalHttp
from bot.fal.wire import protocol
from bot.fal.wire.addresses import stream_url, with_logs
from bot.fal.wire.backoff import wait_s
from bot.fal.wire.result import LATER, OK, SERVER_ERROR
from bot.fal.wire.sse import SseReader
from bot.fal.wire.status_changes import StatusChanges
from bot.fal.wire.types import FalStatus, Handle
from bot.net.decoding import is_plain
from bot.requester import Requester
from bot.settings import FalSettings
from bot.turns import FairTurns
from bot.units import MIB

log = logging.getLogger(__name__)
POLLS_BEFORE_STREAM = 8  # then streaming is tried again, because a stream is one request and polls are many
_TROUBLE = (FalUnreachable, FalReplyLost, FalProtocolError)  # retried; FalRefused and FalAccountError are not


class _NoStreamError(Exception):
    """This is no event stream. A poll finds out whether fal refuses the stream or the request."""


class Follower:
    """Follows one request: by stream, and by polls where streaming fails."""

    def __init__(
        self,
        http: FalHttp,
        settings: FalSettings,
        handle: Handle,
        *,
        openings: FairTurns,
        requester: Requester,
        deadline_at: float,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        """`openings`, which all followers share, limits how many wait for fal's answer at once."""
        self._http = http
        self._settings = settings
        self._handle = handle
        self._openings = openings
        self._requester = requester
        self._deadline_at = deadline_at
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._changes = StatusChanges()
        self._told: FalStatus | None = None
        self._stream_failures = 0
        self._polls_left = 0
        self._waits = 0
        self._asks_for_logs = True

    async def statuses(self) -> AsyncGenerator[FalStatus]:
        """Yield each change of the status once, `completed` last; its connection is closed with the generator.

        A status that is too large to be read even without its log lines counts as `completed`: the result tells.
        5xx replies, 429 and network errors are retried until the deadline.

        Raises:
            FalRefused: fal does not know the request; `FalAccountError` when it does not take the key.
            FalUnreachable: the deadline came first.
            FalProtocolError: the status URL is on none of the configured hosts.
        """
        self._http.headers_for(self._handle.status_url)
        while True:
            try:
                async with aclosing(self._poll() if self._polls_left > 0 else self._stream()) as statuses:
                    async for status in statuses:
                        if not self._is_change(status):
                            continue
                        yield status
                        if status.state == "completed":
                            break
            except _NoStreamError as why:
                log.info("no stream of %s, so it is polled: %s", self._handle.request_id, why)
                self._begin_polling()
                continue
            except FalReplyTooLarge as error:
                log.warning("fal's log of %s is too large, so it is polled without: %s", self._handle.request_id, error)
                self._asks_for_logs = False
                self._begin_polling()
                continue
            except _TROUBLE as error:
                self._count_stream_failure(error)
            if self._told is not None and self._told.state == "completed":
                return  # although its stream may have been cut before it was closed
            await self._pause()

    def _is_change(self, status: FalStatus) -> bool:
        """Remember the status. A new state resets the backoff, because more may follow soon."""
        before, self._told = self._told, status
        if before is None or before.state != status.state:
            self._waits = 0
        return status != before

    def _url(self, url: str) -> str:
        """Return the address of a status, with its log lines unless they were too large."""
        return with_logs(url) if self._asks_for_logs else url

    def _begin_polling(self) -> None:
        self._stream_failures, self._polls_left = 0, POLLS_BEFORE_STREAM

    def _count_stream_failure(self, error: Exception) -> None:
        log.debug("the stream of %s broke off: %s", self._handle.request_id, error)
        self._stream_failures += 1
        if self._stream_failures > self._settings.retries:
            self._begin_polling()

    async def _stream(self) -> AsyncGenerator[FalStatus]:
        """Yield what one stream says that is new; returns when it said nothing new for `fal_stream_max_s`.

        Raises:
            FalUnreachable, FalReplyLost, FalProtocolError: it was not opened, was cut, or makes no sense.
        """
        reader = SseReader(self._settings.reply_mib_max * MIB)
        async with self._opened() as response:
            quiet_since, quiet_max_s = self._clock(), self._settings.silence_timeout_s
            async for piece in response.aiter_raw():
                for data in reader.feed(piece):
                    quiet_max_s = self._settings.stream_max_s
                    if status := self._changes.take(protocol.read_event(data)):
                        quiet_since, self._stream_failures = self._clock(), 0
                        yield status
                if self._clock() >= min(quiet_since + quiet_max_s, self._deadline_at):
                    break
            else:
                if (data := reader.close()) and (status := self._changes.take(protocol.read_event(data))):
                    self._stream_failures = 0
                    yield status
                raise FalReplyLost("the stream ended before the request did")
        if quiet_max_s < self._settings.stream_max_s:
            raise FalReplyLost("the stream told no status at all")
        self._stream_failures = 0

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[httpx.Response]:
        """Open a stream. It counts as an opening until its headers are there, for at most `fal_connect_timeout_s`.

        Without that limit a server that accepts connections and says nothing would hold up every other follower.

        Raises:
            FalUnreachable, FalReplyLost, FalProtocolError: the stream was not opened in time, or is cut.
        """
        async with AsyncExitStack() as stack:
            try:
                async with self._opening(), asyncio.timeout(self._settings.connect_timeout_s):
                    stream = self._http.stream(self._url(stream_url(self._handle.status_url)))
                    response = await stack.enter_async_context(stream)
                    await self._expect_stream(response)
            except TimeoutError:
                raise FalReplyLost("the stream did not begin in time") from None
            yield response

    @asynccontextmanager
    async def _opening(self) -> AsyncGenerator[None]:
        """Take one of the shared openings for the block.

        Raises:
            FalUnreachable: none was free before the deadline.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(max(0.0, self._deadline_at - self._clock())):
                    await stack.enter_async_context(self._openings.turn(self._requester))
            except TimeoutError:
                raise FalUnreachable("too many requests to fal were waiting until the deadline") from None
            yield

    async def _expect_stream(self, response: httpx.Response) -> None:
        """Raise the typed error for anything but an event stream."""
        if response.status_code == OK and "text/event-stream" in response.headers.get("content-type", ""):
            if is_plain(response.headers.get("content-encoding", "")):
                return
            raise _NoStreamError("it is compressed, although that was not asked for")
        if response.status_code in LATER or response.status_code >= SERVER_ERROR:
            raise protocol.refusal_of(response.status_code, await self._http.rest_of(response), "a stream")
        raise _NoStreamError(f"status {response.status_code}")

    async def _poll(self) -> AsyncGenerator[FalStatus]:
        """Yield what one poll says that is new.

        Raises:
            FalReplyTooLarge: it is too large with its log lines.
        """
        self._polls_left = max(0, self._polls_left - 1)
        try:
            async with self._opening():
                reply = await self._http.ask("GET", self._url(self._handle.status_url))
            status = self._changes.take(protocol.read_status(reply.status, reply.body))
        except FalReplyTooLarge:
            if self._asks_for_logs:
                raise
            status = FalStatus("completed")
        except _TROUBLE as error:
            log.debug("a poll of %s failed: %s", self._handle.request_id, error)
            return
        if status is not None:
            yield status

    async def _pause(self) -> None:
        """Wait before the next request, longer each time while the state stays the same.

        Raises:
            FalUnreachable: the deadline has come.
        """
        known = self._settings
        wait = wait_s(self._waits, least_s=known.poll_min_s, most_s=known.poll_max_s, random=self._random)
        self._waits += 1
        await self._wait(wait)

    async def _wait(self, seconds: float) -> None:
        """Wait, but not beyond the deadline.

        Raises:
            FalUnreachable: the deadline has come.
        """
        left_s = self._deadline_at - self._clock()
        if left_s <= 0:
            raise FalUnreachable("fal did not finish the request before the deadline")
        await self._sleep(min(seconds, left_s))
