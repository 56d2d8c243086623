"""Whether an endpoint still takes all that Wanda sends it: a mode's payloads held against fal's JSON schema.

Only what is sent is compared. What fal takes beyond that, and what its schema says of a text's form, is no concern
here: a keyword that is not known accepts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from bot.catalogue.fields import Attached, OptionSpec
from bot.catalogue.mode import Mode
from bot.catalogue.phrases import listed, shortened

JsonSchema: TypeAlias = Mapping[str, Any]
A_FILE = Attached(file_name="file", size_bytes=1)
A_URL = "https://example.com/file"
SHOWN_MAX = 3  # faults in a sentence; the first are enough to begin with
_VALUE_CHARS_MAX = 40


@dataclass(frozen=True, slots=True)
class Sent:
    """What a mode sends: by field, the least, the largest and every choice; and the fields of every payload."""

    values: Mapping[str, Sequence[Any]]
    always: frozenset[str]


def sent_by(mode: type[Mode]) -> Sent:
    """Return what the mode sends, from its payloads at the bounds of each option."""
    specs = mode.specs()
    required = {name: _values(spec)[0] for name, spec in specs.items() if spec.required}
    least = _payload(mode, required)
    values: dict[str, list[Any]] = {}
    for name, spec in specs.items():
        for value in _values(spec):
            for field, sent in _payload(mode, {**required, name: value}).items():
                if sent not in values.setdefault(field, []):
                    values[field].append(sent)
    return Sent(values=values, always=frozenset(least))


def faults_of(mode: type[Mode], schema: JsonSchema) -> tuple[str, ...]:
    """Return what of the mode's payloads the schema does not take, in words; empty when it takes all of it."""
    sent = sent_by(mode)
    properties, required = _members(schema)
    missing = [f"`{name}` is gone" for name in sent.values if name not in properties]
    new = [f"`{_word(name)}` is required now" for name in sorted(required - sent.always)]
    refused = [
        fault
        for name, values in sent.values.items()
        if name in properties and (fault := _refused(name, values, properties[name]))
    ]
    return (*missing, *new, *refused)


def _word(name: str) -> str:
    """Return a name of fal's on one line, without what would end its code span."""
    return shortened(name).replace("`", "'")


def schema_sentence(mode: type[Mode], faults: Sequence[str]) -> str:
    """Return what the operator is told of a schema that does not fit."""
    more = len(faults) - SHOWN_MAX
    shown = listed([*faults[:SHOWN_MAX], *([f"{more} more"] if more > 0 else [])], "and")
    return f"fal's schema of {mode.title} has changed: {shown}."


def _values(spec: OptionSpec) -> list[Any]:
    """Return the values of an option at its bounds."""
    if spec.choices:
        return list(spec.choices)
    match spec.kind:
        case "file":
            return [A_FILE]
        case "boolean":
            return [True, False]
        case "string":
            return ["x" * (spec.length_min or 1), "x" * (spec.length_max or 1)]
        case "integer":
            return [int(bound) for bound in (spec.minimum, spec.maximum) if bound is not None] or [1]
        case "number":
            return [float(bound) for bound in (spec.minimum, spec.maximum) if bound is not None] or [1.0]


def _payload(mode: type[Mode], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the payload with these options, whether or not the rules between options let them stand together."""
    request = mode.model_construct(**values)
    return request.payload(dict.fromkeys(request.attached(), A_URL))


def _members(schema: JsonSchema) -> tuple[dict[str, Any], set[str]]:
    """Return the properties of an object's schema, and the required ones; those of `allOf` count too."""
    properties: dict[str, Any] = {}
    required: set[str] = set()
    for one in _parts(schema.get("allOf")):
        if isinstance(one, Mapping):
            more, needed = _members(cast("JsonSchema", one))
            properties |= more
            required |= needed
    declared, names = schema.get("properties"), schema.get("required")
    if isinstance(declared, Mapping):
        properties |= cast("Mapping[str, Any]", declared)
    if isinstance(names, list):
        required |= {name for name in cast("list[object]", names) if isinstance(name, str)}
    return properties, required


def _refused(name: str, values: Iterable[Any], schema: object) -> str | None:
    """Return which values of the field the schema does not take, or None."""
    refused = [_shown(value) for value in values if not accepts(schema, value)]
    if not refused:
        return None
    return f"`{name}` no longer takes {listed(refused[:SHOWN_MAX])}"


def _shown(value: object) -> str:
    text = json.dumps(value)
    if isinstance(value, str) and len(text) > _VALUE_CHARS_MAX:
        return f"{len(value):,} characters"
    return "a list of files" if isinstance(value, list) else "a file" if value == A_URL else text


def accepts(schema: object, value: Any) -> bool:
    """Return whether the schema takes the value, by the keywords that bound what Wanda sends."""
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, Mapping):
        return True
    known = cast("JsonSchema", schema)
    if value is None and known.get("nullable") is True:
        return True
    return (
        all(accepts(one, value) for one in _parts(known.get("allOf")))
        and all(
            any(accepts(one, value) for one in _parts(known[choice]))
            for choice in ("anyOf", "oneOf")
            if isinstance(known.get(choice), list)
        )
        and _has_type(known.get("type"), value)
        and _is_listed(known, value)
        and _is_within(known, value)
    )


def _parts(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _has_type(named: object, value: Any) -> bool:
    names = cast("list[object]", named) if isinstance(named, list) else [named]
    return any(_is_of_type(name, value) for name in names)


def _is_of_type(name: object, value: Any) -> bool:
    match name:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return not isinstance(value, bool) and (isinstance(value, int) or _is_whole(value))
        case "number":
            return not isinstance(value, bool) and isinstance(value, int | float)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, Mapping)
        case "null":
            return value is None
        case _:
            return True


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _is_listed(schema: JsonSchema, value: Any) -> bool:
    choices = schema.get("enum")
    if isinstance(choices, list) and not any(_is_same(one, value) for one in cast("list[Any]", choices)):
        return False
    return "const" not in schema or _is_same(schema["const"], value)


def _is_same(one: Any, other: Any) -> bool:
    """Compare as JSON does, where true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _is_within(schema: JsonSchema, value: Any) -> bool:
    match value:
        case bool():
            return True
        case int() | float():
            return _is_number_within(schema, value)
        case str():
            return _between(len(value), schema.get("minLength"), schema.get("maxLength"))
        case list():
            items = cast("list[Any]", value)
            within = _between(len(items), schema.get("minItems"), schema.get("maxItems"))
            return within and all(accepts(schema.get("items"), one) for one in items)
        case _:
            return True


def _is_number_within(schema: JsonSchema, value: float) -> bool:
    """Check the bounds, of which the exclusive ones are flags in OpenAPI 3.0 and numbers in 3.1."""
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if not _between(value, least, most):
        return False
    if (above is True and value == least) or (below is True and value == most):
        return False
    if _is_number(above) and value <= cast("float", above):
        return False
    return not (_is_number(below) and value >= cast("float", below))


def _between(value: float, least: Any, most: Any) -> bool:
    return not (_is_number(least) and value < least) and not (_is_number(most) and value > most)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
