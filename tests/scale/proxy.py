"""The proxy in front of all processes: it brings fal's webhooks to one of those that are there."""

import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

HOST = "127.0.0.1"
TIMEOUT_S = 10.0


class Proxy:
    """Passes each POST on to the first of `ports()` that takes it, beginning with another one each time."""

    def __init__(self, ports: Callable[[], Sequence[int]]) -> None:
        self._ports = ports
        self._turn = 0
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        app = web.Application()
        app.router.add_post("/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        await self._http.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body, headers = await request.read(), {**request.headers}
        ports = self._ports()
        self._turn += 1
        status = int(HTTPStatus.BAD_GATEWAY)
        for place in range(len(ports)):
            url = f"http://{HOST}:{ports[(self._turn + place) % len(ports)]}{request.path_qs}"
            try:
                async with self._http.post(url, data=body, headers=headers) as answer:
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                continue
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
        return web.Response(status=status)


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])
