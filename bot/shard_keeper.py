"""Claims shards, has their jobs taken up and their connections opened, and watches that they stay this process's."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import NoReturn, Protocol

from bot.errors import OwnershipLost, StartRefused, StorageError
from bot.settings import ShardSettings
from bot.sharding import ShardPlan, Shards, named
from bot.trouble import Trouble

log = logging.getLogger(__name__)
AGAIN_S = 1.0  # until what failed is tried again
CHECK_S = 1.0  # between two checks that nothing was lost


class Claims(Protocol):
    """What has the shards in the database (`bot/storage/ownership.py`)."""

    async def ensure(self, *, trust_s: float) -> None:
        """Check that nothing was lost; raises OwnershipLost, StorageError."""
        ...

    async def claim(self, *, most: int, trust_s: float) -> frozenset[int]:
        """Take what is free, up to `most` in all, or check if that is no more; raises as `ensure`."""
        ...

    @property
    def unchecked_s(self) -> float:
        """How long ago the database last answered, in seconds."""
        ...


class ShardHolder(Protocol):
    """Who works on the shards: the client."""

    held: Shards

    def hold(self, shards: Shards) -> None:
        """Have these from now on."""
        ...

    async def open_shards(self, ids: Collection[int]) -> None:
        """Connect these; none begins a session before it has been taken up."""
        ...


class ShardKeeper:
    """Without `claims` this process is the only one, and has all.

    `take_up` goes on with what the last owner of shards left, and lets their sessions begin; it may be called again.
    """

    def __init__(
        self,
        claims: Claims | None,
        holder: ShardHolder,
        settings: ShardSettings,
        *,
        take_up: Callable[[Shards], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._claims = claims
        self._holder = holder
        self._settings = settings
        self._take_up = take_up
        self._sleep = sleep
        self._trouble = Trouble("the hold on the database")
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def _plan(self) -> ShardPlan:
        return self._settings.plan

    async def begin(self, recommended: int) -> None:
        """Take what is free, or everything, in as many shards as Discord recommends; nothing is connected yet.

        Raises:
            OwnershipLost: another process has what is to be this one's.
            StorageError: the database did not answer.
            StartRefused: as `take_up`.
        """
        count = self._plan.count or recommended
        everything = Shards(count, frozenset(range(count)))
        self._holder.hold(everything if self._plan.is_whole else Shards(count, await self._claimed()))
        if self._holder.held.ids:
            log.info("this process has %s", named(self._holder.held.ids, self._holder.held.count))
            await self._take_up(self._holder.held)
        else:
            log.info("standing by for %s: other processes have all there are", self.wanted)

    @property
    def wanted(self) -> str:
        """The shards that it takes when they are free, in words."""
        return named(self._plan.wanted, self._plan.count)

    async def keep(self, on_first: Callable[[], None]) -> NoReturn:
        """Connect what it has, look for free shards, and check the hold, for ever; `on_first` tells of the first ones.

        Raises:
            OwnershipLost: another process has a shard of this one, or may have.
        """
        try:
            self._open(self._holder.held.ids)
            while True:
                await self._sleep(self._settings.look_s)
                more = await self._look()
                if more:
                    await self._take_over(more, on_first)
        finally:
            for task in self._opening:
                task.cancel()

    def _open(self, ids: Collection[int]) -> None:
        if ids:
            self._opening.add(task := asyncio.create_task(self._holder.open_shards(ids), name="open shards"))
            task.add_done_callback(self._opening.discard)

    async def _claimed(self) -> frozenset[int]:
        if self._claims is None:
            return frozenset()
        return await self._claims.claim(most=self._settings.shards_max, trust_s=CHECK_S)

    async def _look(self) -> frozenset[int]:
        """Check the hold, and return shards that were free and are this process's now."""
        if self._claims is None:
            return frozenset()
        try:
            if self._plan.is_whole:
                await self._claims.ensure(trust_s=CHECK_S)
                more = frozenset[int]()
            else:
                more = await self._claimed()
        except OwnershipLost:
            raise
        except StorageError as error:
            self._trouble.failed(str(error))
            has_some = bool(self._holder.held.ids) and not self._plan.is_whole
            if has_some and self._claims.unchecked_s > self._settings.unchecked_max_s:
                raise OwnershipLost(
                    f"It could not be checked for {self._claims.unchecked_s:.0f} s whether this process still has its "
                    "shards, so another one may have them."
                ) from error
            await self._sleep(AGAIN_S)
            return frozenset()
        self._trouble.worked()
        return more

    async def _take_over(self, more: frozenset[int], on_first: Callable[[], None]) -> None:
        """Go on with these shards, and connect them meanwhile; what fails is tried again: nobody else does it."""
        is_first = not self._holder.held.ids
        new = self._taken_over(Shards(self._holder.held.count, more))
        if is_first:
            on_first()
        self._open(more)
        while True:
            try:
                await self._take_up(new)
            except OwnershipLost:
                raise
            except (StorageError, StartRefused) as error:
                log.warning("what the last owner of shards %s left is looked at again: %s", new, error)
                await self._sleep(AGAIN_S)
                if even_more := await self._look():
                    new = self._taken_over(new | even_more)
                    self._open(even_more)
            else:
                return

    def _taken_over(self, new: Shards) -> Shards:
        self._holder.hold(self._holder.held | new.ids)
        log.warning("took over shards %s", new)
        return new
