"""fal's OpenAPI documents on the wire."""

import json
from typing import Any

import pytest

from bot.errors import FalProtocolError, FalRefused, FalUnreachable
from bot.fal.wire.openapi import read_input_schema

ENDPOINT = "fal-ai/wan/v2.7/image-to-video"


def document(schema: Any, **schemas: Any) -> bytes:
    """Return a document whose endpoint takes this."""
    post = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    return json.dumps({"paths": {f"/{ENDPOINT}": {"post": post}}, "components": {"schemas": schemas}}).encode()


def test_references_are_replaced() -> None:
    """A $ref becomes what it refers to, with the keywords beside it; ~1 and ~0 in it are / and ~."""
    body = document(
        {"$ref": "#/components/schemas/a~1b~0c"},
        **{"a/b~c": {"properties": {"size": {"$ref": "#/components/schemas/Size", "title": "Size"}}}},
        Size={"enum": ["720p"]},
    )
    assert read_input_schema(200, body, ENDPOINT) == {
        "properties": {"size": {"allOf": [{"enum": ["720p"]}, {"title": "Size"}]}}
    }


def _deep(levels: int) -> Any:
    schema: Any = {}
    for _ in range(levels):
        schema = {"anyOf": [schema]}
    return schema


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Not here</html>",
        b"[]",
        b"{}",
        json.dumps({"paths": {f"/{ENDPOINT}": {"get": {}}}}).encode(),
        document("text"),
        document([{}]),
        document({"$ref": "https://example.com/schema"}),
        document({"$ref": 5}),
        document({"$ref": "#/components/schemas/Gone"}),
        document({"$ref": "#/components/schemas/Loop"}, Loop={"anyOf": [{"$ref": "#/components/schemas/Loop"}]}),
        document({"$ref": "#/components/schemas/Two"}, Two={"allOf": [{"$ref": "#/components/schemas/Two"}] * 2}),
        document(_deep(200)),
        document({"enum": list(range(30_000))}),
    ],
)
def test_what_is_no_schema(body: bytes) -> None:
    """Garbage, other documents, and those that are too large, too deep or without an end are no schema."""
    with pytest.raises(FalProtocolError):
        read_input_schema(200, body, ENDPOINT)


@pytest.mark.parametrize(("status", "error"), [(404, FalRefused), (503, FalUnreachable), (302, FalProtocolError)])
def test_a_reply_without_one(status: int, error: type[Exception]) -> None:
    """404 says that there is none, 5xx nothing at all."""
    with pytest.raises(error):
        read_input_schema(status, b"", ENDPOINT)
