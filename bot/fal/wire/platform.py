"""fal's platform API on the wire: the balance, past requests and billing events; what is odd is not known.

https://docs.fal.ai/platform-apis/v1/models/billing-events and
https://docs.fal.ai/platform-apis/v1/models/requests/by-endpoint
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

from bot.errors import FalProtocolError
from bot.fal.wire.protocol import REDIRECT, SUCCESS, refusal_of
from bot.fal.wire.values import number, object_of, text_value, whole

T = TypeVar("T")
NANO_MAX = 10**13  # ten thousand dollars; so no sum of stored events is too large for a database
ROWS_MAX = 10_000  # fal's limit for one page
_CURSOR_MAX = 2000
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_YEARS = range(2020, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEvent:
    """What fal billed for a request at a moment (Unix seconds), after discounts, in billionths of a dollar.

    A negative amount is a refund.
    """

    request_id: str
    at: float
    endpoint: str
    nano_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRequest:
    """A request that has ended; `input` is None where fal does not keep or show it. Times are Unix seconds."""

    request_id: str
    endpoint: str
    sent_at: float | None
    ended_at: float | None
    input: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `unreadable` rows are left out. `cursor` leads to the next page, None at the end."""

    items: tuple[T, ...]
    unreadable: int
    cursor: str | None


def read_balance(status: int, body: bytes) -> float:
    """Return the account's balance in dollars; it can be negative.

    Raises:
        FalRefused, FalAccountError, FalUnreachable, FalProtocolError: as `refusal_of` returns them, or the reply holds
            no balance in dollars.
    """
    if not SUCCESS <= status < REDIRECT:
        raise refusal_of(status, body, "the account's balance")
    told = _object(object_of(body).get("credits"))
    balance = _signed(told.get("current_balance"))
    if balance is None or told.get("currency") != "USD":
        raise FalProtocolError("fal's reply holds no balance in dollars")
    return balance


def read_billing_page(status: int, body: bytes) -> Page[BillingEvent]:
    """Return one page of the bill.

    Raises:
        FalRefused, FalAccountError, FalUnreachable, FalProtocolError: as `refusal_of` returns them, or it is no page.
    """
    if not SUCCESS <= status < REDIRECT:
        raise refusal_of(status, body, "the bill")
    page, rows = _page(body, "billing_events")
    events = [event for row in rows if (event := _event(_object(row))) is not None]
    return Page(tuple(events), len(rows) - len(events), _cursor(page))


def read_request_page(status: int, body: bytes) -> Page[PastRequest]:
    """Return one page of the requests that have ended.

    Raises:
        FalRefused, FalAccountError, FalUnreachable, FalProtocolError: as `refusal_of` returns them, or it is no page.
    """
    if not SUCCESS <= status < REDIRECT:
        raise refusal_of(status, body, "the list of requests")
    page, rows = _page(body, "items")
    items = [item for row in rows if (item := _past_request(_object(row))) is not None]
    return Page(tuple(items), len(rows) - len(items), _cursor(page))


def shown_moment(at: float) -> str:
    """Return a moment as fal reads it in `start` and `end`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _page(body: bytes, name: str) -> tuple[dict[str, Any], list[object]]:
    page = object_of(body)
    rows = page.get(name)
    if not isinstance(rows, list) or len(cast("list[object]", rows)) > ROWS_MAX:
        raise FalProtocolError(f"fal's page holds no {name}, or too many")
    return page, cast("list[object]", rows)


def _cursor(page: Mapping[str, Any]) -> str | None:
    """Return where the next page is.

    Raises:
        FalProtocolError: there is a next page, and it is not said where; the list would be taken for whole.
    """
    if page.get("has_more") is False:
        return None
    cursor = text_value(page.get("next_cursor"), _CURSOR_MAX)
    if cursor is None and page.get("has_more"):
        raise FalProtocolError("fal says that there is more, and not where")
    return cursor


def _event(row: Mapping[str, Any]) -> BillingEvent | None:
    request_id, at = _request_id(row), _moment(row.get("timestamp"))
    endpoint, nano = text_value(row.get("endpoint_id"), 200), _nano_usd(row)
    if request_id is None or at is None or endpoint is None or nano is None:
        return None
    return BillingEvent(request_id=request_id, at=at, endpoint=endpoint, nano_usd=nano)


def _nano_usd(row: Mapping[str, Any]) -> int | None:
    """Return what was billed, or refunded: fal's whole number of billionths, else its dollars."""
    sign, size = _sign_and_size(row.get("cost_estimate_nano_usd"))
    nano = whole(size)
    if nano is None:
        sign, size = _sign_and_size(row.get("cost_total"))
        dollars = number(size)
        if dollars is None:
            return None
        # A float's shortest text is the number that fal wrote.
        nano = round(Decimal(size if isinstance(size, str) else repr(dollars)) * 10**9)
    return sign * nano if nano <= NANO_MAX else None


def _past_request(row: Mapping[str, Any]) -> PastRequest | None:
    request_id, endpoint = _request_id(row), text_value(row.get("endpoint_id"), 200)
    if request_id is None or endpoint is None:
        return None
    given: object = row.get("json_input")
    told = _object(given)
    return PastRequest(
        request_id=request_id,
        endpoint=endpoint,
        sent_at=_moment(row.get("sent_at")),
        ended_at=_moment(row.get("ended_at")),
        input=told if isinstance(given, dict) else None,
    )


def _request_id(row: Mapping[str, Any]) -> str | None:
    value = row.get("request_id")
    return value if isinstance(value, str) and _REQUEST_ID.fullmatch(value) else None


def _moment(value: object) -> float | None:
    """Return a moment in ISO 8601 as Unix seconds; without a timezone it is UTC."""
    text = text_value(value, 64)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return found.timestamp() if found.year in _YEARS else None
    except (ValueError, OverflowError):
        return None


def _signed(value: object) -> float | None:
    """Return a number that may be negative, also as a plain decimal in quotes."""
    sign, size = _sign_and_size(value)
    found = number(size)
    return None if found is None else sign * found


def _sign_and_size(value: object) -> tuple[int, object]:
    """Return -1 or 1, and what is written without the sign."""
    if isinstance(value, str) and value.startswith("-"):
        return -1, value[1:]
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return -1, -value
    return 1, value


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
