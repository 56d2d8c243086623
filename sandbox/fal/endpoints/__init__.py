"""The endpoints that the stand-in knows, by their full id."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sandbox.fal.endpoints.base import Input, Video
from sandbox.fal.endpoints.wan21 import Wan21Image
from sandbox.fal.endpoints.wan22 import Wan22Video
from sandbox.fal.endpoints.wan25 import Wan25Image
from sandbox.fal.endpoints.wan27 import Wan27Image, Wan27Reference
from sandbox.fal.errors import Failed, invalid_input

__all__ = ["ENDPOINTS", "Input", "Video", "app_of", "parse"]

ENDPOINTS: Mapping[str, type[Input]] = {
    model.endpoint: model for model in (Wan27Image, Wan27Reference, Wan25Image, Wan22Video, Wan21Image)
}
APP_SEGMENTS = 2


def app_of(endpoint: str) -> str:
    """Return the part of an endpoint's id that its requests' URLs keep: the first two segments."""
    return "/".join(endpoint.split("/")[:APP_SEGMENTS])


def parse(endpoint: str, body: Any) -> Input:
    """Return the endpoint's input, read strictly.

    Raises:
        Failed: the body does not fit, with one entry for each broken field, as pydantic words it.
    """
    try:
        return ENDPOINTS[endpoint].model_validate(body)
    except ValidationError as error:
        # Through JSON, because an entry may hold exceptions and tuples.
        details: list[dict[str, Any]] = json.loads(error.json())
        raise Failed(invalid_input([entry | {"loc": ["body", *entry["loc"]]} for entry in details])) from error
