"""fal's price list: one base price per endpoint."""

from aiohttp import web

from sandbox.fal.gate import Gate
from sandbox.fal.listing import Listing

__all__ = ["pricing_route"]

IDS_MAX = 50


def pricing_route(gate: Gate, listing: Listing) -> web.RouteDef:
    """Return the route `GET /v1/models/pricing?endpoint_id=…`, which takes 1 to 50 ids and needs the key."""

    async def pricing(request: web.Request) -> web.StreamResponse:
        refused = gate.refuse_unknown(request, frozenset({"endpoint_id"}))
        if refused is not None:
            return refused
        return await gate.answer(request, "pricing", lambda: answer(request))

    async def answer(request: web.Request) -> web.Response:
        ids = [part for value in request.query.getall("endpoint_id", []) for part in value.split(",") if part]
        if not 1 <= len(ids) <= IDS_MAX:
            return _error(400, "validation_error", f"endpoint_id takes 1 to {IDS_MAX} ids, not {len(ids)}")
        strangers = sorted(one for one in ids if not listing.has_price(one))
        if strangers:
            return _error(404, "not_found", f"No pricing for {', '.join(strangers)}")
        prices = [listing.price_of(endpoint) for endpoint in ids]
        return web.json_response({"prices": prices, "next_cursor": None, "has_more": False})

    return web.get("/v1/models/pricing", pricing)


def _error(status: int, kind: str, message: str) -> web.Response:
    """Return an error in the format of fal's platform API."""
    return web.json_response({"error": {"type": kind, "message": message}}, status=status)
