"""*calm*: how long a hold and its settlement take in a calm server of PostgreSQL, beside one with 60 under way.

The limit is the calm server by itself, so `Wanda is … × limit` says what a busy neighbour costs. The same without turns
(`bot/storage/server_turns.py`) is measured in the same run: then the busy server has all connections of the pool.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.ids import new_id
from bot.ledger.audit import verify
from bot.ledger.model import Who
from bot.storage.database import open_store
from bot.storage.transaction import Store
from tests.bench.figures import Case, Goal, Reading, Spec, percentile
from tests.bench.money import hold_and_settle, postgres_on_disk
from tests.support.stores import PostgresServer, settings_for

_BUSY = 60
_WARM_S = 0.5
_RUN_S = 2.0
_PAUSE_S = 0.02
_HOT, _CALM = 1, 2


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the case with turns and the one without; PostgreSQL runs until the context exits."""
    async with postgres_on_disk() as server:
        yield [_case(folder, server, has_turns=True), _case(folder, server, has_turns=False)]


def _case(folder: Path, server: PostgresServer, *, has_turns: bool) -> Case:
    async def run(busy: int) -> Reading:
        settings = settings_for(Path(tempfile.mkdtemp(dir=folder)), await server.new_database())
        store = await open_store(settings)
        try:
            reading = await _beside(_Pairs(store, has_turns=has_turns), busy)
            wrong = await store.read(verify())
        finally:
            await store.close()
        if wrong:
            raise AssertionError(f"the books are wrong in {len(wrong)} places, first: {wrong[0]}")
        return reading

    label = f"hold + settle beside {_BUSY} in one server{'' if has_turns else ', without turns'}"
    goals = (Goal(bound="at most", value=10),) if has_turns else ()
    return Case(
        specs=(
            Spec(key="p50", label=f"{label}, p50", unit="ms", goals=goals),
            Spec(key="p99", label=f"{label}, p99", unit="ms"),
        ),
        contestants={"limit": lambda: run(0), "Wanda": lambda: run(_BUSY)},
    )


class _Pairs:
    """Holds and settles, in turns or without."""

    def __init__(self, store: Store, *, has_turns: bool) -> None:
        self._store = store
        self._has_turns = has_turns

    async def pair(self, who: Who) -> None:
        for one in hold_and_settle(new_id(at=time.time()), who):
            await self._store.write(one, guild_id=who.guild_id if self._has_turns else None)


async def _beside(pairs: _Pairs, busy: int) -> Reading:
    """Return the percentiles of the calm server's pairs while `busy` coroutines work in the hot one."""
    over = False

    async def work(member_id: int) -> None:
        while not over:
            await pairs.pair(Who(guild_id=_HOT, channel_id=9, member_id=member_id))

    calm = Who(guild_id=_CALM, channel_id=9, member_id=5)
    took_ms: list[float] = []
    async with asyncio.TaskGroup() as group:
        for number in range(busy):
            group.create_task(work(100 + number))
        await asyncio.sleep(_WARM_S)
        began = time.perf_counter()
        while time.perf_counter() - began < _RUN_S:
            asked_at = time.perf_counter()
            await pairs.pair(calm)
            took_ms.append(1000 * (time.perf_counter() - asked_at))
            await asyncio.sleep(_PAUSE_S)
        over = True
    return {"p50": percentile(took_ms, 50), "p99": percentile(took_ms, 99)}
