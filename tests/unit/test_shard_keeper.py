import asyncio
from collections.abc import Collection

import pytest

from bot.errors import OwnershipLost, StartRefused, StorageError
from bot.settings import ShardSettings
from bot.shard_keeper import ShardKeeper
from bot.sharding import NO_SHARD, Shards

_OVER = OwnershipLost("over")


class _Claims:
    """What the database answers to each claim or check, in turn; then the ownership is lost."""

    def __init__(self, *answers: Collection[int] | Exception) -> None:
        self._answers = list(answers)
        self.unchecked_s = 0.0
        self.checks = 0

    async def ensure(self, *, trust_s: float) -> None:
        del trust_s
        self.checks += 1
        await self.claim(most=0)

    async def claim(self, *, most: int, trust_s: float = 0.0) -> frozenset[int]:
        del most, trust_s
        answer = self._answers.pop(0) if self._answers else _OVER
        if isinstance(answer, Exception):
            raise answer
        return frozenset(answer)


class _Holder:
    def __init__(self) -> None:
        self.held = NO_SHARD
        self.opened: list[Collection[int]] = []

    def hold(self, shards: Shards) -> None:
        self.held = shards

    async def open_shards(self, ids: Collection[int]) -> None:
        self.opened.append(set(ids))


class _Process:
    """A keeper, what it did, and how often its `take_up` is refused first."""

    def __init__(self, claims: _Claims | None, shards: str, *refusals: Exception) -> None:
        self.holder = _Holder()
        self.taken_up: list[set[int]] = []
        self.first_ones = 0
        self.opened_by_then: list[list[Collection[int]]] = []  # each time that jobs were taken up
        self._refusals = list(refusals)
        settings = ShardSettings(shards=shards)
        self.keeper = ShardKeeper(claims, self.holder, settings, take_up=self._take_up, sleep=_no_sleep)

    async def _take_up(self, shards: Shards) -> None:
        await asyncio.sleep(0)  # what is opened meanwhile has begun
        self.opened_by_then.append(list(self.holder.opened))
        if self._refusals:
            raise self._refusals.pop(0)
        self.taken_up.append(set(shards.ids))

    def _on_first(self) -> None:
        self.first_ones += 1

    async def run(self) -> None:
        """Begin, and keep the shards until they are lost."""
        await self.keeper.begin(3)
        with pytest.raises(OwnershipLost):
            await self.keeper.keep(self._on_first)


async def _no_sleep(seconds: float) -> None:
    del seconds
    await asyncio.sleep(0)


async def test_one_process_has_all_that_discord_recommends() -> None:
    """`all` claims nothing, and only checks that the database is still its own."""
    claims = _Claims((), ())
    process = _Process(claims, "all")
    await process.run()
    assert process.holder.held == Shards(3, frozenset({0, 1, 2}))
    assert process.taken_up == [{0, 1, 2}]
    assert process.holder.opened == [{0, 1, 2}]
    assert claims.checks == 3


async def test_a_standby_takes_over_what_becomes_free() -> None:
    """First it has nothing and connects nothing; each takeover connects while it goes on with jobs."""
    process = _Process(_Claims((), (), {1}, (), {0, 3}, ()), "auto/4")
    await process.run()
    assert process.taken_up == [{1}, {0, 3}]
    assert process.holder.opened == [{1}, {0, 3}]
    assert process.opened_by_then == [[{1}], [{1}, {0, 3}]]
    assert process.holder.held.ids == {0, 1, 3}
    assert process.first_ones == 1


async def test_a_takeover_that_fails_is_tried_again() -> None:
    """The shards are this process's by now, so nobody else would go on with their jobs."""
    process = _Process(_Claims((), {2}, (), ()), "auto/4", StorageError("down"), StartRefused("no Discord"))
    await process.run()
    assert process.taken_up == [{2}]
    assert process.holder.opened == [{2}]


async def test_what_becomes_free_while_a_takeover_fails_is_taken_too() -> None:
    """It is claimed by then, so no other process can have it; it must not stay without a connection."""
    process = _Process(_Claims((), {2}, {0, 3}, ()), "auto/4", StorageError("down"))
    await process.run()
    assert process.taken_up == [{0, 2, 3}]
    assert process.holder.opened == [{2}, {0, 3}]
    assert process.holder.held.ids == {0, 2, 3}


async def test_a_database_that_is_silent_for_too_long_counts_as_lost() -> None:
    """A process with some shards does not trust its own old knowledge; one that has all, or none, waits on."""
    claims = _Claims({0}, StorageError("down"), StorageError("down"), ())
    process = _Process(claims, "auto/4")
    await process.keeper.begin(4)
    claims.unchecked_s = 31.0
    with pytest.raises(OwnershipLost, match="could not be checked for 31 s"):
        await process.keeper.keep(lambda: None)
    alone = _Claims(StorageError("down"), StorageError("down"))
    alone.unchecked_s = 31.0
    await _Process(alone, "all").run()
    assert alone.checks == 3
    standby = _Claims((), StorageError("down"), StorageError("down"), {1})
    standby.unchecked_s = 31.0
    waiting = _Process(standby, "auto/4")
    await waiting.run()
    assert waiting.holder.opened == [{1}]
