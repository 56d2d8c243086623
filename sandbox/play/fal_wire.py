"""Notes what the stand-in for fal received and answered."""

import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.discord.wire import Json

TEXT_MAX = 200_000
TEXTUAL = ("application/json", "text/")


class FalWire:
    """Makes a middleware for the stand-in; `told` gets each exchange."""

    def __init__(self) -> None:
        self.told: Callable[[Json], None] = lambda _: None

    def middleware(self) -> Middleware:
        """Return the middleware."""

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._note(request, handler)

        return note

    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        sent = ""
        if request.content_type == "application/json" and (request.content_length or 0) <= TEXT_MAX:
            sent = (await request.read()).decode(errors="replace")
        status, answer = None, ""
        try:
            response = await handler(request)
            status, answer = response.status, _answer(response)
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            gone = request.transport is None or request.transport.is_closing()
            self.told(
                {
                    "to": "fal",
                    "what": f"{request.method} {request.path}",
                    "status": None if gone else status,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                    "request": sent,
                    "answer": answer,
                }
            )
        return response


def _answer(response: web.StreamResponse) -> str:
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        if response.content_type.startswith(TEXTUAL):
            return response.body[:TEXT_MAX].decode(errors="replace")
        return f"{len(response.body):,} bytes"
    return "a stream of status events" if response.content_type == "text/event-stream" else ""
