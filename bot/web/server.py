"""The web server: one port with a route for each part that is asked from outside.

It listens before anything else is opened, and before this process owns the database: the supervisor asks whether it is
alive, and whether it is ready. A route whose part is not up yet, or not any more, answers 503.
"""

import asyncio
import errno
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.errors import SettingsRefused
from bot.settings import WebSettings
from bot.web.connections import Connections

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

SHUTDOWN_TIMEOUT_S = 1.0
BODY_BYTES_MAX = 1024
log = logging.getLogger(__name__)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Return whether aiohttp logs a defect: what is no HTTP has its 400, and anybody may send it without end."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


log.addFilter(_is_worth_a_line)


class Route:
    """A method and a path (`/fal/{job}/{mac}` has two variables, in `request.match_info`), and who answers it."""

    def __init__(self, method: str, path: str, answer: Answer | None = None, *, body_bytes_max: int = 0) -> None:
        self.method = method
        self.path = path
        self.body_bytes_max = body_bytes_max
        self._answer = answer

    def use(self, answer: Answer | None) -> None:
        """Let this answer from now on; None answers 503."""
        self._answer = answer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; 413 when its announced body is longer than `body_bytes_max`, 400 when it is no body."""
        if self._answer is None:
            return web.Response(status=503, headers={"Retry-After": "5"})
        if (request.content_length or 0) > self.body_bytes_max:
            return web.Response(status=413)
        try:
            return await self._answer(request)
        except (HttpProcessingError, web.RequestPayloadError):
            return web.Response(status=400)


class WebServer:
    """Answers the routes on one host and port; 404 for every other path.

    Of `settings` only the bounds on connections count.
    """

    def __init__(self, host: str, port: int, routes: Sequence[Route], *, settings: WebSettings | None = None) -> None:
        self._host = host
        self._port = port
        self._routes = tuple(routes)
        self.connections = Connections(settings or WebSettings())
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on, also when 0 asked for any free one."""
        if self._listening is None or not self._listening.sockets:
            return self._port
        return int(self._listening.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen on the host and port.

        Raises:
            SettingsRefused: the port is taken, or the address is not this machine's.
        """
        # The longest of all: a body without an announced length is read up to this.
        longest = max([BODY_BYTES_MAX, *(route.body_bytes_max for route in self._routes)])
        app = web.Application(client_max_size=longest, middlewares=[self.connections.answer])
        for route in self._routes:
            app.router.add_route(route.method, route.path, route.answer)
        runner = web.AppRunner(app, access_log=None, logger=log, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        await runner.setup()
        answering = cast("web.Server", runner.server)  # it is there once the runner is set up
        try:
            self._listening = await asyncio.get_running_loop().create_server(
                lambda: self.connections.watched(answering()), self._host, self._port
            )
        except OSError as error:
            await runner.cleanup()
            raise SettingsRefused(
                f"Nothing can listen on {self._host}:{self._port} ({_in_words(error)}). {_way_out(error)}, or "
                "WANDA_WEB_PORT to 0 to go without a web server."
            ) from error
        self._runner = runner

    async def close(self) -> None:
        """Stop listening; running requests get `SHUTDOWN_TIMEOUT_S` to finish."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


def _in_words(error: OSError) -> str:
    """Return the system's own words: asyncio's sentence repeats the address."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)  # a name's errors are negative


def _way_out(error: OSError) -> str:
    """Return which setting leads to an address that can be listened on."""
    match error.errno:
        case errno.EADDRINUSE:
            return "If another Wanda runs here, stop it; else set WANDA_WEB_PORT to a free port"
        case errno.EACCES:
            return "Set WANDA_WEB_PORT to a port above 1023"
        case _:
            return "Set WANDA_WEB_HOST to an address of this machine"
