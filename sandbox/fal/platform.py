"""What the routes of fal's platform API share: their options, pages, moments, and errors.

https://docs.fal.ai/platform-apis
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aiohttp import web

__all__ = ["IDS_MAX", "SPAN_MAX", "BadOption", "endpoint_ids", "error", "moment", "page", "shown_moment", "span"]

T = TypeVar("T")
IDS_MAX = 50
SPAN_MAX = timedelta(days=90)


class BadOption(Exception):  # noqa: N818 - it names what is wrong with a request
    """An option of a request is not valid."""


def endpoint_ids(request: web.Request) -> list[str]:
    """Return the endpoints that are asked for, repeated or between commas."""
    return [part for value in request.query.getall("endpoint_id", []) for part in value.split(",") if part]


def moment(text: str) -> datetime:
    """Return a moment in ISO 8601, a date being its first midnight.

    Raises:
        BadOption: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise BadOption(f"not a date in ISO 8601: {text}") from wrong
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def shown_moment(at: float) -> str:
    """Return a moment as fal writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def span(request: web.Request, *, now: float, default: timedelta) -> tuple[float, float]:
    """Return the moments `start` and `end` (not included) that are asked for.

    Raises:
        BadOption: one of them is none, or they are more than 90 days apart.
    """
    given_end, given_start = request.query.get("end"), request.query.get("start")
    end = moment(given_end) if given_end else datetime.fromtimestamp(now, UTC)
    start = moment(given_start) if given_start else end - default
    if end < start or end - start > SPAN_MAX:
        raise BadOption("end must be after start, at most 90 days")
    return start.timestamp(), end.timestamp()


def page(request: web.Request, items: Sequence[T], *, default: int, most: int) -> tuple[Sequence[T], dict[str, Any]]:
    """Return the items of the page that is asked for, and where the next one is; the cursor is the page's number.

    Raises:
        BadOption: the limit or the cursor is not valid.
    """
    text = request.query.get("limit", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise BadOption(f"limit must be from 1 to {most}")
    number, size = _page_number(request.query.get("cursor")), int(text)
    first = (number - 1) * size
    is_more = first + size < len(items)
    cursor = base64.b64encode(str(number + 1).encode()).decode() if is_more else None
    return items[first : first + size], {"next_cursor": cursor, "has_more": is_more}


def _page_number(cursor: str | None) -> int:
    if cursor is None:
        return 1
    try:
        number = int(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError) as wrong:
        raise BadOption("not a cursor") from wrong
    if number < 1:
        raise BadOption("not a cursor")
    return number


def error(status: int, kind: str, message: str) -> web.Response:
    """Return an error in the format of fal's platform API."""
    return web.json_response({"error": {"type": kind, "message": message}}, status=status)
