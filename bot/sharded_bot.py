"""A discord.py client that connects the shards which this process holds, and more when it takes some over.

discord.py connects a fixed set of shards, at the start. Here it connects none by itself: `open_shards` does, at the
pace that Discord allows to all processes together, and each shard is ready for itself.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Collection
from typing import Any, Protocol, runtime_checkable

import discord
from discord.ext import commands

from bot.endpoints import gateway_address, skip_unreadable_events, use_shard_count
from bot.session_starts import SessionStarts, StartLimits
from bot.sharding import NO_SHARD, Shards, in_words
from bot.units import counted

log = logging.getLogger(__name__)
ASK_AGAIN_S = 5.0
LOOK_AGAIN_S = 600.0  # while too few session starts are left
OPENING_SLACK_S = 60.0  # more than one shard takes to connect


@runtime_checkable
class TakesUp(Protocol):
    """A cog that goes on with what the last owner of some shards left."""

    async def take_up(self, shards: Shards) -> None:
        """Find what they left. It is called before the shards' sessions begin, and must not take long."""
        ...


class ShardedBot(commands.AutoShardedBot):
    """`held` are the shards of this process; those of them are ready whose servers are known."""

    def __init__(self, starts: SessionStarts, **options: Any) -> None:
        self.held: Shards = NO_SHARD
        self._starts = starts
        self._ready_ids: set[int] = set()
        self._taken_up: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._is_connecting = asyncio.Event()
        self._opens_until = 0.0
        self._has_ready_shard = asyncio.Event()
        super().__init__(**options)
        skip_unreadable_events(self)

    def hold(self, shards: Shards) -> None:
        """Have these shards from now on; `open_shards` connects them."""
        use_shard_count(self, shards.count)
        self.held = shards

    def held_shards(self) -> Shards:
        """Return the shards of this process."""
        return self.held

    def ready_shards(self) -> Shards:
        """Return those that were connected once, so that their servers and channels are known."""
        return Shards(self.held.count, self.held.ids & self._ready_ids)

    async def take_up(self, shards: Shards) -> None:
        """Have every cog go on with what the last owner of these shards left; their sessions may begin then."""
        for cog in self.cogs.values():
            if isinstance(cog, TakesUp):
                await cog.take_up(shards)
        for one in shards.ids:
            self._taken_up[one].set()

    async def launch_shards(self) -> None:
        """Launch none, but let `open_shards` begin; discord.py calls this when it connects."""
        self._is_connecting.set()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait until the shard may identify."""
        del initial
        await self._taken_up[shard_id or 0].wait()
        await self._starts.turn(shard_id or 0)

    async def open_shards(self, ids: Collection[int]) -> None:
        """Connect these shards, each as soon as it may identify; the client must be connected, or about to be.

        It may be called before they are taken up: all but the beginning of a session is done meanwhile.
        """
        await self._is_connecting.wait()
        limits = await self._await_starts(len(ids))
        self._starts.max_concurrency = limits.max_concurrency
        buckets: dict[int, list[int]] = {}
        for one in sorted(ids):
            buckets.setdefault(one % limits.max_concurrency, []).append(one)
        await asyncio.gather(*(self._open_in_turn(bucket) for bucket in buckets.values()))
        self._opens_until = 0.0

    @property
    def is_opening(self) -> bool:
        """Whether shards wait for their turn to connect, and not longer than all shards' turns take together."""
        return time.monotonic() < self._opens_until

    async def _open_in_turn(self, ids: Collection[int]) -> None:
        for one in ids:
            self._wait_to_open(self.held.count * self._starts.every_s)
            await self.launch_shard(gateway_address(), one)

    async def start_limits(self) -> StartLimits:
        """Ask Discord how many shards it recommends, and how many sessions may be started.

        Raises:
            discord.GatewayNotFound: it did not answer.
        """
        recommended, _, limit = await self.http.get_bot_gateway()
        return StartLimits(
            recommended=recommended,
            remaining=limit["remaining"],
            total=limit["total"],
            reset_after_s=limit["reset_after"] / 1000,
            max_concurrency=max(1, limit["max_concurrency"]),
        )

    async def _await_starts(self, wanted: int) -> StartLimits:
        """Return once Discord allows so many session starts: beyond, it resets the bot's token."""
        while True:
            try:
                limits = await self.start_limits()
            except (discord.DiscordException, OSError) as error:
                log.warning("Discord's limits on session starts are asked for again: %s", error)
                await asyncio.sleep(ASK_AGAIN_S)
                continue
            if limits.suffice_for(wanted):
                return limits
            log.error(
                "Discord allows only %s for the next %.0f s, and %d are needed: Wanda waits for more. Something starts "
                "her again and again; the log of the last ends says what.",
                counted(limits.remaining, "more session start"),
                limits.reset_after_s,
                wanted,
            )
            wait_s = min(limits.reset_after_s + 1.0, LOOK_AGAIN_S)
            self._wait_to_open(wait_s)
            await asyncio.sleep(wait_s)

    def _wait_to_open(self, seconds: float) -> None:
        self._opens_until = time.monotonic() + seconds + OPENING_SLACK_S

    async def on_shard_ready(self, shard_id: int) -> None:
        """Note that the shard's servers are known; once all are, that is told as discord.py's "ready"."""
        self._ready_ids.add(shard_id)
        self._has_ready_shard.set()
        if self.is_ready():
            which = "" if self.held.is_all else f", with shards {self.held}"
            log.info("Wanda is ready: %s, in %s%s", self.user, counted(len(self.guilds), "server"), which)
            self.dispatch("ready")
        else:
            log.info("shard %d is ready, of %s", shard_id, in_words(self.held.ids))

    def is_ready(self) -> bool:
        """Return whether every shard that it holds was connected once."""
        return bool(self.held.ids) and self.held.ids <= self._ready_ids

    async def wait_until_ready(self) -> None:
        """Return once a first shard is ready."""
        await self._has_ready_shard.wait()

    def is_connected(self) -> bool:
        """Return whether every shard is connected; one stays "ready" while it reconnects."""
        shards = self.shards.values()
        return self.is_ready() and not self.is_closed() and not any(shard.is_closed() for shard in shards)
