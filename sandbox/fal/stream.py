"""The status stream: a `data:` line for each change, `: ping` in between, closed after COMPLETED.

https://docs.fal.ai/documentation/model-apis/inference/queue
"""

import asyncio
from typing import Any

from aiohttp import web

from sandbox.fal import wire
from sandbox.fal.endpoints import app_of
from sandbox.fal.gate import compact_json
from sandbox.fal.queue import FalJob, FalQueue

__all__ = ["Stream"]

TICK_S = 1.0  # how often the queue position is checked
EVENTS_BEFORE_CUT = 2


class Stream:
    """One client's stream of one request. Each log line is sent once."""

    def __init__(self, queue: FalQueue, job: FalJob, base_url: str, ping_s: float) -> None:
        self._queue = queue
        self._job = job
        self._base_url = base_url
        self._ping_s = ping_s
        self._sent_lines = 0
        self._last: dict[str, Any] = {}

    async def begin(self, request: web.Request, *, delay_s: float) -> web.StreamResponse:
        """Send the headers, after the planned delay."""
        if delay_s:
            await asyncio.sleep(delay_s)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        response.headers["x-fal-request-id"] = self._job.id
        await response.prepare(request)
        return response

    async def send(self, request: web.Request, response: web.StreamResponse, *, cut: bool) -> web.StreamResponse:
        """Send events until the request is COMPLETED, or until the planned cut."""
        with_logs = wire.log_flag(request.query.get("logs"))
        clock = asyncio.get_running_loop().time
        events, silent_since = 0, clock()
        while True:
            completed = self._job.state == "COMPLETED"
            event = self._next_event(with_logs=with_logs)
            if event is not None:
                await response.write(f"data: {compact_json(event)}\n\n".encode())
                events, silent_since = events + 1, clock()
            if completed:
                return response
            if cut and events >= EVENTS_BEFORE_CUT:
                if request.transport is not None:
                    request.transport.close()
                return response
            await self._job.wait_for_change(self._wait_s(silent_since + self._ping_s - clock()))
            if clock() >= silent_since + self._ping_s:
                await response.write(b": ping\n\n")
                silent_since = clock()

    def _wait_s(self, until_ping_s: float) -> float:
        """Return how long to wait for a change; the queue position changes without a notification, so it is polled."""
        return min(TICK_S, until_ping_s) if self._job.state == "IN_QUEUE" else until_ping_s

    def _next_event(self, *, with_logs: bool) -> dict[str, Any] | None:
        """Return the status with the log lines not sent yet; None if nothing is new."""
        lines = self._job.logs[self._sent_lines :] if with_logs and self._job.state != "IN_QUEUE" else []
        event = wire.status_of(
            self._base_url, app_of(self._job.endpoint), self._job, self._queue, lines if with_logs else None
        )
        if not lines and event == self._last:
            return None
        self._sent_lines += len(lines)
        self._last = event | {"logs": [] if with_logs and event["logs"] is not None else None}
        return event
