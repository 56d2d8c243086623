"""The result GET, which replays the model's own status, headers and body: `(…) -> Result` or a typed error."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from bot.errors import FalAccountError, FalError, FalFailure, FalNotReady, FalProtocolError, FalRefused, FalUnreachable
from bot.fal.wire.addresses import file_url
from bot.fal.wire.error_types import ERROR_TYPES, UNKNOWN
from bot.fal.wire.types import Result
from bot.fal.wire.values import (
    Whole,
    header,
    json_of,
    number,
    number_up_to,
    object_of,
    said,
    text_value,
    whole_up_to,
)

OK, REDIRECT, BAD_REQUEST, NOT_FOUND, UNPROCESSABLE, CLIENT_CLOSED, SERVER_ERROR = 200, 300, 400, 404, 422, 499, 500
ACCOUNT = frozenset({401, 402, 403})
LATER = frozenset({408, 425, 429})
_UNITS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
# A number beyond these is no fact of a video, and is not shown.
_SIDE_MAX, _SECONDS_MAX, _FRAMES_MAX, _BYTES_MAX = 16_384, 3600.0, 1_000_000, 2**40
_PROMPT_MAX = 20_000  # fal's own wording of a prompt is stored whole: a rerun films it again
_DETAILS_MAX, _LOCATION_MAX, _CONTEXT_MAX, _MESSAGE_MAX = 50, 10, 20, 500


_Side: TypeAlias = Annotated[int | None, whole_up_to(_SIDE_MAX)]
_Seconds: TypeAlias = Annotated[float | None, number_up_to(_SECONDS_MAX)]


def _prompt(value: object) -> str | None:
    return text_value(value, _PROMPT_MAX)


class _Video(BaseModel):
    """fal's file object; all but the URL may be null, missing, out of bounds or of a wrong type."""

    model_config = ConfigDict(extra="ignore")
    url: Any = None
    file_size: Annotated[int | None, whole_up_to(_BYTES_MAX)] = None
    width: _Side = None
    height: _Side = None
    fps: _Seconds = None
    num_frames: Annotated[int | None, whole_up_to(_FRAMES_MAX)] = None
    duration: _Seconds = None


class _Result(BaseModel):
    """The part that every endpoint has in common."""

    model_config = ConfigDict(extra="ignore")
    video: _Video
    seed: Whole = None
    actual_prompt: Annotated[str | None, BeforeValidator(_prompt)] = None


def read_result(status: int, headers: Mapping[str, str], body: bytes) -> Result:
    """Return the video that was made.

    Raises:
        FalFailure: fal says that no video was made.
        FalNotReady: the request is still in progress.
        FalUnreachable: nothing is known, or the reply is no JSON; ask again.
        FalRefused: fal knows no such request; `FalAccountError` when it does not take the key.
        FalProtocolError: it holds no video that can be fetched, or is none of these.
    """
    if OK <= status < REDIRECT:
        return _output(headers, body)
    raise _refusal(status, headers, body)


def _output(headers: Mapping[str, str], body: bytes) -> Result:
    try:
        document = object_of(body)
    except FalProtocolError as error:
        raise FalUnreachable(f"something else than fal answered for the result: {error}") from None
    try:
        found = _Result.model_validate(document)
    except ValidationError:
        raise FalProtocolError("fal's result holds no video") from None
    video = found.video
    return Result(
        url=file_url(video.url),
        size_bytes=video.file_size,
        width=video.width,
        height=video.height,
        seconds=_seconds(video),
        seed=found.seed,
        actual_prompt=found.actual_prompt,
        billed_units=billed_units(headers),
    )


def _seconds(video: _Video) -> float | None:
    """Return the video's length, from its frames if fal does not give it."""
    if video.duration is not None:
        return video.duration
    seconds = number(video.num_frames / video.fps) if video.num_frames and video.fps else None
    return seconds if seconds is not None and seconds <= _SECONDS_MAX else None


def billed_units(headers: Mapping[str, str]) -> float | None:
    """Return the header `X-Fal-Billable-Units`; None if it is missing or not a plain decimal of at most 6 + 6 digits.

    It becomes money, so nothing is guessed: without a readable number the quote is charged.
    """
    found = next((value for name, value in headers.items() if name.lower() == "x-fal-billable-units"), "")
    return float(found) if _UNITS.fullmatch(found) else None


class _Detail(NamedTuple):
    """One entry of `detail`, or the whole of it when it is a string."""

    kind: str | None
    message: str
    location: tuple[str, ...] = ()
    context: Mapping[str, Any] | None = None


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> FalError:
    detail, typed = _detail(headers, body)
    if status == BAD_REQUEST and "still in progress" in detail.message.lower():
        return FalNotReady("fal's request is still in progress")
    if typed or _model_spoke(status, body):
        return _failure(status, headers, detail)
    words = f"{status}: {said(body)}"
    if status in ACCOUNT:
        return FalAccountError(f"fal does not take the key for a result ({words})", status=status)
    if status == NOT_FOUND:
        return FalRefused(f"fal does not know the request any more ({words})", status=status)
    if status in LATER or status >= SERVER_ERROR:
        return FalUnreachable(f"fal could not give the result now ({words})")
    return FalProtocolError(f"fal answered a result in no documented way ({words})")


def _model_spoke(status: int, body: bytes) -> bool:
    """Return whether a reply without an error type comes from the model, not from a gateway.

    A refused key, a lost request and a busy gateway have their own meaning; so has a bare 502, 503 or 504, which any
    proxy on the way can answer. A 500 counts when it is fal's JSON.
    """
    if status in ACCOUNT | LATER | {NOT_FOUND}:
        return False
    if BAD_REQUEST <= status < SERVER_ERROR:
        return True
    return status == SERVER_ERROR and _has_detail(body)


def _has_detail(body: bytes) -> bool:
    try:
        return "detail" in object_of(body)
    except FalProtocolError:
        return False


def _failure(status: int, headers: Mapping[str, str], detail: _Detail) -> FalFailure:
    kind = detail.kind
    if kind is None:
        cancelled = status == CLIENT_CLOSED and "cancel" in detail.message.lower()
        kind = "client_cancelled" if cancelled else UNKNOWN
    return FalFailure(
        kind=kind,
        status=status,
        message=detail.message,
        location=detail.location,
        context=dict(detail.context or {}),
        billed_units=billed_units(headers),
    )


def _detail(headers: Mapping[str, str], body: bytes) -> tuple[_Detail, bool]:
    """Return the entry to report, and whether the reply has an error type, which only fal itself sends."""
    try:
        document = json_of(body)
    except FalProtocolError:
        document = None
    found = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    outer = _kind(found.get("error_type")) or _kind(header(headers, "x-fal-error-type"))
    entries = [_entry(one) for one in _listed(found.get("detail"))]
    if not entries:
        words = (
            text_value(found.get("detail"), _MESSAGE_MAX) or text_value(found.get("error"), _MESSAGE_MAX) or said(body)
        )
        return _Detail(outer, words), outer is not None
    # There may be several; a known type has the best sentence.
    chosen = next((one for one in entries if one.kind in ERROR_TYPES), entries[0])
    return chosen._replace(kind=chosen.kind or outer), True


def _listed(detail: object) -> list[dict[str, Any]]:
    if isinstance(detail, dict):
        return [cast("dict[str, Any]", detail)]
    if not isinstance(detail, list):
        return []
    entries = cast("list[object]", detail)[:_DETAILS_MAX]
    return [cast("dict[str, Any]", one) for one in entries if isinstance(one, dict)]


def _entry(one: Mapping[str, Any]) -> _Detail:
    places = one.get("loc")
    location = cast("list[object]", places)[:_LOCATION_MAX] if isinstance(places, list) else []
    return _Detail(
        kind=_kind(one.get("type")),
        message=text_value(one.get("msg"), _MESSAGE_MAX) or "fal gave no reason",
        location=tuple(str(place)[:100] for place in location if text_value(place) or isinstance(place, int)),
        context=_context(one.get("ctx")),
    )


def _context(found: object) -> dict[str, Any]:
    """Return the scalars of a `ctx` and its lists of scalars: limits, numbers and formats for a sentence."""
    if not isinstance(found, dict):
        return {}
    pairs = list(cast("dict[object, object]", found).items())[:_CONTEXT_MAX]
    return {str(text_value(key, 100)): value for key, raw in pairs if (value := _plain(raw)) is not None}


def _plain(raw: object) -> Any:
    if isinstance(raw, list):
        return [one for item in cast("list[object]", raw)[:_CONTEXT_MAX] if (one := _scalar(item)) is not None]
    return _scalar(raw)


def _scalar(raw: object) -> bool | float | str | None:
    """Return the value if it is a scalar. Unlike `number`, this allows negative ones, which a limit can be."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        magnitude = number(abs(raw))
        return raw if magnitude is not None and magnitude < 2**63 else None
    return text_value(raw, _MESSAGE_MAX)


def _kind(name: object) -> str | None:
    return name if isinstance(name, str) and _KIND.fullmatch(name) else None
