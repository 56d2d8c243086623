"""The queue's routes: submit, status, stream, result, cancel.

https://docs.fal.ai/documentation/model-apis/inference/queue
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from sandbox.fal import stream, wire
from sandbox.fal.endpoints import ENDPOINTS, app_of
from sandbox.fal.errors import FalReply, platform_error
from sandbox.fal.faults import FalFaults
from sandbox.fal.gate import Gate, as_response, compact_json, hang_up, not_supported
from sandbox.fal.queue import FalJob, FalQueue
from sandbox.fal.runner import FalSettings, InvalidJson
from sandbox.fal.webhooks import is_reachable

__all__ = ["QueueRoutes", "SubmitRecord"]

APPS = frozenset(app_of(endpoint) for endpoint in ENDPOINTS)
SUBMIT_OPTIONS = frozenset({"fal_webhook", "fal_max_queue_length"})
LOG_OPTIONS = frozenset({"logs"})
NO_OPTIONS = frozenset[str]()
JOBS_MAX = 100_000
START_TIMEOUT_MIN_S = 1.0
# https://fal.ai/docs/inference-api/queue/result; with payload storage, which is on unless a request or account says
# otherwise, results stay for its time (https://fal.ai/docs/model-apis/data-retention).
RESULT_LIFE_S, LARGE_RESULT_LIFE_S, LARGE_RESULT_BYTES = 3600.0, 360.0, 10_000
STORED_LIFE_S = 30 * 24 * 3600.0
NOT_FOUND = FalReply(404, {"status": "NOT_FOUND"})
WRONG_METHOD = FalReply(405, {"detail": "Method Not Allowed"})


@dataclass(frozen=True, slots=True)
class SubmitRecord:
    """One submit, accepted or not; `status` is None if the answer was lost or cut."""

    at: float
    endpoint: str
    status: int | None
    request_id: str | None


@dataclass
class QueueRoutes:
    """fal's queue over HTTP. `submits` are all submits in order; `streams` is the number of open streams.

    `opening` streams were requested and have not begun; `opening_peak` is the highest such number.
    """

    queue: FalQueue
    faults: FalFaults
    gate: Gate
    settings: FalSettings
    new_id: Callable[[], str]
    clock: Callable[[], float]
    submits: list[SubmitRecord] = field(default_factory=list[SubmitRecord])
    request_counts: Counter[str] = field(default_factory=Counter[str])
    streams: int = 0
    opening: int = 0
    opening_peak: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer every path that is not another route of the stand-in."""
        path = unquote(request.path).strip("/")
        segments = path.split("/")
        if "requests" in segments:
            cut = segments.index("requests")
            return await self._of_request(request, "/".join(segments[:cut]), segments[cut + 1 :])
        if path in ENDPOINTS and request.method != "POST":
            return as_response(WRONG_METHOD)
        if request.method == "POST" and len(segments) > 1 and segments[0] not in {"sandbox", "storage", "v1", "files"}:
            return await self._submit(request, path)
        return not_supported(f"{request.method} /{path}")

    def _count(self, what: str, job: FalJob | None) -> None:
        """Count one HTTP request, also for its job."""
        self.request_counts[what] += 1
        if job is not None:
            job.request_counts[what] += 1

    # Submit.

    async def _submit(self, request: web.Request, endpoint: str) -> web.StreamResponse:
        """Answer a submit and record it, whatever the answer."""
        note = _Accepted()
        self._count("submit", None)
        arrived, status = self.clock(), None
        try:
            response = await self.gate.answer(
                request, "submit", lambda: self._accept(request, endpoint, note), endpoint=endpoint
            )
            status = response.status
        finally:
            # A client that disconnects during a delayed answer cancels this handler, but the submit has arrived.
            gone = status is None or request.transport is None or request.transport.is_closing()
            request_id = None if note.job is None else note.job.id
            self.submits.append(SubmitRecord(arrived, endpoint, None if gone else status, request_id))
            if note.job is not None:
                note.job.reply_lost = gone
        return response

    async def _accept(self, request: web.Request, endpoint: str, note: "_Accepted") -> web.Response:
        """Add the request to the queue; its input is not validated before it runs, as at fal."""
        refused = self.gate.refuse_unknown(request, SUBMIT_OPTIONS)
        if refused is not None:
            return refused
        if endpoint not in ENDPOINTS:
            return as_response(FalReply(404, {"detail": f"Application '{endpoint}' not found"}))
        webhook = request.query.get("fal_webhook")
        if webhook is not None and not is_reachable(webhook):
            return not_supported(f"the webhook {webhook}: it calls this machine only")
        limit, patience = request.query.get("fal_max_queue_length"), request.headers.get("X-Fal-Request-Timeout")
        for number in (limit, patience):
            if not _is_number(number):
                return as_response(platform_error("bad_request", message=f"Not a number: {number}"))
        if limit is not None and self.queue.waiting >= float(limit):
            return as_response(FalReply(429, {"detail": f"The queue is longer than {limit}"}))
        if len(self.queue.jobs) >= JOBS_MAX:
            return not_supported(f"how to keep more than {JOBS_MAX} requests; start a new one")
        job = self._job(request, endpoint, await _json(request))
        note.job = job
        job.request_counts["submit"] += 1
        position = self.queue.add(job)
        answer = wire.submit_reply(request_base_url(request), app_of(endpoint), job, position)
        return web.json_response(answer, headers={"x-fal-request-id": job.id})

    def _job(self, request: web.Request, endpoint: str, body: Any) -> FalJob:
        """Return the request as a job."""
        headers = {k: v for k, v in request.headers.items() if k.lower().startswith(("x-fal-", "x-app-fal-"))}
        patience = request.headers.get("X-Fal-Request-Timeout")
        return FalJob(
            id=self.new_id(),
            endpoint=endpoint,
            input=body,
            headers=headers,
            submitted_at=self.clock(),
            low_priority=request.headers.get("X-Fal-Queue-Priority") == "low",
            webhook=request.query.get("fal_webhook"),
            start_within_s=None if patience is None else max(START_TIMEOUT_MIN_S, float(patience)),
        )

    # A request.

    async def _of_request(self, request: web.Request, prefix: str, rest: list[str]) -> web.StreamResponse:
        """Answer for one request, only under the first two segments of its endpoint."""
        if prefix not in APPS:
            known = any(endpoint == prefix or endpoint.startswith(f"{prefix}/") for endpoint in ENDPOINTS)
            return as_response(WRONG_METHOD) if known else not_supported(f"{request.method} {request.path}")
        job = self.queue.jobs.get(rest[0]) if rest else None
        if job is not None and (app_of(job.endpoint) != prefix or self._is_forgotten(job)):
            job = None
        match request.method, rest[1:]:
            case "GET", ["status"]:
                return await self._answer(request, "status", job, self._status, LOG_OPTIONS)
            case "GET", ["status", "stream"]:
                return await self._stream(request, job)
            case "GET", []:
                return await self._answer(request, "result", job, self._result, NO_OPTIONS)
            case "PUT", ["cancel"]:
                return await self._answer(request, "cancel", job, self._cancel, NO_OPTIONS)
            case _, [] | ["status"] | ["status", "stream"] | ["cancel"]:
                return as_response(WRONG_METHOD)
            case _:
                return not_supported(f"{request.method} {request.path}")

    def _is_forgotten(self, job: FalJob) -> bool:
        """Return whether fal no longer keeps the request's result."""
        if job.completed_at is None or job.reply is None:
            return False
        large = len(compact_json(job.reply.body)) >= LARGE_RESULT_BYTES
        stored = self.settings.store_payloads and job.headers.get("X-Fal-Store-IO") != "0"
        life_s = STORED_LIFE_S if stored else LARGE_RESULT_LIFE_S if large else RESULT_LIFE_S
        return self.clock() - job.completed_at > life_s

    async def _answer(
        self,
        request: web.Request,
        at: Any,
        job: FalJob | None,
        route: Callable[[web.Request, FalJob], web.Response],
        options: frozenset[str],
    ) -> web.StreamResponse:
        """Answer for one request, or 404 if it is unknown."""
        self._count(at, job)

        async def handle() -> web.StreamResponse:
            refused = self.gate.refuse_unknown(request, options)
            if refused is not None:
                return refused
            return as_response(NOT_FOUND) if job is None else route(request, job)

        return await self.gate.answer(request, at, handle, endpoint=None if job is None else job.endpoint)

    def _status(self, request: web.Request, job: FalJob) -> web.Response:
        """Answer 202 until it is COMPLETED, with the whole log if `logs` is set."""
        logs = list(job.logs) if wire.log_flag(request.query.get("logs")) else None
        answer = wire.status_of(request_base_url(request), app_of(job.endpoint), job, self.queue, logs)
        headers = {"x-fal-request-id": job.id}
        return web.json_response(answer, status=200 if job.state == "COMPLETED" else 202, headers=headers)

    def _result(self, _request: web.Request, job: FalJob) -> web.Response:
        """Return the runner's answer."""
        if job.reply is None:
            return as_response(FalReply(400, {"detail": "Request is still in progress"}), job.id)
        if job.result_reads == 0 and not job.failed:
            # A failure planned after rendering still applies, because nobody has read the result yet.
            job.reply = self.faults.take_failure(job.endpoint) or job.reply
        job.result_reads += 1
        return as_response(job.reply, job.id)

    def _cancel(self, _request: web.Request, job: FalJob) -> web.Response:
        """Cancel the request if possible."""
        status, word = self.queue.cancel(job)
        return as_response(FalReply(status, {"status": word}), job.id)

    async def _stream(self, request: web.Request, job: FalJob | None) -> web.StreamResponse:
        """Send the status as it changes; planned faults apply to the stream."""
        refused = self.gate.refuse_unknown(request, LOG_OPTIONS)
        if refused is not None:
            return refused
        if not self.gate.has_key(request) or job is None:
            return await self._answer(request, "stream", job, self._status, LOG_OPTIONS)
        self._count("stream", job)
        fault = self.faults.take("stream", job.endpoint)
        if fault is not None and fault.reply is not None:
            return as_response(fault.reply)
        if fault is not None and fault.lose_reply:
            hang_up(request)
            return as_response(NOT_FOUND)
        follow = stream.Stream(self.queue, job, request_base_url(request), self.settings.ping_s)
        response = await self._begin_stream(follow, request, fault.delay_s if fault else 0)
        self.streams += 1
        try:
            return await follow.send(request, response, cut=fault is not None and fault.cut)
        finally:
            self.streams -= 1

    async def _begin_stream(self, follow: stream.Stream, request: web.Request, delay_s: float) -> web.StreamResponse:
        """Begin the answer, counted in `opening` meanwhile."""
        self.opening += 1
        self.opening_peak = max(self.opening_peak, self.opening)
        try:
            return await follow.begin(request, delay_s=delay_s)
        finally:
            self.opening -= 1


@dataclass
class _Accepted:
    """The job that a submit made, if it was accepted."""

    job: FalJob | None = None


def _is_number(value: str | None) -> bool:
    """Return whether an optional value is a plain number."""
    return value is None or value.replace(".", "", 1).isdecimal()


async def _json(request: web.Request) -> Any:
    """Return the body's JSON, or why it is not JSON."""
    text = await request.read()
    try:
        return json.loads(text)
    except ValueError as error:
        return InvalidJson(str(error))


def request_base_url(request: web.Request) -> str:
    """Return the stand-in's URL as the client uses it."""
    return f"http://{request.host}"
