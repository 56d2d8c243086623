"""The control surface: what arrived, how the stand-in behaves, and what goes wrong next."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.fal.errors import is_documented
from sandbox.fal.faults import FalFaults, InvalidFault
from sandbox.fal.queue import FalJob, FalQueue
from sandbox.fal.queue_routes import QueueRoutes
from sandbox.fal.runner import FalSettings, InvalidJson

__all__ = ["ControlRoutes"]


class SettingsChange(BaseModel):
    """What `POST /sandbox/settings` takes; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seconds_per_job: float | None = Field(default=None, ge=0, le=3600)
    result_mb: float | None = Field(default=None, ge=0, le=2000)
    concurrency: int | None = Field(default=None, ge=1, le=10_000)
    ignore_cancel: bool | None = None
    ping_s: float | None = Field(default=None, gt=0, le=600)


class FinishRequest(BaseModel):
    """What `POST /sandbox/finish` takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    count: int = Field(ge=1)


@dataclass
class ControlRoutes:
    """`/sandbox/…`, for tests and demos in any language; no key is needed."""

    queue: FalQueue
    queue_routes: QueueRoutes
    faults: FalFaults
    settings: FalSettings

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return all of them."""
        return [
            web.get("/sandbox/requests", self.requests),
            web.get("/sandbox/submits", self.submits),
            web.get("/sandbox/settings", self.show_settings),
            web.post("/sandbox/settings", self.change_settings),
            web.get("/sandbox/traffic", self.traffic),
            web.delete("/sandbox/traffic", self.forget_traffic),
            web.post("/sandbox/finish", self.finish),
            web.get("/sandbox/faults", self.show_faults),
            web.post("/sandbox/faults", self.plan_fault),
            web.delete("/sandbox/faults", self.clear_faults),
        ]

    async def requests(self, _request: web.Request) -> web.Response:
        """List every accepted request, oldest first; the header counts the submits that arrived."""
        listed = [_entry(job) for job in self.queue.jobs.values()]
        return web.json_response(listed, headers={"X-Sandbox-Submits": str(len(self.queue_routes.submits))})

    async def submits(self, _request: web.Request) -> web.Response:
        """List every POST to an endpoint, accepted or not."""
        return web.json_response([asdict(submit) for submit in self.queue_routes.submits])

    async def show_settings(self, _request: web.Request) -> web.Response:
        """Tell the settings."""
        return web.json_response(self._settings())

    async def change_settings(self, request: web.Request) -> web.Response:
        """Change some settings, and tell them all."""
        try:
            change = SettingsChange.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad(str(error))
        given = change.model_dump(exclude_none=True)
        runners = given.pop("concurrency", None)
        for name, value in given.items():
            setattr(self.settings, name, value)
        if runners is not None:
            self.queue.concurrency = runners
        return web.json_response(self._settings())

    async def traffic(self, _request: web.Request) -> web.Response:
        """Count the requests that arrived at the queue, by what they asked for, and the streams.

        `streams` are open; `opening_peak` is how many at most had been asked for at once and had not begun.
        """
        routes = self.queue_routes
        counted = {"requests": routes.request_counts, "streams": routes.streams, "opening_most": routes.opening_peak}
        return web.json_response(counted)

    async def forget_traffic(self, request: web.Request) -> web.Response:
        """Count anew from here on; streams that are open stay counted."""
        self.queue_routes.request_counts.clear()
        self.queue_routes.opening_peak = self.queue_routes.opening
        return await self.traffic(request)

    async def finish(self, request: web.Request) -> web.Response:
        """Have `count` of the requests that run be done with their steps now, the oldest first; answers with ids."""
        try:
            order = FinishRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad(str(error))
        return web.json_response({"requests": self.queue.finish(order.count)})

    async def show_faults(self, _request: web.Request) -> web.Response:
        """List the planned trouble that is left."""
        return web.json_response(self._faults())

    async def plan_fault(self, request: web.Request) -> web.Response:
        """Plan one, and list what is planned; an `error_type` outside fal's documentation is told apart."""
        try:
            fault = self.faults.plan(await request.json())
        except (InvalidFault, ValueError) as error:
            return _bad(str(error))
        known = fault is None or fault.error_type is None or is_documented(fault.error_type)
        return web.json_response(self._faults() | {"documented": known})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Forget all planned trouble."""
        self.faults.clear()
        return web.json_response(self._faults())

    def _settings(self) -> Mapping[str, Any]:
        """Return all settings by name."""
        return asdict(self.settings) | {"concurrency": self.queue.concurrency}

    def _faults(self) -> dict[str, Any]:
        """Return the planned trouble."""
        left = [fault.model_dump(exclude_defaults=True) for fault in self.faults]
        return {"faults": left, "locked": self.faults.locked}


def _entry(job: FalJob) -> dict[str, Any]:
    """Return a request as the control surface shows it."""
    reply = job.reply
    output: dict[str, Any] | None = None if reply is None or job.failed else reply.body
    return {
        "id": job.id,
        "endpoint": job.endpoint,
        "input": None if isinstance(job.input, InvalidJson) else job.input,
        "state": job.state,
        "billed_units": job.billed_units,
        "result_status": None if reply is None else reply.status,
        "error_type": None if reply is None else reply.headers.get("X-Fal-Error-Type"),
        "seed": None if output is None else output["seed"],
        "video_url": None if output is None else output["video"]["url"],
        "headers": dict(job.headers),
        "submitted_at": job.submitted_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
        "cancel_requested": job.cancel_requested,
        "reply_lost": job.reply_lost,
        "result_reads": job.result_reads,
        "asked": job.request_counts,
    }


def _bad(message: str) -> web.Response:
    """Refuse a control request, with the reason."""
    return web.json_response({"error": message}, status=400)
