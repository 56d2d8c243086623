"""The web server with the health check: GET /healthz."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.errors import StartRefused

_log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[bool]]

CHECK_TIMEOUT_S = 2.0
SHUTDOWN_TIMEOUT_S = 1.0
REQUEST_BYTES_MAX = 1024


class WebServer:
    """Answers GET /healthz: 200 when every check passes in time, 503 with the names of those that do not."""

    def __init__(
        self, host: str, port: int, checks: Mapping[str, Check], *, check_timeout_s: float = CHECK_TIMEOUT_S
    ) -> None:
        self._host = host
        self._port = port
        self._checks = dict(checks)
        self._check_timeout_s = check_timeout_s
        self._runner: web.AppRunner | None = None
        self._round: asyncio.Task[dict[str, bool]] | None = None

    @property
    def port(self) -> int:
        """The port it listens on, also when 0 asked for any free one."""
        if self._runner is None or not self._runner.addresses:
            return self._port
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Listen on the host and port.

        Raises:
            StartRefused: the port is taken, or the address is not this machine's.
        """
        app = web.Application(client_max_size=REQUEST_BYTES_MAX)
        app.router.add_get("/healthz", self._healthz)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise StartRefused(
                f"Nothing can listen on {self._host}:{self._port} ({error.strerror}). "
                "Set WANDA_WEB_PORT to a free port, or to 0 to go without /healthz."
            ) from error
        self._runner = runner

    async def close(self) -> None:
        """Stop listening; running requests get `SHUTDOWN_TIMEOUT_S` to finish."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait({self._round})

    async def _healthz(self, _request: web.Request) -> web.Response:
        """Answer with the checks' results; requests that come while they run share them."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._look(), name="healthz")
        passed = await asyncio.shield(self._round)
        failed = sorted(name for name, good in passed.items() if not good)
        answer = {"status": "failing" if failed else "ok", "checks": passed, "failed": failed}
        return web.json_response(answer, status=503 if failed else 200, headers={"Cache-Control": "no-store"})

    async def _look(self) -> dict[str, bool]:
        """Run all checks concurrently."""
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(self._passes(name, check)) for name, check in self._checks.items()}
        return {name: task.result() for name, task in tasks.items()}

    async def _passes(self, name: str, check: Check) -> bool:
        """Whether the check passes in time; why it does not is only logged."""
        try:
            async with asyncio.timeout(self._check_timeout_s):
                return await check()
        except Exception as error:  # noqa: BLE001 - any error means that the check did not pass
            _log.warning("health check %s: %s: %s", name, type(error).__name__, error)
            return False
