"""Whether a mode's payloads fit fal's schema of its endpoint."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue.mode import Mode
from bot.catalogue.registry import MODES, by_id
from bot.catalogue.schema import accepts, faults_of, schema_sentence, sent_by
from bot.errors import FalProtocolError
from bot.fal.wire.openapi import read_input_schema
from sandbox.fal.listing import Listing

Schema = dict[str, Any]
TYPES = (("string", str), ("boolean", bool), ("integer", int), ("number", float), ("array", list))


def schema_of(mode: type[Mode]) -> Schema:
    """Return the stand-in's schema of the mode's endpoint, as it is read from the wire."""
    body = json.dumps(Listing().document_of(mode.endpoint)).encode()
    return dict(read_input_schema(200, body, mode.endpoint))


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.id)
def test_every_mode_fits_the_page_of_its_endpoint(mode: type[Mode]) -> None:
    """The stand-in's models are made after fal's pages, and all that Wanda sends fits them."""
    assert faults_of(mode, schema_of(mode)) == ()


def test_what_is_sent() -> None:
    """What is sent is told as it is on the wire: a list of files, a duration in quotes, and what is always there."""
    reference, wan25 = sent_by(by_id("wan27-reference")), sent_by(by_id("wan25-image"))
    assert [len(urls) for urls in reference.values["reference_image_urls"]] == [1]
    assert reference.values["duration"] == [5, 2, 10]
    assert reference.always == {"prompt", "resolution", "duration"}
    assert set(wan25.values["duration"]) == {"5", "10"}
    assert {"prompt", "image_url", "resolution", "duration"} == wan25.always


def test_the_sentence_names_the_first_faults() -> None:
    """The operator reads the mode and at most three of its faults."""
    mode = by_id("wan27-image")
    schema = schema_of(mode)
    for name in ("seed", "audio_url", "end_image_url", "negative_prompt"):
        del schema["properties"][name]
    schema["required"] = ["style`\n@everyone"]
    assert schema_sentence(mode, faults_of(mode, schema)) == (
        "fal's schema of Wan 2.7 image has changed: `end_image_url` is gone, `audio_url` is gone, `negative_prompt` is "
        "gone and 2 more."
    )
    assert faults_of(mode, schema)[-1] == "`style' @everyone` is required now"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"type": "string"}, "`duration` no longer takes 5, 2 or 15"),
        ({"enum": list(range(2, 11))}, "`duration` no longer takes 15"),
        ({"minimum": 3, "enum": None}, "`duration` no longer takes 2"),
        ({"exclusiveMaximum": 15}, "`duration` no longer takes 15"),
        ({"exclusiveMinimum": True, "minimum": 2}, "`duration` no longer takes 2"),
        ({"anyOf": [{"const": 5}, {"const": 2}]}, "`duration` no longer takes 15"),
        ({"allOf": [{"maximum": 14}]}, "`duration` no longer takes 15"),
    ],
)
def test_a_narrower_field(change: Schema, fault: str) -> None:
    """Whatever keyword takes a value away that Wanda sends, the mode no longer fits."""
    mode = by_id("wan27-image")
    schema = schema_of(mode)
    schema["properties"]["duration"] |= change
    assert faults_of(mode, schema) == (fault,)


@pytest.mark.parametrize(
    ("schema", "value", "is_taken"),
    [
        ({"type": "integer"}, True, False),
        ({"type": "integer"}, 5.0, True),
        ({"enum": [1]}, True, False),
        ({"type": ["string", "null"]}, None, True),
        ({"type": "string", "nullable": True}, None, True),
        ({"type": "array", "items": {"maxLength": 3}}, ["long"], False),
        ({"type": "array", "maxItems": 1}, ["a", "b"], False),
        ({"type": "string", "maxLength": "no number"}, "x" * 9, True),
        ({"type": "something new"}, "x", True),
        (True, 5, True),
        (False, 5, False),
        ("no schema", 5, True),
    ],
)
def test_a_keyword(schema: object, value: Any, is_taken: bool) -> None:
    """JSON's types count, and a keyword of no known form takes everything."""
    assert accepts(schema, value) is is_taken


@st.composite
def _taking(draw: st.DrawFn, values: list[Any]) -> Schema:
    """Draw a schema that takes these values of one field."""
    kind = next(name for name, one in TYPES if isinstance(values[0], one))
    schema: Schema = {"type": kind}
    if kind in {"integer", "number"}:
        schema |= draw(st.sampled_from([{}, {"minimum": min(values)}, {"exclusiveMaximum": max(values) + 1}]))
    elif kind == "string":
        schema |= draw(st.sampled_from([{}, {"minLength": 1, "maxLength": max(map(len, values))}, {"format": "uri"}]))
    if kind != "array":
        schema |= draw(st.sampled_from([{}, {"enum": [*values, "another"]}]))
    wrapped = [schema, {"anyOf": [schema, {"type": "null"}]}, {"allOf": [schema], "title": "X"}, {"oneOf": [schema]}]
    return draw(st.sampled_from([*wrapped, {"$ref": "#/components/schemas/Part", "part": schema}]))


@st.composite
def documents(draw: st.DrawFn, mode: type[Mode]) -> Schema:
    """Draw an OpenAPI document whose endpoint takes all that the mode sends, and fields that it does not send."""
    sent = sent_by(mode)
    properties = {name: draw(_taking(list(values))) for name, values in sent.values.items()}
    parts = {}
    for name, one in properties.items():
        if "part" in one:
            parts[f"Part{name}"] = one["part"]
            properties[name] = {"$ref": f"#/components/schemas/Part{name}"}
    properties |= draw(st.sampled_from([{}, {"sync_mode": {"type": "boolean"}}]))
    required = draw(st.lists(st.sampled_from(sorted(sent.always)), unique=True))
    body = {"type": "object", "properties": properties, "required": required}
    schema = draw(st.sampled_from([body, {"allOf": [body]}]))
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}
    return {
        "paths": {f"/{mode.endpoint}": {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": {"Input": schema, **parts}},
    }


def faults(mode: type[Mode], document: Schema) -> tuple[str, ...]:
    """Read the document and return what of the mode does not fit."""
    return faults_of(mode, read_input_schema(200, json.dumps(document).encode(), mode.endpoint))


@given(st.data(), st.sampled_from(MODES))
def test_what_takes_everything_that_is_sent_is_not_broken(data: st.DataObject, mode: type[Mode]) -> None:
    """However a schema says it, one that takes all that Wanda sends fits; without any of these fields it does not."""
    document = data.draw(documents(mode))
    assert faults(mode, document) == ()
    body = document["components"]["schemas"]["Input"]
    properties = body.get("properties") or body["allOf"][0]["properties"]
    gone = data.draw(st.sampled_from(sorted(sent_by(mode).values)))
    del properties[gone]
    assert f"`{gone}` is gone" in faults(mode, document)


@given(st.data(), st.sampled_from(MODES))
def test_a_field_that_takes_less_is_found(data: st.DataObject, mode: type[Mode]) -> None:
    """A schema that takes one of the sent values no more, or needs a new field, does not fit."""
    document = data.draw(documents(mode))
    sent = sent_by(mode)
    name = data.draw(st.sampled_from(sorted(sent.values)))
    value = data.draw(st.sampled_from(list(sent.values[name])))
    document["components"]["schemas"]["Input"] = {
        "allOf": [document["components"]["schemas"]["Input"], {"properties": {name: {"not_sent": 1, "enum": ["-"]}}}]
    }
    assert any(fault.startswith(f"`{name}` no longer takes") for fault in faults(mode, document)), value
    document["components"]["schemas"]["Input"]["required"] = ["new_field"]
    assert "`new_field` is required now" in faults(mode, document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["$ref", "allOf", "anyOf", "type", "enum", "properties", "required", "items", "minimum", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(MODES))
def test_any_json_is_judged_or_refused(schema: Any, mode: type[Mode]) -> None:
    """Whatever stands where the schema should, nothing but a FalProtocolError comes of it."""
    content = {"application/json": {"schema": schema}}
    document = {"paths": {f"/{mode.endpoint}": {"post": {"requestBody": {"content": content}}}}}
    try:
        found = faults(mode, document)
    except FalProtocolError:
        return
    assert isinstance(schema_sentence(mode, found), str)
