"""Counts the HTTP requests to fal, Discord and for files, at the three places that all of them pass.

A request's kind and outcome are words of this module and never a piece of its URL: URLs hold ids and tokens.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
import httpx

from bot import metrics

ANSWERS_MAX = 4096  # interactions whose first answer is waited for; beyond, the oldest are no longer measured
NO_REPLY = "no_reply"
_LATER, _ERRORS, _OURS = 500, 400, 429
_OF_DISCORD: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("answer", re.compile(r"/interactions/\d+/[^/]+/callback")),
    ("followup", re.compile(r"/webhooks/\d+/")),  # with an interaction's token: no part of the limit of 50 a second
    ("reaction", re.compile(r"/channels/\d+/messages/\d+/reactions")),
    ("message", re.compile(r"/channels/\d+/messages")),
    ("command", re.compile(r"/applications/")),
    ("direct_message", re.compile(r"/users/@me/channels")),
)
_ANSWERED = re.compile(r"/interactions/(\d+)/")

_OF_PLATFORM = {
    "/v1/models/billing-events": "bill",
    "/v1/models/requests/by-endpoint": "past",
    "/v1/account/billing": "balance",
}


def outcome_of(status: int) -> str:
    """Return "ok", "429", "4xx" or "5xx"."""
    if status < _ERRORS:
        return "ok"
    return "429" if status == _OURS else "5xx" if status >= _LATER else "4xx"


def fal_kind(method: str, path: str) -> str:
    """Return what a request to fal is for: one of twelve words."""
    if path.startswith("/v1/"):
        return _OF_PLATFORM.get(path, "price")
    if "/requests/" in path:
        endings = {"stream": "stream", "status": "poll", "cancel": "cancel"}
        return endings.get(path.rstrip("/").rpartition("/")[2], "result")
    if path.startswith("/storage/") or method == "PUT":
        return "upload"
    if path.startswith("/api/openapi/"):
        return "schema"
    return "submit" if method == "POST" else "keys"


def discord_kind(path: str) -> str:
    """Return what a request to Discord is for: one of seven words."""
    return next((kind for kind, pattern in _OF_DISCORD if pattern.search(path)), "other")


class CountedTransport(httpx.AsyncBaseTransport):
    """Passes requests to fal's API on, and counts each with its outcome and the time until its reply began."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        begun_at, outcome = time.perf_counter(), NO_REPLY
        try:
            response = await self._transport.handle_async_request(request)
            outcome = outcome_of(response.status_code)
        finally:
            _count("fal", fal_kind(request.method, request.url.path), outcome, time.perf_counter() - begun_at)
        return response

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()


class FirstAnswers:
    """Measures how long the first answer to each interaction takes."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._came: OrderedDict[int, tuple[float, str]] = OrderedDict()

    def came(self, interaction_id: int, kind: str) -> None:
        """Remember that an interaction of this kind came."""
        self._came[interaction_id] = self._clock(), kind
        if len(self._came) > ANSWERS_MAX:
            self._came.popitem(last=False)

    def answered(self, interaction_id: int) -> None:
        """Count the first answer to it."""
        came = self._came.pop(interaction_id, None)
        if came is not None:
            metrics.FIRST_ANSWER_SECONDS.labels(came[1]).observe(self._clock() - came[0])


def discord_trace(answers: FirstAnswers) -> aiohttp.TraceConfig:
    """Return a trace for discord.py's session."""

    def replied(path: str, kind: str, outcome: str) -> None:
        if kind == "answer" and outcome == "ok" and (found := _ANSWERED.search(path)) is not None:
            answers.answered(int(found[1]))

    return _trace("discord", discord_kind, replied)


def count_download(outcome: str, seconds: float) -> None:
    """Count a request for a file, whoever's server it is on, with the time until its reply began; from any thread."""
    _count("cdn", "download", outcome, seconds)


def _trace(
    service: str, kind_of: Callable[[str], str], then: Callable[[str, str, str], None] | None = None
) -> aiohttp.TraceConfig:
    """Return a trace that counts requests, and calls `then` with the path, the kind and the outcome of each reply.

    https://docs.aiohttp.org/en/stable/tracing_reference.html
    """

    async def begun(_session: object, context: SimpleNamespace, _: aiohttp.TraceRequestStartParams) -> None:
        context.begun_at = time.perf_counter()

    async def replied(_session: object, context: SimpleNamespace, reply: aiohttp.TraceRequestEndParams) -> None:
        path, outcome = reply.url.raw_path, outcome_of(reply.response.status)
        kind = kind_of(path)
        _count(service, kind, outcome, time.perf_counter() - context.begun_at)
        if then is not None:
            then(path, kind, outcome)

    async def failed(_session: object, context: SimpleNamespace, request: aiohttp.TraceRequestExceptionParams) -> None:
        _count(service, kind_of(request.url.raw_path), NO_REPLY, time.perf_counter() - context.begun_at)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begun)
    trace.on_request_end.append(replied)
    trace.on_request_exception.append(failed)
    return trace


def _count(service: str, kind: str, outcome: str, seconds: float) -> None:
    metrics.REQUESTS.labels(service, kind, outcome).inc()
    metrics.REQUEST_SECONDS.labels(service, kind).observe(seconds)
