"""The parts of one running sandbox, as every route gets them."""

from dataclasses import dataclass

from sandbox.discord.cdn import Cdn
from sandbox.discord.clock import Clock, Snowflakes
from sandbox.discord.faults import DiscordFaults
from sandbox.discord.gateway import Gateway
from sandbox.discord.rate_limits import RateLimits
from sandbox.discord.serializer import Serializer
from sandbox.discord.transcript import Transcript
from sandbox.discord.watchers import Watchers
from sandbox.discord.world import World


@dataclass(frozen=True, slots=True)
class Core:
    """Everything that a request may need; one per stand-in. `is_strict` refuses keys that Discord ignores."""

    clock: Clock
    ids: Snowflakes
    world: World
    cdn: Cdn
    serialize: Serializer
    gateway: Gateway
    limits: RateLimits
    faults: DiscordFaults
    transcript: Transcript
    is_strict: bool
    watchers: Watchers

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.gateway.token
