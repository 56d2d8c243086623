"""The control routes: requests that arrived, settings, and planned faults."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.fal.endpoints import ENDPOINTS
from sandbox.fal.errors import is_documented
from sandbox.fal.faults import FalFault, FalFaults, Forgery, InvalidFault
from sandbox.fal.listing import Listing, PriceChange, SchemaChange
from sandbox.fal.queue import FalJob, FalQueue
from sandbox.fal.queue_routes import QueueRoutes
from sandbox.fal.runner import FalSettings, InvalidJson
from sandbox.fal.webhooks import Webhooks

__all__ = ["ControlRoutes"]


class SettingsChange(BaseModel):
    """The body of `POST /sandbox/settings`; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seconds_per_job: float | None = Field(default=None, ge=0, le=3600)
    result_mb: float | None = Field(default=None, ge=0, le=2000)
    concurrency: int | None = Field(default=None, ge=1, le=10_000)
    ignore_cancel: bool | None = None
    ping_s: float | None = Field(default=None, gt=0, le=600)
    null_fields: list[str] | None = None
    clock_ahead_s: float | None = Field(default=None, ge=0)
    store_payloads: bool | None = None
    webhook_retry_s: float | None = Field(default=None, ge=0, le=3600)
    is_still: bool | None = None
    listed_after_s: float | None = Field(default=None, ge=0)
    discount_percent: float | None = Field(default=None, ge=0, le=100)
    decimal_texts: bool | None = None
    balance_usd: float | str | None = None


class FinishRequest(BaseModel):
    """The body of `POST /sandbox/finish`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    count: int = Field(ge=1)


class WebhookRequest(BaseModel):
    """The body of `POST /sandbox/webhook`: the request's id, and what is wrong with the call."""

    model_config = ConfigDict(extra="forbid", strict=True)

    request: str
    forged: Forgery | None = None
    payload_error: bool = False


@dataclass
class ControlRoutes:
    """The routes under `/sandbox/`; they need no key."""

    queue: FalQueue
    queue_routes: QueueRoutes
    faults: FalFaults
    settings: FalSettings
    webhooks: Webhooks
    listing: Listing

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes."""
        return [
            web.get("/sandbox/requests", self.requests),
            web.get("/sandbox/submits", self.submits),
            web.get("/sandbox/settings", self.show_settings),
            web.post("/sandbox/settings", self.change_settings),
            web.get("/sandbox/traffic", self.traffic),
            web.delete("/sandbox/traffic", self.forget_traffic),
            web.post("/sandbox/finish", self.finish),
            web.post("/sandbox/webhook", self.call_webhook),
            web.post("/sandbox/webhook-key", self.change_webhook_key),
            web.get("/sandbox/faults", self.show_faults),
            web.post("/sandbox/faults", self.plan_fault),
            web.delete("/sandbox/faults", self.clear_faults),
            web.post("/sandbox/prices", self.change_price),
            web.post("/sandbox/schemas", self.change_schema),
        ]

    async def requests(self, _request: web.Request) -> web.Response:
        """List every accepted request, oldest first; the header `X-Sandbox-Submits` counts all submits."""
        listed = [_entry(job) for job in self.queue.jobs.values()]
        return web.json_response(listed, headers={"X-Sandbox-Submits": str(len(self.queue_routes.submits))})

    async def submits(self, _request: web.Request) -> web.Response:
        """List every submit, accepted or not."""
        return web.json_response([asdict(submit) for submit in self.queue_routes.submits])

    async def show_settings(self, _request: web.Request) -> web.Response:
        """Show the settings."""
        return web.json_response(self._settings())

    async def change_settings(self, request: web.Request) -> web.Response:
        """Change some settings, and show all of them."""
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
        """Show the number of HTTP requests by kind, and the streams.

        `streams` is the number of open streams; `opening_most` the peak of streams requested and not yet begun.
        """
        routes = self.queue_routes
        counted = {"requests": routes.request_counts, "streams": routes.streams, "opening_most": routes.opening_peak}
        return web.json_response(counted)

    async def forget_traffic(self, request: web.Request) -> web.Response:
        """Reset the counts; open streams stay counted."""
        self.queue_routes.request_counts.clear()
        self.queue_routes.opening_peak = self.queue_routes.opening
        return await self.traffic(request)

    async def finish(self, request: web.Request) -> web.Response:
        """Finish the `count` oldest running requests now; answers with their ids."""
        try:
            order = FinishRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad(str(error))
        return web.json_response({"requests": self.queue.finish(order.count)})

    async def call_webhook(self, request: web.Request) -> web.Response:
        """Call a request's webhook once more, or before its end; answers with the receiver's status."""
        try:
            order = WebhookRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad(str(error))
        job = self.queue.jobs.get(order.request)
        if job is None or job.webhook is None:
            return _bad("there is no such request with a webhook")
        given = order.model_dump(exclude={"request"}, exclude_defaults=True)
        fault = FalFault(at="webhook", **given) if given else None
        return web.json_response({"status": await self.webhooks.call(job, fault)})

    async def change_webhook_key(self, _request: web.Request) -> web.Response:
        """Sign webhooks with another key from now on."""
        self.webhooks.change_key()
        return web.json_response({})

    async def show_faults(self, _request: web.Request) -> web.Response:
        """List the planned faults that are left."""
        return web.json_response(self._faults())

    async def plan_fault(self, request: web.Request) -> web.Response:
        """Add a fault and list all; `documented` says whether fal documents its `error_type`."""
        try:
            fault = self.faults.plan(await request.json())
        except (InvalidFault, ValueError) as error:
            return _bad(str(error))
        known = fault is None or fault.error_type is None or is_documented(fault.error_type)
        return web.json_response(self._faults() | {"documented": known})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Remove every planned fault, and every change of prices and schemas."""
        self.faults.clear()
        self.listing.clear()
        return web.json_response(self._faults())

    async def change_price(self, request: web.Request) -> web.Response:
        """Change an endpoint's row of the price list, until the faults are cleared."""
        try:
            change = PriceChange.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad(str(error))
        if change.endpoint not in ENDPOINTS:
            return _bad(f"there is no endpoint {change.endpoint}")
        self.listing.prices[change.endpoint] = change
        return web.json_response({})

    async def change_schema(self, request: web.Request) -> web.Response:
        """Change an endpoint's schema, until the faults are cleared; what it really takes stays."""
        try:
            change = SchemaChange.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad(str(error))
        if change.endpoint not in ENDPOINTS:
            return _bad(f"there is no endpoint {change.endpoint}")
        self.listing.schemas[change.endpoint] = change
        return web.json_response({})

    def _settings(self) -> Mapping[str, Any]:
        """Return all settings by name."""
        return asdict(self.settings) | {"concurrency": self.queue.concurrency}

    def _faults(self) -> dict[str, Any]:
        """Return the planned faults."""
        left = [fault.model_dump(exclude_defaults=True) for fault in self.faults]
        return {"faults": left, "locked": self.faults.locked}


def _entry(job: FalJob) -> dict[str, Any]:
    """Return a request as `GET /sandbox/requests` shows it."""
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
        "webhook": job.webhook,
        "webhook_attempts": job.webhook_attempts,
        "asked": job.request_counts,
    }


def _bad(message: str) -> web.Response:
    """Refuse a control request, with the reason."""
    return web.json_response({"error": message}, status=400)
