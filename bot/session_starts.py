"""When a shard may identify at Discord: one of each bucket every 5 s, over all processes.

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
LOOK_S = 0.25  # between two looks whether another process is done


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


class BucketLocks(Protocol):
    """Locks that only one process has at a time (`bot/storage/ownership.py`)."""

    async def lock_bucket(self, bucket: int) -> bool:
        """Take the bucket's lock if it is free; raises OwnershipLost, StorageError."""
        ...

    async def unlock_bucket(self, bucket: int) -> None:
        """Give the lock up; raises as `lock_bucket`."""
        ...


class SessionStarts:
    """Lets shards identify one after another. Without `locks` this process is the only one."""

    def __init__(
        self,
        every_s: float,
        locks: BucketLocks | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.max_concurrency = 1
        self.every_s = every_s
        self._locks = locks
        self._clock = clock
        self._sleep = sleep
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._next_at: dict[int, float] = {}
        self._freeing: set[asyncio.Task[None]] = set()

    async def turn(self, shard: int) -> None:
        """Return when the shard may identify; never, once this process has lost its part of the database."""
        bucket = shard % self.max_concurrency
        async with self._turns[bucket]:
            await self._sleep(max(0.0, self._next_at.get(bucket, 0.0) - self._clock()))
            if self._locks is not None:
                while not await self._is_ours(self._locks, bucket):
                    await self._sleep(LOOK_S)
                self._freeing.add(task := asyncio.create_task(self._free_later(self._locks, bucket)))
                task.add_done_callback(self._freeing.discard)
            self._next_at[bucket] = self._clock() + self.every_s

    async def _is_ours(self, locks: BucketLocks, bucket: int) -> bool:
        """Take the bucket's lock if it is free. Only who still holds its shards may connect them."""
        try:
            return await locks.lock_bucket(bucket)
        except OwnershipLost:
            await asyncio.Event().wait()
        except StorageError as error:
            log.warning("a shard connects once the database answers again: %s", error)
            await self._sleep(1.0)
        return False

    async def _free_later(self, locks: BucketLocks, bucket: int) -> None:
        await self._sleep(self.every_s)
        try:
            await locks.unlock_bucket(bucket)
        except StorageError as error:  # the session broke, which also frees the lock
            log.debug("a lock on session starts was freed otherwise: %s", error)
