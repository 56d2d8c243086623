"""Finds an endpoint's input in the OpenAPI document that fal publishes for it, with every $ref replaced.

fal names the document on each model's page: https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from bot.errors import FalProtocolError
from bot.fal.wire.protocol import REDIRECT, SUCCESS, refusal_of
from bot.fal.wire.values import object_of

JsonSchema: TypeAlias = Mapping[str, Any]
DEPTH_MAX = 24
NODES_MAX = 20_000
_POINTER = "#/"


def read_input_schema(status: int, body: bytes, endpoint: str) -> JsonSchema:
    """Return the JSON schema of what a submit to the endpoint takes; it holds no $ref.

    Raises:
        FalRefused, FalUnreachable: as `refusal_of` returns them.
        FalProtocolError: it is no such document, or larger or deeper than what is read of one.
    """
    if not SUCCESS <= status < REDIRECT:
        raise refusal_of(status, body, "an endpoint's schema")
    document = object_of(body)
    operation = _at(document, "paths", f"/{endpoint}", "post")
    declared = _at(operation, "requestBody", "content", "application/json", "schema")
    found = _Inlining(document).schema(declared, depth=0)
    if not isinstance(found, Mapping):
        raise FalProtocolError("fal's OpenAPI document has no input for the endpoint")
    return cast("JsonSchema", found)


def _at(value: object, *path: str) -> object:
    """Return what stands at the end of the path.

    Raises:
        FalProtocolError: nothing does.
    """
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            raise FalProtocolError(f"fal's OpenAPI document has no {'.'.join(path)}")
        value = cast("Mapping[str, object]", value)[name]
    return value


@dataclass
class _Inlining:
    """Copies a part of the document; a schema that refers to itself ends at the bounds."""

    document: Mapping[str, Any]
    nodes: int = field(default=0)

    def schema(self, value: object, *, depth: int) -> object:
        self.nodes += 1
        if depth > DEPTH_MAX or self.nodes > NODES_MAX:
            raise FalProtocolError("fal's OpenAPI document is too large or refers to itself")
        if isinstance(value, list):
            return [self.schema(one, depth=depth + 1) for one in cast("list[object]", value)]
        if not isinstance(value, Mapping):
            return value
        parts = cast("Mapping[str, object]", value)
        copied = {name: self.schema(part, depth=depth + 1) for name, part in parts.items() if name != "$ref"}
        if "$ref" not in parts:
            return copied
        meant = self.schema(self._referred(parts["$ref"]), depth=depth + 1)
        # OpenAPI 3.1 lets keywords stand beside a $ref; all of them hold.
        return {"allOf": [meant, copied]} if copied else meant

    def _referred(self, pointer: object) -> object:
        """Return what a JSON pointer within the document points to (RFC 6901)."""
        if not isinstance(pointer, str) or not pointer.startswith(_POINTER):
            raise FalProtocolError("fal's OpenAPI document refers to another one")
        names = pointer.removeprefix(_POINTER).split("/")
        return _at(self.document, *(name.replace("~1", "/").replace("~0", "~") for name in names))
