"""When a shard may identify at Discord: one of each bucket every 5 s, over all processes, also those that died.

https://discord.com/developers/docs/events/gateway#sharding-max-concurrency
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.errors import OwnershipLost, StorageError

log = logging.getLogger(__name__)
AGAIN_S = 1.0  # until a database that did not answer is asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLimits:
    """What Discord says of session starts: how many are left of `total`, and how many shards it recommends."""

    recommended: int
    remaining: int
    total: int
    reset_after_s: float
    max_concurrency: int

    def suffice_for(self, starts: int) -> bool:
        """Return whether so many sessions may start now; never all of them where there are more than the total."""
        return self.remaining >= min(starts, self.total)


class StartNotes(Protocol):
    """What all processes note of their session starts (`bot/storage/ownership.py`)."""

    async def start_session(self, bucket: int, every_s: float) -> float:
        """Note a start now and return 0.0, or the time to wait before; raises OwnershipLost, StorageError."""
        ...


class SessionStarts:
    """Lets shards identify one after another. Without `notes` this process is the only one."""

    def __init__(
        self,
        every_s: float,
        notes: StartNotes | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.max_concurrency = 1
        self.every_s = every_s
        self._notes = notes
        self._clock = clock
        self._sleep = sleep
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._next_at: dict[int, float] = {}

    async def turn(self, shard: int) -> None:
        """Return when the shard may identify; never, once this process has lost its part of the database."""
        bucket = shard % self.max_concurrency
        async with self._turns[bucket]:
            while (wait_s := await self._wait_s(bucket)) > 0:
                await self._sleep(wait_s)

    async def _wait_s(self, bucket: int) -> float:
        """Return 0.0 if a shard identifies now. Only who still holds its shards may connect them."""
        if self._notes is None:
            wait_s = self._next_at.get(bucket, 0.0) - self._clock()
            if wait_s <= 0:
                self._next_at[bucket] = self._clock() + self.every_s
            return max(0.0, wait_s)
        try:
            return await self._notes.start_session(bucket, self.every_s)
        except OwnershipLost:
            await asyncio.Event().wait()
        except StorageError as error:
            log.warning("a shard connects once the database answers again: %s", error)
        return AGAIN_S
