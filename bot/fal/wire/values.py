"""Reads JSON values from the wire; one of a wrong type or out of range becomes None."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias, cast

from pydantic import BeforeValidator
from pydantic_core import from_json

from bot.errors import FalProtocolError

TEXT_MAX = 4000
WHOLE_MAX = 2**63 - 1  # what both databases can hold
NUMBER_MAX = 1e12
_DECIMAL = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,20})?")
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)  # strings, and the brackets outside of them
_NESTED_MAX = 50  # fal's replies nest less than ten deep
_DIGITS_MAX = 20  # 2^63 has 19
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")  # PostgreSQL refuses NUL; the others are unreadable


def json_of(body: bytes) -> Any:
    """Return the body's JSON, also with NaN and Infinity in it, half a surrogate pair, or bytes that are no UTF-8.

    So it is with a number of thousands of digits, and what is nested too deeply is None: a paid video is not lost for
    such a flaw. What becomes a value is checked one by one by the functions below.

    Raises:
        FalProtocolError: it is not JSON.
    """
    try:
        return from_json(body, allow_inf_nan=True)
    except ValueError:
        pass
    try:
        return json.loads(_shallow(body.decode("utf-8-sig", "replace")), parse_int=_int)
    except ValueError:
        raise FalProtocolError(f"fal's reply of {len(body)} bytes is not JSON") from None


def _shallow(text: str) -> str:
    """Return the JSON with null for what is nested deeper than `_NESTED_MAX`."""
    kept: list[str] = []
    depth = at = 0
    for part in _PARTS.finditer(text):
        match part[0]:
            case "[" | "{":
                depth += 1
                if depth == _NESTED_MAX + 1:
                    kept += [text[at : part.start()], "null"]
            case "]" | "}":
                if depth == _NESTED_MAX + 1:
                    at = part.end()
                depth -= 1
            case _:
                pass
    return "".join([*kept, text[at:]]) if depth <= _NESTED_MAX else ""


def _int(digits: str) -> int | float:
    """Return a whole number; one that is too long for an int is a float, for Python reads no more than 4,300 digits."""
    return int(digits) if len(digits) <= _DIGITS_MAX else float(digits)


def object_of(body: bytes) -> dict[str, Any]:
    """Return the body's JSON object.

    Raises:
        FalProtocolError: it is anything else.
    """
    value = json_of(body)
    if not isinstance(value, dict):
        raise FalProtocolError("fal's reply is JSON, but not an object")
    return cast("dict[str, Any]", value)


def text_value(value: object, limit: int = TEXT_MAX) -> str | None:
    """Return a non-empty string without control characters or lone surrogates, at most `limit` long; else None."""
    if not isinstance(value, str):
        return None
    clean = _CONTROLS.sub("", value[: limit * 2]).encode("utf-8", "replace").decode()
    return clean.strip()[:limit] or None


def whole(value: object) -> int | None:
    """Return a whole number from 0 to 2^63 - 1, also when it is written as a float or in quotes; else None."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) < 20 else None  # noqa: PLR2004 - 2^63 has 19 digits
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= WHOLE_MAX else None


def number(value: object) -> float | None:
    """Return a number from 0 to 10^12, also as a plain decimal in quotes; else None."""
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        value = float(value)
    except OverflowError:
        return None
    return value if 0 <= value <= NUMBER_MAX else None


def whole_up_to(most: int) -> BeforeValidator:
    """Return a validator: a whole number from 0 to `most`, anything else is None."""
    return _bounded(whole, most)


def number_up_to(most: float) -> BeforeValidator:
    """Return a validator: a number from 0 to `most`, anything else is None."""
    return _bounded(number, most)


def _bounded(read: Callable[[object], float | None], most: float) -> BeforeValidator:
    def bounded(value: object) -> float | None:
        found = read(value)
        return None if found is None or found > most else found

    return BeforeValidator(bounded)


Text: TypeAlias = Annotated[str | None, BeforeValidator(text_value)]
Whole: TypeAlias = Annotated[int | None, BeforeValidator(whole)]


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header's text, whatever the case of its name; None if it is missing or empty."""
    for key, value in headers.items():
        if key.lower() == name.lower():
            return text_value(value, 200)
    return None


def said(body: bytes, limit: int = 300) -> str:
    """Return what an unsuccessful reply says, for the log: its `detail`, or its first characters."""
    try:
        value = json_of(body)
    except FalProtocolError:
        return text_value(body[: limit * 4].decode("utf-8", "replace"), limit) or "no text"
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        for key in ("detail", "message", "error", "status"):
            if words := text_value(found.get(key), limit):
                return words
    return text_value(body[: limit * 4].decode("utf-8", "replace"), limit) or "no text"
