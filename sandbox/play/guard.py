"""Who may talk to the page: this machine's own browser, on the address that was printed."""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

PLACE = "place"  # the part of the path that nobody can guess
READING = frozenset({"GET", "HEAD"})
# Of a file that somebody posted: opened by itself it is shown, but is nobody's page, and runs nothing.
FILE_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


def content_policy(port: int, fal_url: str) -> str:
    """Return the Content-Security-Policy: nothing is loaded from outside this machine."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        f"img-src 'self' blob: data: {fal_url}; media-src 'self' blob: {fal_url}; "
        f"connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def guard(token: str, port: int, policy: str) -> Middleware:
    """Return a middleware that lets only the page itself through.

    The Host keeps out pages whose name was made to point at this machine (DNS rebinding), the Origin keeps out pages
    that post here or open the stream, and the token keeps out everybody who has not seen the printed address. Files of
    the CDN need no token: their addresses are signed.
    """
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host not in hosts:
            raise web.HTTPForbidden(text="This page answers under its own address only.")
        origin = request.headers.get("Origin")
        is_stream = request.headers.get("Upgrade", "").lower() == "websocket"
        if origin != f"http://{request.host}" and (origin is not None or is_stream or request.method not in READING):
            raise web.HTTPForbidden(text="Another page may not do this.")
        if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"} and request.path != _home(token):
            raise web.HTTPForbidden(text="Another page may not load this.")
        given = request.match_info.get(PLACE)
        if given is not None and not hmac.compare_digest(given.encode(), token.encode()):
            raise web.HTTPNotFound(text="This is not the address that was printed.")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(
                {
                    "Content-Security-Policy": FILE_POLICY if given is None else policy,
                    "Cross-Origin-Resource-Policy": "same-origin",
                    "Referrer-Policy": "no-referrer",
                    "X-Content-Type-Options": "nosniff",
                }
            )
        return response

    return check


def _home(token: str) -> str:
    return f"/{token}/"
