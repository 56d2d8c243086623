"""fal's platform API: the account's balance, what it was billed, and its past requests."""

from collections.abc import Sequence

import httpx

from bot.errors import FalReplyLost, FalUnreachable
from bot.fal.http import FalHttp, HttpReply
from bot.fal.wire.platform import (
    BillingEvent,
    Page,
    PastRequest,
    read_balance,
    read_billing_page,
    read_request_page,
    shown_moment,
)
from bot.settings import FalSettings

ENDPOINTS_MAX = 50  # fal's limit for one request
REQUESTS_MAX = 100  # fal's limit for one page of past requests
BALANCE_PATH, BILL_PATH, REQUESTS_PATH = (
    "/v1/account/billing",
    "/v1/models/billing-events",
    "/v1/models/requests/by-endpoint",
)


class FalPlatform:
    """Each method is one request within `reply_timeout_s`, without retries: what asks here asks again later.

    Every method raises FalAccountError for a key that fal does not take (401), or that may not read this (403), and
    FalRefused, FalUnreachable or FalProtocolError when there is no usable answer.
    """

    def __init__(self, http: httpx.AsyncClient, settings: FalSettings) -> None:
        self._http = FalHttp(http, settings)
        self._settings = settings

    async def balance(self) -> float:
        """Return the account's balance in dollars, by the admin key; it can be negative."""
        reply = await self._ask(BALANCE_PATH, {"expand": "credits"}, as_admin=True)
        return read_balance(reply.status, reply.body)

    async def billing_page(
        self, start: float, end: float, *, limit: int, cursor: str | None = None
    ) -> Page[BillingEvent]:
        """Return a page of the bill from `start` to before `end`, at most 90 days, by the admin key."""
        asked: dict[str, str | list[str]] = {
            "start": shown_moment(start),
            "end": shown_moment(end),
            "limit": str(limit),
        }
        reply = await self._ask(BILL_PATH, asked | ({} if cursor is None else {"cursor": cursor}), as_admin=True)
        return read_billing_page(reply.status, reply.body)

    async def request_page(
        self, endpoints: Sequence[str], start: float, end: float, *, cursor: str | None = None
    ) -> Page[PastRequest]:
        """Return a page of the requests to these endpoints that ended from `start` to before `end`, with their input.

        It takes at most `ENDPOINTS_MAX` endpoints, and FAL_KEY.
        """
        asked: dict[str, str | list[str]] = {
            "endpoint_id": list(endpoints),
            "start": shown_moment(start),
            "end": shown_moment(end),
            "limit": str(REQUESTS_MAX),
            "expand": "payloads",
        }
        reply = await self._ask(REQUESTS_PATH, asked | ({} if cursor is None else {"cursor": cursor}))
        return read_request_page(reply.status, reply.body)

    async def _ask(self, path: str, params: dict[str, str | list[str]], *, as_admin: bool = False) -> HttpReply:
        url = self._settings.api_url.rstrip("/") + path
        try:
            return await self._http.ask("GET", url, params=params, as_admin=as_admin)
        except FalReplyLost as error:
            raise FalUnreachable(str(error)) from None
