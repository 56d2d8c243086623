"""The endpoints of the stand-in, by their full id."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sandbox.fal.endpoints.base import EndpointInput, Video
from sandbox.fal.endpoints.wan21 import Wan21ImageInput
from sandbox.fal.endpoints.wan22 import Wan22VideoInput
from sandbox.fal.endpoints.wan25 import Wan25ImageInput, Wan25TextInput
from sandbox.fal.endpoints.wan27 import Wan27EditInput, Wan27ImageInput, Wan27ReferenceInput, Wan27TextInput
from sandbox.fal.errors import Failed, invalid_input

__all__ = ["ENDPOINTS", "EndpointInput", "Video", "app_of", "parse_input"]

ENDPOINTS: Mapping[str, type[EndpointInput]] = {
    model.endpoint: model
    for model in (
        Wan27ImageInput,
        Wan27TextInput,
        Wan27ReferenceInput,
        Wan27EditInput,
        Wan25ImageInput,
        Wan25TextInput,
        Wan22VideoInput,
        Wan21ImageInput,
    )
}
APP_SEGMENTS = 2


def app_of(endpoint: str) -> str:
    """Return the first two segments of an endpoint's id, which are all that its requests' URLs contain."""
    return "/".join(endpoint.split("/")[:APP_SEGMENTS])


def parse_input(endpoint: str, body: Any) -> EndpointInput:
    """Return the endpoint's input, validated strictly.

    Raises:
        Failed: the body is not valid; one entry for each field, in pydantic's words.
    """
    try:
        return ENDPOINTS[endpoint].model_validate(body)
    except ValidationError as error:
        # Through JSON, because an entry may contain exceptions and tuples.
        details: list[dict[str, Any]] = json.loads(error.json())
        raise Failed(invalid_input([entry | {"loc": ["body", *entry["loc"]]} for entry in details])) from error
