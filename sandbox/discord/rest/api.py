"""The way of a REST request: body, planned faults, authorisation, rate limits, handler, transcript, answer."""

import asyncio
import logging
import time
from collections.abc import Callable

from aiohttp import web

from sandbox.discord.core import Core
from sandbox.discord.faults import DiscordFault, page
from sandbox.discord.rate_limits import TOO_MANY, RateLimited
from sandbox.discord.rest import bodies, routes
from sandbox.discord.rest.route import Auth, Call, Route
from sandbox.discord.transcript import Exchange
from sandbox.discord.wire import ApiError, dumps

log = logging.getLogger(__name__)

PREFIX = "/api/v10"
JSON = "application/json"
CLOUDFLARE_BAN_S = 3600


class Api:
    """Serves every REST route."""

    def __init__(self, core: Core, stopwatch: Callable[[], float] = time.perf_counter) -> None:
        self._core = core
        self._stopwatch = stopwatch

    def register(self, router: web.UrlDispatcher) -> None:
        """Add every route, and a last one that answers 404 and logs what is missing."""
        for route in routes.ROUTES:
            router.add_route(route.method, PREFIX + route.path, self._handler(route))
        router.add_route("*", "/api/{rest:.*}", self._handler(None))

    def _handler(self, route: Route | None) -> Callable[[web.Request], "asyncio.Future[web.StreamResponse]"]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._exchange(route, request)

        return handle  # pyright: ignore[reportReturnType] - aiohttp takes any awaitable

    async def _exchange(self, route: Route | None, request: web.Request) -> web.StreamResponse:
        started = self._stopwatch()
        path = request.path.removeprefix(PREFIX)
        body = bodies.Body(b"", None, {})
        headers: dict[str, str] = {}
        try:
            body = await bodies.read_body(request, self._core.cdn)
            answer, status = await self._answer(route, request, body, headers)
        except ApiError as error:
            answer, status = dumps(error.body()), error.status
            if error.status == TOO_MANY:  # discord.py takes a 429 without these headers for a Cloudflare ban
                headers |= {"Via": "1.1 sandbox", "Retry-After": "1", "X-RateLimit-Scope": "user"}
        except RateLimited as many:
            answer, status = dumps(many.body()), 429
            headers |= many.headers | {
                "Via": "1.1 sandbox",
                "Retry-After": str(int(many.retry_after_s) + 1),
                "X-RateLimit-Scope": many.scope,
            }
        except Exception:
            log.exception("The sandbox itself failed on %s %s", request.method, path)
            answer, status = dumps({"message": "500: Internal Server Error", "code": 0}), 500
        is_shared = headers.get("X-RateLimit-Scope") == "shared"
        self._core.limits.record(
            status,
            f"{request.method} {route.path if route else path}",
            is_shared=is_shared,
            with_bot_token=route is not None and route.auth is Auth.BOT,
        )
        ms = (self._stopwatch() - started) * 1000
        told = dumps(answer.decode()) if answer.startswith(b"<") else answer
        self._core.transcript.add(Exchange(request.method, path, body.text, status, told, ms))
        if status == 0:
            return _hang_up(request)
        return web.Response(
            status=status, body=answer or None, headers=({"Content-Type": JSON} if answer else {}) | headers
        )

    async def _answer(
        self, route: Route | None, request: web.Request, body: bodies.Body, headers: dict[str, str]
    ) -> tuple[bytes, int]:
        """Return the answer's bytes and status; status 0 closes the connection without an answer."""
        fault = self._core.faults.take(request.method, request.path.removeprefix(PREFIX))
        if fault is None:
            return self._handle(route, request, body, headers)
        answer = self._handle(route, request, body, headers) if fault.after else None
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.drop or fault.status is not None:
            return _fault_answer(fault, headers)
        return self._handle(route, request, body, headers) if answer is None else answer

    def _handle(
        self, route: Route | None, request: web.Request, body: bodies.Body, headers: dict[str, str]
    ) -> tuple[bytes, int]:
        if route is None:
            log.warning("The sandbox has no route %s %s", request.method, request.path)
            raise ApiError(404, 0, "404: Not Found (the sandbox does not know this route)")
        if route.auth is Auth.BOT:
            self._authorise(request)
            self._core.limits.take_global()
        if route.rate is not None:
            headers |= self._core.limits.take(route.rate, request.match_info)
        reply = route.handler(Call(self._core, request.match_info, request.query, body.value, body.uploads))
        return b"" if reply.body is None else dumps(reply.body), reply.status

    def _authorise(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bot {self._core.token}" or self._core.gateway.is_token_reset:
            raise ApiError(401, 0, "401: Unauthorized")


def _fault_answer(fault: DiscordFault, headers: dict[str, str]) -> tuple[bytes, int]:
    if fault.drop or fault.status is None:
        return b"", 0
    if fault.html:
        headers |= {"Content-Type": "text/html; charset=UTF-8", "Server": "cloudflare"}
        if fault.status == TOO_MANY:
            headers["Retry-After"] = str(int(fault.retry_after_s or CLOUDFLARE_BAN_S))
        return page(fault.status), fault.status
    if fault.status == TOO_MANY:  # discord.py takes a 429 without these headers for a Cloudflare ban
        headers |= {
            "Via": "1.1 sandbox",
            "Retry-After": str(int(fault.retry_after_s or 1) + 1),
            "X-RateLimit-Scope": "shared",
        }
    return dumps(fault.answer()), fault.status


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
