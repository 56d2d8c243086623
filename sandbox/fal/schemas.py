"""fal's machine-readable schemas: one OpenAPI document per endpoint, without a key."""

from aiohttp import web

from sandbox.fal.gate import Gate
from sandbox.fal.listing import Listing

__all__ = ["schema_route"]


def schema_route(gate: Gate, listing: Listing) -> web.RouteDef:
    """Return the route `GET /api/openapi/queue/openapi.json?endpoint_id=…`, which every model's page names."""

    async def schema(request: web.Request) -> web.StreamResponse:
        refused = gate.refuse_unknown(request, frozenset({"endpoint_id"}))
        if refused is not None:
            return refused
        endpoint = request.query.get("endpoint_id", "")

        async def answer() -> web.Response:
            document = listing.document_of(endpoint)
            return (
                web.json_response({"detail": "Not found"}, status=404)
                if document is None
                else web.json_response(document)
            )

        return await gate.answer(request, "schema", answer, key_needed=False, endpoint=endpoint)

    return web.get("/api/openapi/queue/openapi.json", schema)
