"""Following one request until fal is done with it: by stream, and by paced polling where streaming fails."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx

from bot.errors import FalProtocolError, FalReplyLost, FalUnreachable
from bot.fal.http import FalHttp
from bot.fal.wire import protocol
from bot.fal.wire.addresses import stream_url, with_logs
from bot.fal.wire.backoff import wait_s
from bot.fal.wire.result import LATER, OK, SERVER_ERROR
from bot.fal.wire.sse import SseReader
from bot.fal.wire.status_changes import Changes
from bot.fal.wire.types import Change, Completed, Status, Urls
from bot.settings import MIB, Settings

log = logging.getLogger(__name__)
POLLS_BEFORE_STREAM = 8  # then streaming is tried again: a stream costs one request where polls cost one each
_TROUBLE = (FalUnreachable, FalReplyLost, FalProtocolError)  # waited out; FalRefused and FalAccountError are not


class _NoStreamError(Exception):
    """There is no event stream here; polling tells whether that is about the stream or about the request."""


class Follower:
    """Follows one request, whose `events` end only with `Completed` or a typed error."""

    def __init__(
        self,
        line: FalHttp,
        settings: Settings,
        urls: Urls,
        *,
        places: asyncio.Semaphore,
        deadline_at: float,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        """Whoever waits for fal's answer holds one of the `places`, which all followers share."""
        self._line = line
        self._settings = settings
        self._urls = urls
        self._places = places
        self._deadline_at = deadline_at
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._changes = Changes()
        self._state: type[Change] | None = None
        self._waits = 0

    async def events(self) -> AsyncGenerator[Change]:
        """Each change once. What fal answers with 5xx, and trouble on the way, is waited out until the deadline.

        Raises:
            FalRefused: fal does not know the request; `FalAccountError` when it does not take the key.
            FalUnreachable: the deadline came first.
            FalProtocolError: the status URL is on none of the configured hosts.
        """
        self._line.headers_for(self._urls.status_url)
        completed: Completed | None = None
        while completed is None:
            for source in (self._by_stream, self._by_polling):
                async with aclosing(source()) as changes:
                    async for change in changes:
                        if isinstance(change, Completed):
                            completed = change
                            break
                        yield change
                if completed is not None:
                    break
        # The stream is closed by now: whoever stops listening here leaves no connection behind.
        yield completed

    async def _by_stream(self) -> AsyncGenerator[Change]:
        """Changes from streams, reopened when cut; ends when streaming is refused, or fails again and again."""
        failures = 0
        while failures <= self._settings.fal_retries:
            try:
                async with aclosing(self._one_stream()) as changes:
                    async for change in changes:
                        failures = 0
                        yield change
                failures = 0
            except _NoStreamError as why:
                log.info("no stream of %s, so it is polled: %s", self._urls.request_id, why)
                return
            except _TROUBLE as error:
                failures += 1
                log.debug("the stream of %s broke off: %s", self._urls.request_id, error)
            await self._pause()

    async def _one_stream(self) -> AsyncGenerator[Change]:
        """Changes from one stream; returns when nothing changed for so long that a fresh look is better.

        Raises:
            FalUnreachable, FalReplyLost, FalProtocolError: the stream was not opened, was cut, or makes no sense.
        """
        reader = SseReader(self._settings.fal_reply_mib_max * MIB)
        async with self._opened() as response:
            quiet_since, quiet_max_s = self._clock(), self._settings.fal_silence_timeout_s
            async for piece in response.aiter_bytes():
                for data in reader.feed(piece):
                    quiet_max_s = self._settings.fal_stream_max_s
                    if change := self._changed(protocol.read_event(data)):
                        quiet_since = self._clock()
                        yield change
                if self._clock() >= min(quiet_since + quiet_max_s, self._deadline_at):
                    break
            else:
                if (data := reader.close()) and (change := self._changed(protocol.read_event(data))):
                    yield change
                raise FalReplyLost("the stream ended before the request did")
        if quiet_max_s < self._settings.fal_stream_max_s:
            raise FalReplyLost("the stream told no status at all")

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[httpx.Response]:
        """A stream that has begun; its place was held until then, and is free again while the stream is open.

        A server that takes connections and says nothing keeps no place for longer than a connection may take, so the
        next in line has its turn by then.

        Raises:
            FalUnreachable, FalReplyLost, FalProtocolError: the stream was not opened in time, or is cut.
        """
        async with AsyncExitStack() as stack:
            try:
                async with self._place(), asyncio.timeout(self._settings.fal_connect_timeout_s):
                    stream = self._line.stream(with_logs(stream_url(self._urls.status_url)))
                    response = await stack.enter_async_context(stream)
                    await self._expect_stream(response)
            except TimeoutError:
                raise FalReplyLost("the stream did not begin in time") from None
            yield response

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[None]:
        """One of the places, which is free again afterwards.

        Raises:
            FalUnreachable: the deadline came before one was free.
        """
        try:
            async with asyncio.timeout(max(0.0, self._deadline_at - self._clock())):
                await self._places.acquire()
        except TimeoutError:
            raise FalUnreachable("no place to ask fal came free before the deadline") from None
        try:
            yield
        finally:
            self._places.release()

    async def _expect_stream(self, response: httpx.Response) -> None:
        """Go on only with an event stream."""
        if response.status_code == OK and "text/event-stream" in response.headers.get("content-type", ""):
            return
        if response.status_code in LATER or response.status_code >= SERVER_ERROR:
            raise protocol.refusal_of(response.status_code, await self._line.rest_of(response), "a stream")
        raise _NoStreamError(f"status {response.status_code}")

    async def _by_polling(self) -> AsyncGenerator[Change]:
        """Changes from a bounded number of polls."""
        for _ in range(POLLS_BEFORE_STREAM):
            try:
                async with self._place():
                    reply = await self._line.ask("GET", with_logs(self._urls.status_url))
                change = self._changed(protocol.read_status(reply.status, reply.body))
            except _TROUBLE as error:
                log.debug("a poll of %s failed: %s", self._urls.request_id, error)
            else:
                if change is not None:
                    yield change
            await self._pause()

    def _changed(self, status: Status) -> Change | None:
        """What is new; a new state also starts the waits afresh, as more may follow soon."""
        change = self._changes.take(status)
        if change is not None and type(change) is not self._state:
            self._state, self._waits = type(change), 0
        return change

    async def _pause(self) -> None:
        """Wait before asking again, longer each time while the state stays the same.

        Raises:
            FalUnreachable: the deadline has come.
        """
        left_s = self._deadline_at - self._clock()
        if left_s <= 0:
            raise FalUnreachable("fal did not finish the request before the deadline")
        known = self._settings
        wait = wait_s(self._waits, least_s=known.fal_poll_min_s, most_s=known.fal_poll_max_s, random=self._random)
        self._waits += 1
        await self._sleep(min(wait, left_s))
