"""The stand-in for fal as one server."""

import random
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Middleware

from sandbox.fal.billing import Bills
from sandbox.fal.control import ControlRoutes
from sandbox.fal.faults import FalFaults
from sandbox.fal.gate import Gate
from sandbox.fal.listing import Listing
from sandbox.fal.platform_routes import PlatformRoutes
from sandbox.fal.pricing import pricing_route
from sandbox.fal.queue import FalQueue
from sandbox.fal.queue_routes import QueueRoutes
from sandbox.fal.render_pool import RenderPool
from sandbox.fal.runner import FalRunner, FalSettings
from sandbox.fal.schemas import schema_route
from sandbox.fal.storage import Storage
from sandbox.fal.storage_routes import StorageRoutes
from sandbox.fal.webhooks import Webhooks

__all__ = ["ADMIN_KEY", "KEY", "FalSandbox"]

HOST = "127.0.0.1"
KEY = "sandbox-key-id:sandbox-key-secret"
ADMIN_KEY = "sandbox-admin-id:sandbox-admin-secret"
BODY_MAX_BYTES = 64 * 1024 * 1024  # room for a picture as a data URI
SHUTDOWN_S = 0.1  # open requests of a stand-in need not finish


class FalSandbox:
    """A stand-in for fal on one loopback port: queue, storage, CDN, platform API and control routes.

    Use it as an async context manager, or call `start` and `close`. `is_strict` refuses headers and options that fal
    ignores, so that a mistyped one is noticed; `is_still` is the setting of that name. Without `has_control` there are
    no control routes, which any page in a browser on this machine could post to. `middlewares` see every request.
    """

    def __init__(
        self,
        *,
        seconds_per_job: float = 4.0,
        concurrency: int = 2,
        key: str = KEY,
        seed: int | None = None,
        is_strict: bool = False,
        is_still: bool = False,
        has_control: bool = True,
        middlewares: Sequence[Middleware] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._is_strict = is_strict
        self._has_control = has_control
        self._middlewares = middlewares
        self.settings = FalSettings(seconds_per_job=seconds_per_job, is_still=is_still)
        self.faults = FalFaults()
        self.listing = Listing()
        self.keys = {key}  # those of the account; a test may add and take away
        self.admin_keys = {ADMIN_KEY}  # those that may read the bill and the balance
        self._key = key
        self._concurrency = concurrency
        self._dice = random.Random(seed)
        self._clock = lambda: clock() + self.settings.clock_ahead_s
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._storage: Storage | None = None
        self._render_pool: RenderPool | None = None
        self._queue: FalQueue | None = None
        self._webhooks: Webhooks | None = None

    @property
    def port(self) -> int:
        """The port it listens on, 0 before `start`."""
        return self._port

    @property
    def url(self) -> str:
        """The URL of every part of it."""
        return f"http://{HOST}:{self._port}"

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point Wanda at this stand-in."""
        names = ("FAL_QUEUE_URL", "FAL_QUEUE_BACKUP_URL", "FAL_REST_URL", "FAL_API_URL", "FAL_WEB_URL")
        return {"FAL_KEY": self._key} | dict.fromkeys(names, self.url)

    def admin_environment(self) -> dict[str, str]:
        """Return the environment variable that lets Wanda read this stand-in's bill and balance."""
        return {"FAL_ADMIN_KEY": ADMIN_KEY}

    async def start(self, port: int = 0) -> None:
        """Listen on this port of 127.0.0.1; 0 picks a free one.

        Raises:
            OSError: the port is taken.
        """
        self._storage = Storage()
        self._render_pool = RenderPool(self._storage.root)
        work = FalRunner(
            self._storage, self._render_pool, self.faults, self.settings, lambda: self.url, dice=self._dice
        )
        self._webhooks = Webhooks(self._clock, lambda: self.settings.webhook_retry_s, self.faults)
        self._queue = FalQueue(work.work, concurrency=self._concurrency, clock=self._clock, ended=self._webhooks.send)
        app = self._app(self._queue, self._storage, self._webhooks)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=SHUTDOWN_S, handler_cancellation=True, auto_decompress=False
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port, backlog=2048).start()
        except OSError:
            await self.close()
            raise
        self._port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Cancel every request and delete every file; repeating the call does nothing."""
        queue, runner, render_pool, storage = self._queue, self._runner, self._render_pool, self._storage
        webhooks = self._webhooks
        self._queue = self._runner = self._render_pool = self._storage = self._webhooks = None
        if webhooks is not None:
            await webhooks.close()
        if queue is not None:
            await queue.close()
        if runner is not None:
            await runner.cleanup()
        if render_pool is not None:
            await render_pool.close()
        if storage is not None:
            storage.close()

    def _app(self, queue: FalQueue, storage: Storage, webhooks: Webhooks) -> web.Application:
        """Return the application; paths of no other route go to the queue's handler."""
        gate = Gate(self.keys, self.faults, admin_keys=self.admin_keys, is_strict=self._is_strict)
        queue_routes = QueueRoutes(queue, self.faults, gate, self.settings, lambda: str(uuid4()), self._clock)
        platform = PlatformRoutes(queue, Bills(queue, self.settings), gate, self.settings, self._clock)
        app = web.Application(client_max_size=BODY_MAX_BYTES, middlewares=self._middlewares)
        if self._has_control:
            control = ControlRoutes(queue, queue_routes, self.faults, self.settings, webhooks, self.listing)
            app.add_routes(control.routes())
            app.add_routes(platform.control_routes())
        app.add_routes(StorageRoutes(storage, gate).routes())
        app.add_routes([web.get("/.well-known/jwks.json", webhooks.keys)])
        app.add_routes(platform.routes())
        app.add_routes([pricing_route(gate, self.listing), schema_route(gate, self.listing)])
        app.add_routes([web.route("*", "/{path:.*}", queue_routes.handle)])
        return app

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
