"""Which servers belong to which process, and which shards a process takes.

Discord spreads an application's servers over shards, and a shard's events over one connection
(https://discord.com/developers/docs/events/gateway#sharding). A server's jobs, notices and files belong to the process
that holds its shard; direct messages belong to shard 0.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

COUNT_MAX = 4096  # more than Discord recommends to anybody; a typing error is larger
_EXACT = re.compile(r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?/(?P<count>\d{1,5})")
_AUTO = re.compile(r"auto/(?P<count>\d{1,5})")


def shard_of(guild_id: int | None, count: int) -> int:
    """Return the shard of a server among `count`; direct messages (None or 0) are on shard 0."""
    return ((guild_id or 0) >> 22) % count


@dataclass(frozen=True, slots=True)
class Shards:
    """Some of `count` shards."""

    count: int
    ids: frozenset[int]

    def __str__(self) -> str:
        return f"{in_words(self.ids)} of {self.count}"

    @property
    def is_all(self) -> bool:
        """Whether no shard is missing."""
        return len(self.ids) == self.count

    def owns(self, guild_id: int | None) -> bool:
        """Return whether the server, or direct messages (None or 0), are on one of these shards."""
        return shard_of(guild_id, self.count) in self.ids

    def where(self, column: str = "guild_id") -> str:
        """Return the SQL condition for both engines that a row's server is on one of these shards."""
        if self.is_all:
            return "1 = 1"
        if not self.ids:
            return "1 = 0"
        return f"(({column} >> 22) % {self.count}) IN ({', '.join(map(str, sorted(self.ids)))})"

    def __or__(self, more: Collection[int]) -> "Shards":
        return Shards(self.count, self.ids | frozenset(more))

    def __sub__(self, fewer: Collection[int]) -> "Shards":
        return Shards(self.count, self.ids - frozenset(fewer))


def named(ids: Collection[int], count: int | None) -> str:
    """Return "shard 0 of 1" or "shards 0-3 of 16"."""
    return f"{'shard' if len(ids) == 1 else 'shards'} {in_words(ids)} of {count}"


EVERY_SHARD = Shards(1, frozenset({0}))  # one process with one connection
NO_SHARD = Shards(1, frozenset())
ShardsNow: TypeAlias = Callable[[], Shards]  # the shards that this process holds at this moment


def every_shard() -> Shards:
    """Return the shards of a process that has no other beside it."""
    return EVERY_SHARD


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """Which shards a process works on: of `wanted` those that are free; `count` is None when Discord is to say it."""

    count: int | None
    wanted: frozenset[int] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether one process does it all, so that another one is refused and does not stand by."""
        return self.count is None


WHOLE = ShardPlan(None)


def shard_plan(text: str) -> ShardPlan:
    """Return what `WANDA_SHARDS` says: `all`, `auto/16` for any of 16 shards, `0-3/16` or `5/16` for these.

    Raises:
        ValueError: it says nothing of this kind; the text is a sentence for the operator.
    """
    if text == "all":
        return WHOLE
    if (auto := _AUTO.fullmatch(text)) is not None:
        count = int(auto["count"])
        first, last = 0, count - 1
    elif (exact := _EXACT.fullmatch(text)) is not None:
        count = int(exact["count"])
        first, last = int(exact["first"]), int(exact["last"] or exact["first"])
    else:
        raise ValueError("it is all, auto/16 (any of 16 shards that are free) or 0-3/16 (these four of 16)")
    if not 1 <= count <= COUNT_MAX:
        raise ValueError(f"the number of shards is between 1 and {COUNT_MAX}")
    if not first <= last < count:
        raise ValueError(f"with {count} shards their numbers go from 0 to {count - 1}, the smaller one first")
    return ShardPlan(count, frozenset(range(first, last + 1)))


def to_claim(plan: ShardPlan, *, held: Collection[int], taken: Collection[int], most: int) -> tuple[int, ...]:
    """Return the shards to claim next, the lowest first; with them the process holds at most `most` (0: no bound).

    `taken` are those that any process holds, this one included.
    """
    free = sorted(plan.wanted.difference(held, taken))
    return tuple(free[: max(0, most - len(held))] if most else free)


def in_words(ids: Collection[int]) -> str:
    """Return shards as `0-3, 7`; `none` if there are none."""
    runs: list[list[int]] = []
    for one in sorted(ids):
        if runs and runs[-1][-1] == one - 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs) or "none"
