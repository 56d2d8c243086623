"""A checker for JSON bodies: which keys an object has, their types and bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from sandbox.discord.wire import Json, Problems

Kind = Literal["str", "int", "number", "bool", "id", "object", "list", "any", "int_or_str"]
NO_BOUND = 1 << 60


@dataclass(frozen=True, slots=True)
class KeyRule:
    """A key's rule. Bounds are lengths for strings and lists, values for numbers. Null is allowed unless required."""

    kind: Kind
    high: int = NO_BOUND
    low: int = 0
    required: bool = False


def check_object(problems: Problems, path: str, value: Any, rules: Mapping[str, KeyRule]) -> Json:
    """Check an object by its rules, add every mistake to `problems`, and return the valid keys that are not null."""
    if not isinstance(value, dict):
        problems.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in this Data Model.")
        return {}
    body = cast("Json", value)
    for key in body.keys() - rules.keys():
        problems.unknown_key(subpath(path, key), key)
    kept: Json = {}
    for key, rule in rules.items():
        item = body.get(key)
        if item is None:
            if rule.required:
                problems.add(subpath(path, key), "BASE_TYPE_REQUIRED", "This field is required")
        elif _fits(problems, subpath(path, key), item, rule):
            kept[key] = item
    return kept


def subpath(path: str, key: object) -> str:
    """Return the path of a key inside the path."""
    return f"{path}.{key}" if path else str(key)


def as_list(value: Any) -> list[Any]:
    """Return the list, or an empty one if the value is not a list, which `check_object` has reported."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def _fits(problems: Problems, path: str, value: Any, rule: KeyRule) -> bool:
    fault = _kind_fault(value, rule.kind) or _bound_fault(value, rule)
    if fault:
        problems.add(path, *fault)
    return fault is None


def _kind_fault(value: Any, kind: Kind) -> tuple[str, str] | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    fine: dict[Kind, bool] = {
        "str": isinstance(value, str),
        "int": whole or (isinstance(value, float) and value.is_integer()),
        "number": whole or isinstance(value, float),
        "bool": isinstance(value, bool),
        "id": whole or (isinstance(value, str) and value.isascii() and value.isdigit()),
        "object": isinstance(value, dict),
        "list": isinstance(value, list),
        "int_or_str": whole or isinstance(value, str),
        "any": True,
    }
    codes = {"str": "STRING_TYPE_CONVERT", "bool": "BOOLEAN_TYPE_CONVERT", "list": "LIST_TYPE_CONVERT"}
    return None if fine[kind] else (codes.get(kind, "NUMBER_TYPE_COERCE"), f"This must be of the type {kind}.")


def _bound_fault(value: Any, rule: KeyRule) -> tuple[str, str] | None:
    match value:
        case str() if rule.kind != "id":
            if not rule.low <= len(value) <= rule.high:
                return "BASE_TYPE_BAD_LENGTH", _between(rule, "in length")
        case list():
            if not rule.low <= len(cast("list[Any]", value)) <= rule.high:
                return "BASE_TYPE_BAD_LENGTH", _between(rule, "in length")
        case bool():
            return None
        case int() | float() if rule.kind in {"int", "number"}:
            if value > rule.high:
                return "NUMBER_TYPE_MAX", f"int value should be less than or equal to {rule.high}."
            if value < rule.low:
                return "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {rule.low}."
        case _:
            return None
    return None


def _between(rule: KeyRule, what: str) -> str:
    if rule.low:
        return f"Must be between {rule.low} and {rule.high} {what}."
    return f"Must be {rule.high} or fewer {what}."


def check_link(problems: Problems, path: str, link: str, schemes: tuple[str, ...]) -> None:
    """Check a link's form and scheme."""
    scheme, separator, rest = link.partition("://")
    if not separator or not rest or any(char.isspace() for char in link):
        problems.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    elif scheme.lower() not in schemes:
        problems.add(path, "URL_TYPE_INVALID_SCHEME", f'Scheme "{scheme}" must be one of {schemes}.')
