"""fal's queue, storage and price list on the wire: a reply becomes a value or a typed error.

Sources: https://docs.fal.ai/documentation/model-apis/inference/queue and
https://fal.ai/docs/documentation/model-apis/errors. The result GET is in `bot.fal.wire.result`.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from bot.errors import FalAccountError, FalError, FalProtocolError, FalRefused, FalReplyLost, FalUnreachable
from bot.fal.wire.addresses import request_handle, same_origin, web_url
from bot.fal.wire.result import ACCOUNT, BAD_REQUEST, LATER, NOT_FOUND, SERVER_ERROR
from bot.fal.wire.types import CancelAnswer, Handle, LogLine, UnitPrice, UploadTicket
from bot.fal.wire.values import Text, number, object_of, said, text_value, whole_up_to

SUCCESS, REDIRECT, ACCEPTED = 200, 300, 202
TOO_MANY = 429
LOG_LINES_MAX = 20
# A 4xx outside this set (408, 409, 425, 499, …) does not prove that fal dropped the request.
_REFUSALS = frozenset({400, 404, 405, 406, 410, 411, 413, 414, 415, 421, 422, 426, 428, 431, 451})


class _Submit(BaseModel):
    model_config = ConfigDict(extra="ignore")
    request_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}\z")]
    status_url: Text = None
    response_url: Text = None
    cancel_url: Text = None


def read_submit(status: int, body: bytes, *, endpoint: str, queue_url: str, backup_url: str) -> Handle:
    """Return the accepted request. URLs on any other host are replaced by the documented ones on the queue's host.

    Raises:
        FalRefused: the reply proves that nothing was accepted; `FalAccountError` for the key and the balance.
        FalUnreachable: nothing was accepted (429); it may be later.
        FalReplyLost: the reply proves nothing, so fal may have accepted it.
    """
    if not SUCCESS <= status < REDIRECT:
        raise _submit_refusal(status, body)
    try:
        found = _Submit.model_validate(object_of(body))
    except (FalProtocolError, ValidationError):
        raise FalReplyLost(f"fal answered a submit with {status}, but without a readable request id") from None
    theirs = (found.status_url, found.response_url, found.cancel_url)
    # All three or none: they belong together, and the key is sent to each of them.
    if all(url is not None and same_origin(url, queue_url, backup_url) for url in theirs):
        status_url, response_url, cancel_url = cast("tuple[str, str, str]", theirs)
        return Handle(
            request_id=found.request_id, status_url=status_url, response_url=response_url, cancel_url=cancel_url
        )
    return request_handle(queue_url, endpoint, found.request_id)


def _submit_refusal(status: int, body: bytes) -> FalError:
    words = f"{status}: {said(body)}"
    if status in ACCOUNT:
        return FalAccountError(f"fal does not take the key or the account ({words})", status=status)
    if status == TOO_MANY:
        return FalUnreachable(f"fal takes no more requests now ({words})")
    if status in _REFUSALS:
        return FalRefused(f"fal refused the request ({words})", status=status)
    # 5xx included: a gateway can answer 502 or 504 after the queue has taken the request.
    return FalReplyLost(f"fal's answer to a submit does not tell whether it was taken ({words})")


def refusal_of(status: int, body: bytes, what: str) -> FalError:
    """Return the typed error for an unsuccessful reply to a request that may be repeated."""
    words = f"{what} ({status}: {said(body)})"
    if status in ACCOUNT:
        return FalAccountError(f"fal does not take the key or the account for {words}", status=status)
    if status in LATER or status >= SERVER_ERROR:
        return FalUnreachable(f"fal could not do {words} now")
    if BAD_REQUEST <= status < SERVER_ERROR:
        return FalRefused(f"fal refused {words}", status=status)
    return FalProtocolError(f"fal answered {words} in no documented way")


def _log_lines(value: object) -> tuple[LogLine, ...]:
    """Return the newest lines of a `logs` list, without entries that are no lines."""
    if not isinstance(value, list):
        return ()
    lines: list[LogLine] = []
    for one in cast("list[object]", value)[-LOG_LINES_MAX:]:
        found = cast("dict[str, Any]", one) if isinstance(one, dict) else {"message": one}
        if message := text_value(found.get("message")):
            lines.append(LogLine(text_value(found.get("timestamp"), 64) or "", message))
    return tuple(lines)


Word: TypeAlias = Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "OTHER"]
_WORDS = frozenset({"IN_QUEUE", "IN_PROGRESS", "COMPLETED"})
_POSITION_MAX = 1_000_000  # nobody waits behind more; such a number is not shown


def _word(value: object) -> object:
    """Return one of the documented words, or OTHER for another one: FAILED and CANCELLED have been reported."""
    if not isinstance(value, str) or not value.strip():
        return value
    word = value.strip().upper()
    return word if word in _WORDS else "OTHER"


class StatusDocument(BaseModel):
    """fal's own description of where a request stands, as far as it is used."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    status: Annotated[Word, BeforeValidator(_word)]
    queue_position: Annotated[int | None, whole_up_to(_POSITION_MAX)] = None
    logs: Annotated[tuple[LogLine, ...], BeforeValidator(_log_lines)] = ()


def read_event(data: bytes) -> StatusDocument:
    """Return one status document: an event of the stream, or the body of a status reply.

    Raises:
        FalProtocolError: it is no status.
    """
    try:
        return StatusDocument.model_validate(object_of(data))
    except ValidationError:
        raise FalProtocolError("fal's reply is no status") from None


def read_status(status: int, body: bytes) -> StatusDocument:
    """Return a polled status: 202 while it is queued or runs, 200 when it is completed.

    Raises:
        FalRefused: 404 and other 4xx, which are final; `FalAccountError` for the key.
        FalUnreachable: ask again later.
        FalProtocolError: a success that is no status.
    """
    if SUCCESS <= status < REDIRECT:
        return read_event(body)
    raise refusal_of(status, body, "a status")


def read_cancel(status: int, body: bytes) -> CancelAnswer:
    """Return what fal did with a cancel; after "removed" and "requested" only the result tells whether it worked.

    Raises:
        FalRefused, FalAccountError, FalUnreachable, FalProtocolError: as `refusal_of` returns them.
    """
    word = _status_word(body)
    if SUCCESS <= status < REDIRECT:
        if word == "ALREADY_COMPLETED":
            return "already_completed"
        return "requested" if status == ACCEPTED or word == "CANCELLATION_REQUESTED" else "removed"
    if status == BAD_REQUEST and word == "ALREADY_COMPLETED":
        return "already_completed"
    if status == NOT_FOUND:
        return "not_found"
    raise refusal_of(status, body, "a cancel")


def _status_word(body: bytes) -> str | None:
    try:
        return text_value(object_of(body).get("status"), 64)
    except FalProtocolError:
        return None


def read_ticket(status: int, body: bytes, *, rest_url: str) -> UploadTicket:
    """Return where to PUT a file, from the reply to the start of an upload.

    Raises:
        FalRefused, FalAccountError, FalUnreachable, FalProtocolError: as `refusal_of` returns them.
    """
    if not SUCCESS <= status < REDIRECT:
        raise refusal_of(status, body, "the start of an upload")
    found = object_of(body)
    return UploadTicket(
        upload_url=web_url(text_value(found.get("upload_url")), rest_url=rest_url),
        file_url=web_url(text_value(found.get("file_url")), rest_url=rest_url),
    )


def read_put(status: int, body: bytes) -> None:
    """Check the reply to a file's bytes. They are sent without the key, so 401 and 403 mean the signed URL.

    Raises:
        FalUnreachable: start the upload again, with a new signed URL.
        FalRefused: the storage does not take this file.
        FalProtocolError: as `refusal_of` returns it.
    """
    if SUCCESS <= status < REDIRECT:
        return
    if status in ACCOUNT | {BAD_REQUEST, NOT_FOUND}:
        raise FalUnreachable(f"fal's storage did not take the signed address ({status}: {said(body)})")
    raise refusal_of(status, body, "an upload")


def read_key_set(status: int, body: bytes) -> bytes:
    """Return the body of the reply to a request for fal's key set.

    Raises:
        FalRefused, FalUnreachable, FalProtocolError: as `refusal_of` returns them.
    """
    if SUCCESS <= status < REDIRECT:
        return body
    raise refusal_of(status, body, "the keys of its webhooks")


def read_prices(status: int, body: bytes) -> tuple[dict[str, UnitPrice], str | None]:
    """Return one page of the price list by endpoint, and the next page's cursor.

    Raises:
        FalRefused, FalAccountError, FalUnreachable, FalProtocolError: as `refusal_of` returns them.
    """
    if not SUCCESS <= status < REDIRECT:
        raise refusal_of(status, body, "the price list")
    page = object_of(body)
    rows = page.get("prices")
    if not isinstance(rows, list):
        raise FalProtocolError("fal's price list holds no prices")
    prices: dict[str, UnitPrice] = {}
    for row in cast("list[object]", rows):
        if isinstance(row, dict) and (priced := _price(cast("dict[str, Any]", row))):
            prices[priced[0]] = priced[1]
    return prices, text_value(page.get("next_cursor"), 1000) if page.get("has_more") else None


def _price(row: Mapping[str, Any]) -> tuple[str, UnitPrice] | None:
    endpoint, unit = text_value(row.get("endpoint_id"), 200), text_value(row.get("unit"), 50)
    raw = row.get("unit_price")
    price = number(raw)
    currency = text_value(row.get("currency"), 10)
    if endpoint is None or unit is None or currency is None or price is None:
        return None
    # A float's shortest text is the number that fal wrote.
    return endpoint, UnitPrice(Decimal(raw if isinstance(raw, str) else repr(price)), unit, currency)


_ENDPOINT = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)+")


def submit_url(queue_url: str, endpoint: str) -> str:
    """Return the URL to POST a request for `endpoint` to.

    Raises:
        ValueError: `endpoint` is not an endpoint id, which is a mistake in the catalogue.
    """
    if not _ENDPOINT.fullmatch(endpoint):
        raise ValueError(f"{endpoint!r} is not an endpoint id")
    return f"{queue_url.rstrip('/')}/{endpoint}"
