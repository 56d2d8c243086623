"""The stand-in as one server: REST, gateway, CDN and control routes on one loopback port."""

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.discord.cdn import Cdn
from sandbox.discord.clock import Clock, Snowflakes
from sandbox.discord.control import routes
from sandbox.discord.core import Core
from sandbox.discord.faults import DiscordFaults
from sandbox.discord.gateway import Gateway
from sandbox.discord.rate_limits import GLOBAL_PER_SECOND, RateLimits
from sandbox.discord.rest.api import Api
from sandbox.discord.serializer import Serializer
from sandbox.discord.session import Intent
from sandbox.discord.session_starts import IDENTIFY_INTERVAL_S
from sandbox.discord.transcript import Transcript
from sandbox.discord.watchers import Watchers
from sandbox.discord.world import World

HOST = "127.0.0.1"
MAX_ORDER_BYTES = 768 * 1024 * 1024
SHUTDOWN_S = 0.1


class DiscordSandbox:
    """A stand-in for Discord. `start` makes it listen; `environment` returns what points a bot at it.

    `privileged` are the intents that the developer portal allows; `seed` makes tokens and secrets repeatable;
    `identify_interval_s` is the time between two IDENTIFYs, which tests that restart a bot often may shorten;
    `is_strict` refuses keys in bodies that Discord ignores, so that a mistyped one is noticed. Without `has_control`
    there are no control routes, which any page in a browser on this machine could post to.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        privileged: Intent = Intent.NONE,
        global_per_second: int = GLOBAL_PER_SECOND,
        identify_interval_s: float = IDENTIFY_INTERVAL_S,
        is_strict: bool = False,
        has_control: bool = True,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        random = Random(seed)
        clock = Clock(wall=wall, monotonic=monotonic)
        self.core = _new_core(
            random, clock, privileged, global_per_second, identify_interval_s=identify_interval_s, is_strict=is_strict
        )
        self._has_control = has_control
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; 0 picks a free port, which `port` then has."""
        app = web.Application(client_max_size=MAX_ORDER_BYTES)
        self._routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port, backlog=2048)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self.core.cdn.base_url = f"http://{HOST}:{self.port}/cdn"
        self.core.gateway.url = f"ws://{HOST}:{self.port}/"

    def _routes(self, router: web.UrlDispatcher) -> None:
        cdn = self.core.cdn
        for folder in ("attachments", "ephemeral-attachments"):
            router.add_get(f"/cdn/{folder}/{{channel}}/{{attachment}}/{{filename}}", cdn.serve)
        router.add_get("/cdn/{kind:embed/avatars|avatars}/{rest:.*}", cdn.serve_avatar)
        router.add_get("/", self.core.gateway.handle)
        if self._has_control:
            routes.register(router, self.core)
        Api(self.core).register(router)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point a bot at this stand-in."""
        return {
            "DISCORD_TOKEN": self.core.token,
            "DISCORD_API_URL": f"http://{HOST}:{self.port}/api/v10",
            "DISCORD_GATEWAY_URL": self.core.gateway.url,
            "DISCORD_CDN_URL": self.core.cdn.base_url,
        }

    def reset_token(self) -> str:
        """Do what Reset Token in the developer portal does: end the bot's token at once, and return the new one."""
        token = f"{self.core.token.rpartition('.')[0]}.{secrets.token_hex(19)}"
        self.core.gateway.change_token(token)
        return token

    @property
    def control_url(self) -> str:
        """The URL of the control routes, without a trailing slash."""
        return f"http://{HOST}:{self.port}/sandbox"

    async def close(self) -> None:
        """Close every connection, stop listening and delete the uploaded files."""
        if self._runner is not None:
            await self.core.gateway.close()
            await self._runner.cleanup()
            self._runner = None
        self.core.cdn.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _new_core(
    random: Random,
    clock: Clock,
    privileged: Intent,
    global_per_second: int,
    *,
    identify_interval_s: float,
    is_strict: bool,
) -> Core:
    ids, transcript, faults = Snowflakes(clock), Transcript(), DiscordFaults()
    world = World(clock, ids, random)
    cdn = Cdn(clock, faults, random.randbytes(32))
    serialize = Serializer(world, cdn)
    # A token begins with the bot's id in base64 (https://discord.com/developers/docs/reference#authentication).
    owner = urlsafe_b64encode(str(world.bot.id).encode()).decode().rstrip("=")
    token = f"{owner}.sandbx.{random.getrandbits(152):038x}"
    gateway = Gateway(
        world,
        serialize,
        transcript,
        clock=clock,
        random=random,
        token=token,
        privileged=privileged,
        identify_interval_s=identify_interval_s,
    )
    limits = RateLimits(clock, global_per_second)
    return Core(clock, ids, world, cdn, serialize, gateway, limits, faults, transcript, is_strict, Watchers())
