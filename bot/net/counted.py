"""Counts the HTTP requests to fal and Discord for /metrics, at the two places that all of them pass.

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
from bot.settings import FalSettings

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


def outcome_of(status: int) -> str:
    """Return "ok", "429", "4xx" or "5xx"."""
    if status < _ERRORS:
        return "ok"
    return "429" if status == _OURS else "5xx" if status >= _LATER else "4xx"


def fal_kind(method: str, path: str) -> str:
    """Return what a request to fal is for: one of nine words."""
    if "/requests/" in path:
        endings = {"stream": "stream", "status": "poll", "cancel": "cancel"}
        return endings.get(path.rstrip("/").rpartition("/")[2], "result")
    if path.startswith("/storage/") or method == "PUT":
        return "upload"
    if path.startswith("/v1/models/"):
        return "price"
    return "submit" if method == "POST" else "download"


def discord_kind(path: str) -> str:
    """Return what a request to Discord is for: one of seven words."""
    return next((kind for kind, pattern in _OF_DISCORD if pattern.search(path)), "other")


class CountedTransport(httpx.AsyncBaseTransport):
    """Passes requests on, and counts each with its outcome and the time until its reply began.

    Files that are fetched from anywhere but fal's API count for the service "cdn".
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, settings: FalSettings) -> None:
        self._transport = transport
        urls = (settings.queue_url, settings.queue_backup_url, settings.rest_url, settings.api_url)
        self._hosts = frozenset(httpx.URL(url).netloc for url in urls)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        kind = fal_kind(request.method, request.url.path)
        is_file = kind == "download" and request.url.netloc not in self._hosts
        begun_at, outcome = time.perf_counter(), NO_REPLY
        try:
            response = await self._transport.handle_async_request(request)
            outcome = outcome_of(response.status_code)
        finally:
            _count("cdn" if is_file else "fal", kind, outcome, time.perf_counter() - begun_at)
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
    """Return a trace for discord.py's session (https://docs.aiohttp.org/en/stable/tracing_reference.html)."""

    async def begun(_session: object, context: SimpleNamespace, _: aiohttp.TraceRequestStartParams) -> None:
        context.begun_at = time.perf_counter()

    async def replied(_session: object, context: SimpleNamespace, reply: aiohttp.TraceRequestEndParams) -> None:
        path, outcome = reply.url.raw_path, outcome_of(reply.response.status)
        kind = discord_kind(path)
        _count("discord", kind, outcome, time.perf_counter() - context.begun_at)
        if kind == "answer" and outcome == "ok" and (found := _ANSWERED.search(path)) is not None:
            answers.answered(int(found[1]))

    async def failed(_session: object, context: SimpleNamespace, request: aiohttp.TraceRequestExceptionParams) -> None:
        _count("discord", discord_kind(request.url.raw_path), NO_REPLY, time.perf_counter() - context.begun_at)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begun)
    trace.on_request_end.append(replied)
    trace.on_request_exception.append(failed)
    return trace


def _count(service: str, kind: str, outcome: str, seconds: float) -> None:
    metrics.REQUESTS.labels(service, kind, outcome).inc()
    metrics.REQUEST_SECONDS.labels(service, kind).observe(seconds)
