"""What fal publishes of its endpoints and a test can change: the price list, and each endpoint's schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from sandbox.fal.endpoints import ENDPOINTS, app_of

__all__ = ["Listing", "PriceChange", "SchemaChange"]


class PriceChange(BaseModel):
    """The body of `POST /sandbox/prices`: one endpoint's row from now on; `gone` takes it off the list."""

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str
    unit_price: float | str | None = None
    unit: str | None = None
    currency: str | None = None
    gone: bool = False


class SchemaChange(BaseModel):
    """The body of `POST /sandbox/schemas`: one endpoint's input from now on, in place of earlier changes.

    `remove` takes fields away, `require` makes fields required that may not be there, `change` replaces keywords of a
    field; `gone` answers 404.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    endpoint: str
    remove: list[str] = []
    require: list[str] = []
    change: dict[str, dict[str, Any]] = {}
    gone: bool = False


@dataclass
class Listing:
    """The rows and schemas as the endpoints' own models say, with the changes that were asked for."""

    prices: dict[str, PriceChange] = field(default_factory=dict[str, PriceChange])
    schemas: dict[str, SchemaChange] = field(default_factory=dict[str, SchemaChange])

    def clear(self) -> None:
        """Take every change back."""
        self.prices.clear()
        self.schemas.clear()

    def has_price(self, endpoint: str) -> bool:
        """Return whether the price list has the endpoint."""
        change = self.prices.get(endpoint)
        return endpoint in ENDPOINTS and (change is None or not change.gone)

    def price_of(self, endpoint: str) -> Mapping[str, Any]:
        """Return the endpoint's row of the price list."""
        model = ENDPOINTS[endpoint]
        row = {"endpoint_id": endpoint, "unit_price": model.unit_price_usd, "unit": model.unit, "currency": "USD"}
        change = self.prices.get(endpoint)
        return row if change is None else row | change.model_dump(exclude={"endpoint", "gone"}, exclude_none=True)

    def document_of(self, endpoint: str) -> Mapping[str, Any] | None:
        """Return the endpoint's OpenAPI document; None if there is none."""
        change = self.schemas.get(endpoint)
        if endpoint not in ENDPOINTS or (change is not None and change.gone):
            return None
        return _document(endpoint, ENDPOINTS[endpoint].__name__, self._input_of(endpoint, change))

    def _input_of(self, endpoint: str, change: SchemaChange | None) -> dict[str, Any]:
        schema = ENDPOINTS[endpoint].model_json_schema()
        schema.pop("description", None)
        if change is None:
            return schema
        properties: dict[str, Any] = {
            name: one | change.change.get(name, {})
            for name, one in schema["properties"].items()
            if name not in change.remove
        }
        required = [name for name in schema.get("required", []) if name in properties]
        added = {name: {"type": "string", "title": name} for name in change.require if name not in properties}
        return schema | {"properties": properties | added, "required": [*required, *change.require]}


def _document(endpoint: str, name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document as fal lays it out: the submit, and the status and result of a request."""
    refers = {"$ref": f"#/components/schemas/{name}"}
    content: dict[str, Any] = {"application/json": {"schema": {}}}
    status = {"200": {"description": "The request status.", "content": content}}
    request = f"/{app_of(endpoint)}/requests/{{request_id}}"
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint}",
            "version": "1.0.0",
            "x-fal-metadata": {"endpointId": endpoint},
        },
        "servers": [{"url": "https://queue.fal.run"}],
        "components": {"schemas": {name: schema}},
        "paths": {
            f"{request}/status": {"get": {"responses": status}},
            request: {"get": {"responses": status}},
            f"/{endpoint}": {
                "post": {
                    "requestBody": {"required": True, "content": {"application/json": {"schema": refers}}},
                    "responses": status,
                }
            },
        },
    }
