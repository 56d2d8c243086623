"""JSON as bytes, and errors in Discord's format."""

import json
import logging
from typing import Any

log = logging.getLogger(__name__)

Json = dict[str, Any]

INVALID_FORM = 50035


def dumps(value: Any) -> bytes:
    """Return the value as compact UTF-8 JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class ApiError(Exception):
    """An error answer: HTTP status, Discord's code, message, and the errors per field of a 50035."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} ({code}): {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        """Return the JSON of the answer."""
        body: Json = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


class Problems:
    """Collects the mistakes in a body, field by field, as Discord reports them in one 50035.

    Discord ignores keys that it does not know. If `is_strict`, they are mistakes, so that a mistyped key is noticed.
    """

    def __init__(self, *, is_strict: bool = True) -> None:
        self._is_strict = is_strict
        self._errors: Json = {}

    def unknown_key(self, path: str, key: str) -> None:
        """Add or log a key that Discord does not document."""
        if self._is_strict:
            self.add(path, "SANDBOX_UNKNOWN_KEY", f"Discord documents no {key} here.")
        else:
            log.warning("Discord documents no %s here and ignores it", path)

    def add(self, path: str, code: str, message: str) -> None:
        """Add one mistake at a dotted path such as `embeds.0.title`."""
        node = self._errors
        for step in path.split(".") if path else ():
            node = node.setdefault(step, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def __bool__(self) -> bool:
        return bool(self._errors)

    def raise_any(self) -> None:
        """Raise a 50035 with every mistake, if there is one."""
        if self._errors:
            raise ApiError(400, INVALID_FORM, "Invalid Form Body", self._errors)


def invalid(path: str, code: str, message: str) -> ApiError:
    """Return a 50035 with a single mistake."""
    problems = Problems()
    problems.add(path, code, message)
    try:
        problems.raise_any()
    except ApiError as error:
        return error
    raise AssertionError(path)


def unknown(what: str, code: int) -> ApiError:
    """Return a 404 `Unknown …` with Discord's code."""
    return ApiError(404, code, f"Unknown {what}")


def unknown_message() -> ApiError:
    """Return 404 10008."""
    return unknown("Message", 10008)


def unknown_channel() -> ApiError:
    """Return 404 10003."""
    return unknown("Channel", 10003)


def unknown_emoji() -> ApiError:
    """Return 10014, whose status is 400 (https://github.com/discord/discord-api-docs/issues/864)."""
    return ApiError(400, 10014, "Unknown Emoji")


def missing_access() -> ApiError:
    """Return 403 50001: the bot cannot view the channel."""
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    """Return 403 50013."""
    return ApiError(403, 50013, "Missing Permissions")


def snowflake(value: str, what: str = "value") -> int:
    """Return a path parameter as an id.

    Raises:
        ApiError: 50035, when it is not a number.
    """
    if not (value.isascii() and value.isdigit()):
        raise invalid(what, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return int(value)
