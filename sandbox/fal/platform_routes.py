"""fal's platform API: past requests, billing events and the account's balance. The price list is in `pricing`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from sandbox.fal.billing import BillChange, Bills
from sandbox.fal.errors import NO_USER
from sandbox.fal.faults import Point
from sandbox.fal.gate import Gate, as_response
from sandbox.fal.platform import IDS_MAX, BadOption, endpoint_ids, error, page, shown_moment, span
from sandbox.fal.queue import FalJob, FalQueue
from sandbox.fal.runner import FalSettings, InvalidJson

__all__ = ["PlatformRoutes"]

DAY = timedelta(days=1)
LONG_AGO = timedelta(days=90)
USER_ERROR, SERVER_ERROR = 400, 500
TIME_OPTIONS = frozenset({"endpoint_id", "start", "end", "limit", "cursor", "timezone"})


@dataclass
class PlatformRoutes:
    """The routes under `/v1/`; `clock` returns Unix seconds."""

    queue: FalQueue
    bills: Bills
    gate: Gate
    settings: FalSettings
    clock: Callable[[], float]

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes that fal has too."""
        return [
            web.get("/v1/models/requests/by-endpoint", self.requests),
            web.get("/v1/models/billing-events", self.billing_events),
            web.get("/v1/account/billing", self.account),
        ]

    def control_routes(self) -> list[web.AbstractRouteDef]:
        """Return the control routes."""
        return [web.get("/sandbox/bill", self.show_bill), web.post("/sandbox/bill", self.change_bill)]

    async def requests(self, request: web.Request) -> web.StreamResponse:
        """List the requests that have ended, the newest first."""
        options = TIME_OPTIONS | {"status", "request_id", "expand", "sort_by"}
        return await self._answer(request, "requests", options, self._requests)

    async def billing_events(self, request: web.Request) -> web.StreamResponse:
        """List what the account was billed, the oldest first."""
        options = TIME_OPTIONS | {"request_id", "expand"}
        return await self._answer(request, "billing", options, self._billing_events, is_admins=True)

    async def account(self, request: web.Request) -> web.StreamResponse:
        """Tell the account's name and, if it is asked for, its balance."""
        return await self._answer(request, "account", frozenset({"expand"}), self._account, is_admins=True)

    async def show_bill(self, _request: web.Request) -> web.Response:
        """Show the whole bill, with what is not listed yet, and its sum."""
        events = self.bills.events(with_missing=True)
        listed = [{"request_id": one.request_id, "at": one.at, "nano_usd": one.nano_usd} for one in events]
        return web.json_response({"nano_usd": sum(one.nano_usd for one in events), "events": listed})

    async def change_bill(self, request: web.Request) -> web.Response:
        """Change what one request is billed."""
        try:
            self.bills.change(BillChange.model_validate_json(await request.read()), now=self.clock())
        except (ValidationError, ValueError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({})

    async def _answer(
        self,
        request: web.Request,
        at: Point,
        options: frozenset[str],
        route: Callable[[web.Request], web.Response],
        *,
        is_admins: bool = False,
    ) -> web.StreamResponse:
        """Refuse a wrong key or option; else answer, unless a fault is planned."""
        refused = self.gate.refuse_unknown(request, options)
        if refused is not None:
            return refused
        if not self.gate.has_key(request):
            return as_response(NO_USER)
        if is_admins and not self.gate.has_admin_key(request):
            return error(403, "authorization_error", "This endpoint requires an API key with the ADMIN scope")

        async def handle() -> web.StreamResponse:
            try:
                return route(request)
            except BadOption as wrong:
                return error(400, "validation_error", str(wrong))

        return await self.gate.answer(request, at, handle)

    def _ids(self, request: web.Request, *, least: int) -> list[str]:
        ids = endpoint_ids(request)
        if not least <= len(ids) <= IDS_MAX:
            raise BadOption(f"endpoint_id takes {least} to {IDS_MAX} ids, not {len(ids)}")
        return ids

    def _requests(self, request: web.Request) -> web.Response:
        ids, wanted = self._ids(request, least=1), request.query.get("request_id")
        start, end = span(request, now=self.clock(), default=DAY if wanted is None else LONG_AGO)
        found = [
            job
            for job in self.queue.jobs.values()
            if job.endpoint in ids and wanted in {None, job.id} and self._is_listed(job, start, end)
        ]
        if (status := request.query.get("status")) is not None:
            found = [job for job in found if _status(job) == status]
        found.sort(key=lambda job: (job.completed_at or 0, job.id), reverse=True)
        items, more = page(request, found, default=50, most=100)
        payloads = request.query.get("expand") == "payloads"
        return web.json_response({"items": [self._item(job, payloads=payloads) for job in items]} | more)

    def _is_listed(self, job: FalJob, start: float, end: float) -> bool:
        if job.completed_at is None or self.bills.is_unlisted(job.id):
            return False
        return start <= job.completed_at < end and job.completed_at + self.settings.listed_after_s <= self.clock()

    def _item(self, job: FalJob, *, payloads: bool) -> dict[str, Any]:
        begun, ended = job.started_at or job.submitted_at, job.completed_at or job.submitted_at
        item: dict[str, Any] = {
            "request_id": job.id,
            "endpoint_id": job.endpoint,
            "sent_at": shown_moment(job.submitted_at),
            "started_at": shown_moment(begun),
            "ended_at": shown_moment(ended),
            "status_code": 200 if job.reply is None else job.reply.status,
            "duration": round(ended - begun, 3),
        }
        if payloads and self.settings.store_payloads:
            output = None if job.reply is None else job.reply.body
            item |= {"json_input": None if isinstance(job.input, InvalidJson) else job.input, "json_output": output}
        return item

    def _billing_events(self, request: web.Request) -> web.Response:
        ids, now = self._ids(request, least=0), self.clock()
        start, end = span(request, now=now, default=DAY)
        wanted = set(request.query.getall("request_id", []))
        found = [
            one
            for one in self.bills.events()
            if start <= one.at < end
            and one.at + self.settings.listed_after_s <= now
            and (not ids or one.endpoint in ids)
            and (not wanted or one.request_id in wanted)
        ]
        events, more = page(request, found, default=1000, most=10_000)
        as_text = self.settings.decimal_texts
        return web.json_response(
            {"billing_events": [one.shown(as_text=as_text, at=shown_moment(one.at)) for one in events]} | more
        )

    def _account(self, request: web.Request) -> web.Response:
        answer: dict[str, Any] = {"username": "sandbox"}
        if request.query.get("expand") == "credits":
            answer["credits"] = {"current_balance": self.settings.balance_usd, "currency": "USD"}
        return web.json_response(answer)


def _status(job: FalJob) -> str:
    """Return fal's word for how a request ended."""
    code = 200 if job.reply is None else job.reply.status
    return "error" if code >= SERVER_ERROR else "user_error" if code >= USER_ERROR else "success"
