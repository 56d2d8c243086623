"""What Wanda asks of fal, as one object: upload, submit once, follow, result, cancel, and the price list."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bot.errors import FalError, FalProtocolError, FalReplyLost, FalUnreachable
from bot.fal.follower import Follower
from bot.fal.http import FalHttp
from bot.fal.upload import upload_once
from bot.fal.wire import protocol
from bot.fal.wire import result as outcome
from bot.fal.wire.backoff import wait_s
from bot.fal.wire.types import CancelAnswer, Change, Result, Submitted, UnitPrice, Urls
from bot.settings import Settings

T = TypeVar("T")
PRICED_IDS_MAX = 50  # fal's own limit for one question
PRICE_PAGES_MAX = 10
PRICING_PATH = "/v1/models/pricing"


class FalClient:
    """fal.ai, as Wanda uses it. Every method bounds its time, its repeats and the bytes it reads.

    `http` comes from `make_http` and stays the caller's to close; `clock` gives seconds, `random` numbers below 1.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: Settings,
        *,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._line = FalHttp(http, settings)
        self._settings = settings
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._places = asyncio.Semaphore(settings.fal_openings_at_once)

    async def upload(self, path: Path, *, file_name: str, content_type: str) -> str:
        """Put a file into fal's storage and return its URL there; the whole of it within `upload_timeout_s`.

        Raises:
            FalAccountError: fal does not take the key, or the account is locked.
            FalRefused: fal's storage does not take this file.
            FalUnreachable: it did not work, however often it was tried; trying again is safe.
            OSError: the file cannot be read.
        """
        try:
            async with asyncio.timeout(self._settings.upload_timeout_s):
                return await self._again(
                    lambda: upload_once(
                        self._line, self._settings, path, file_name=file_name, content_type=content_type
                    )
                )
        except TimeoutError:
            raise FalUnreachable(f"an upload to fal took longer than {self._settings.upload_timeout_s} s") from None

    async def submit(self, endpoint: str, payload: Mapping[str, Any], *, webhook_url: str | None = None) -> Submitted:
        """Have fal queue `payload` for `endpoint`. The POST is repeated only when fal cannot have taken it.

        Raises:
            FalAccountError: fal does not take the key, or the account is locked.
            FalRefused: fal refused it for good.
            FalUnreachable: fal was not reached, or takes no more now; nothing was accepted.
            FalReplyLost: fal may have accepted it; never submit it again on its own.
        """
        url = protocol.submit_url(self._settings.fal_queue_url, endpoint)

        async def once() -> Submitted:
            try:
                reply = await self._line.ask(
                    "POST",
                    url,
                    params={"fal_webhook": webhook_url} if webhook_url else None,
                    json=dict(payload),
                    own_connection=True,
                )
            except FalProtocolError as error:
                raise FalReplyLost(f"fal's answer to a submit is of no use: {error}") from None
            return protocol.read_submit(
                reply.status,
                reply.body,
                endpoint=endpoint,
                queue_url=self._settings.fal_queue_url,
                backup_url=self._settings.fal_queue_backup_url,
            )

        return await self._again(once, on=(FalUnreachable,))

    async def follow(self, urls: Urls, *, deadline_s: float) -> AsyncGenerator[Change]:
        """Yield each change of a request once, until `Completed`, for at most `deadline_s` seconds.

        Any number may be followed at once; `fal_openings_at_once` of them wait for an answer of fal's.

        Whoever stops early closes the generator (`contextlib.aclosing`); its stream stays open until then.

        Raises:
            FalRefused: fal does not know the request; `FalAccountError` when it does not take the key.
            FalUnreachable: the deadline came first.
            FalProtocolError: the status URL is on none of the configured hosts.
        """
        follower = Follower(
            self._line,
            self._settings,
            urls,
            places=self._places,
            deadline_at=self._clock() + deadline_s,
            sleep=self._sleep,
            random=self._random,
            clock=self._clock,
        )
        async with aclosing(follower.events()) as events:
            async for change in events:
                yield change

    async def result(self, urls: Urls) -> Result:
        """The video of a completed request; while fal is down, asked for during `fal_result_patience_s`.

        Raises:
            FalFailure: fal says that no video was made.
            FalNotReady: the request is still in progress; follow it again.
            FalRefused: fal does not know the request any more; `FalAccountError` when it does not take the key.
            FalUnreachable: fal was down for too long; the video may exist.
            FalProtocolError: a success without a usable video.
        """

        async def once() -> Result:
            reply = await self._line.ask("GET", urls.response_url)
            return outcome.read_result(reply.status, reply.headers, reply.body)

        self._line.headers_for(urls.response_url)
        return await self._again(once, give_up_at=self._clock() + self._settings.fal_result_patience_s)

    async def cancel(self, urls: Urls) -> CancelAnswer:
        """Ask fal to stop. Whatever it answers, the result's own status decides, so keep following.

        Raises:
            FalRefused, FalAccountError, FalUnreachable, FalProtocolError: fal did not take the cancel.
        """

        async def once() -> CancelAnswer:
            reply = await self._line.ask("PUT", urls.cancel_url)
            return protocol.read_cancel(reply.status, reply.body)

        self._line.headers_for(urls.cancel_url)
        return await self._again(once)

    async def unit_prices(self, endpoint_ids: Iterable[str]) -> dict[str, UnitPrice]:
        """Read the list price of each endpoint that fal prices in dollars; others are missing.

        Raises:
            FalRefused, FalAccountError, FalUnreachable, FalProtocolError: fal did not give them.
        """
        wanted = list(dict.fromkeys(endpoint_ids))
        prices: dict[str, UnitPrice] = {}
        for start in range(0, len(wanted), PRICED_IDS_MAX):
            prices |= await self._prices_of(wanted[start : start + PRICED_IDS_MAX])
        return prices

    async def _prices_of(self, endpoint_ids: list[str]) -> dict[str, UnitPrice]:
        """Ask once, page by page: an operator is waiting, who can ask again."""
        url = self._settings.fal_api_url.rstrip("/") + PRICING_PATH
        prices: dict[str, UnitPrice] = {}
        params: dict[str, str | list[str]] = {"endpoint_id": endpoint_ids}
        for _ in range(PRICE_PAGES_MAX):
            try:
                reply = await self._line.ask("GET", url, params=params)
            except FalReplyLost as error:
                raise FalUnreachable(str(error)) from None
            page, cursor = protocol.read_prices(reply.status, reply.body)
            prices |= page
            if cursor is None:
                break
            params = params | {"cursor": cursor}
        return prices

    async def _again(
        self,
        once: Callable[[], Awaitable[T]],
        *,
        on: tuple[type[FalError], ...] = (FalUnreachable, FalReplyLost, FalProtocolError),
        give_up_at: float | None = None,
    ) -> T:
        """Repeat `once` after the errors that make repeating safe, with growing waits.

        At most `fal_retries` times, or, where `give_up_at` is set, until then; nonsense is never waited out that long.
        What was lost to the end is raised as `FalUnreachable`: `FalReplyLost` is a submit's own word.
        """
        known = self._settings
        attempt = counted = 0
        while True:
            try:
                return await once()
            except on as error:
                counted += give_up_at is None or isinstance(error, FalProtocolError)
                if counted > known.fal_retries or (give_up_at is not None and self._clock() >= give_up_at):
                    if isinstance(error, FalReplyLost):
                        raise FalUnreachable(str(error)) from None
                    raise
            await self._sleep(
                wait_s(attempt, least_s=known.fal_poll_min_s, most_s=known.fal_poll_max_s, random=self._random)
            )
            attempt += 1
