"""*money*: the jobs per second that the ledger holds and settles, each in two durable transactions.

A figure counts such pairs; for 100 coroutines on SQLite the transactions per second are shown too.

50 members, ten in each of 5 servers, draw on a member's and a server's budget that never run out, with Wanda's default
rules. In `PostgreSQL, one server` all are in one server and wait for its turn; in `50 servers` each
has one of their own.

`by_hand.py` has the limits and the peer. On SQLite the limit is the `sqlite3` module in a loop, one transaction after
the other, for any number of coroutines; the peer runs the same through aiosqlite, statement by statement, on one
connection with a lock. On PostgreSQL the limit is asyncpg with as many connections as Wanda has. Each run starts with
an empty database on disk; SQLite uses WAL and `synchronous=FULL`, PostgreSQL its defaults. All contestants use ids like
Wanda's, and Wanda's books are verified after each of her runs.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from bot.ids import new_id
from bot.ledger import endings, holds, warming
from bot.ledger.audit import verify
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.transaction import Transaction
from tests.bench.by_hand import AT, CAP_MICROUSD, PRICE_MICROUSD, Pair, in_aiosqlite, in_postgres, in_sqlite
from tests.bench.figures import Case, Goal, Reading, Spec
from tests.support.stores import PostgresServer, settings_for

_COROUTINES = (1, 10, 100)
_RUN_S = 1.2
_MEMBERS = 50
_SERVERS = 5
_SHIPPED = Shipped(member_daily_microusd=CAP_MICROUSD, server_monthly_microusd=CAP_MICROUSD)
_QUERY = RuleQuery(mode="wan27-image", resolution="1080p")
_AT_LEAST = Goal(bound="at least", value=10_000)
_OVER_SERVERS = Goal(bound="at least", value=900)
_TWICE_RAW = Goal(bound="at least", value=2, times="limit")


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield a case for each engine and number of coroutines; PostgreSQL runs until the context exits."""
    async with postgres_on_disk() as server:
        most = _COROUTINES[-1]
        yield [
            *(_sqlite_case(folder, coroutines) for coroutines in _COROUTINES),
            *(_postgres_case(folder, server, coroutines, _people(_SERVERS)) for coroutines in _COROUTINES),
            _postgres_case(folder, server, most, _people(_MEMBERS), f", {_MEMBERS} servers", _OVER_SERVERS),
            _postgres_case(folder, server, most, _people(1), ", one server"),
        ]


@asynccontextmanager
async def postgres_on_disk() -> AsyncGenerator[PostgresServer]:
    """Run a PostgreSQL with its defaults, so that each COMMIT waits for the disk, until the context exits."""
    # Outside the bench's folder, which only its owner may enter: PostgreSQL runs as another user.
    home = Path(tempfile.mkdtemp(prefix="wanda-pg-"))
    try:
        server = PostgresServer(home, options=())
        try:
            await asyncio.to_thread(server.start)
            yield server
        finally:
            await asyncio.to_thread(server.stop)
    finally:
        shutil.rmtree(home)


def _people(servers: int) -> list[Who]:
    return [Who(guild_id=1 + one % servers, channel_id=9, member_id=100 + one) for one in range(_MEMBERS)]


def _sqlite_case(folder: Path, coroutines: int) -> Case:
    people = _people(_SERVERS)

    async def peer() -> Reading:
        async with in_aiosqlite(_new(folder) / "peer.db", people) as pair:
            return await _rate(coroutines, pair, people)

    specs = (_spec("SQLite", coroutines),)
    if coroutines == _COROUTINES[-1]:
        specs = (_spec("SQLite", coroutines, _AT_LEAST, _TWICE_RAW), _transactions("SQLite", coroutines, _AT_LEAST))
    return Case(
        specs=specs,
        contestants={
            "limit": lambda: asyncio.to_thread(_one_by_one, _new(folder) / "raw.db", people),
            "peer": peer,
            "Wanda": lambda: _wanda(settings_for(_new(folder)), coroutines, people),
        },
    )


def _postgres_case(
    folder: Path, server: PostgresServer, coroutines: int, people: Sequence[Who], more: str = "", *goals: Goal
) -> Case:
    async def wanda() -> Reading:
        return await _wanda(settings_for(_new(folder), await server.new_database()), coroutines, people)

    async def limit() -> Reading:
        pool_size = settings_for(folder).postgres_pool_size
        async with in_postgres(await server.new_database(), people, pool_size=pool_size) as pair:
            return await _rate(coroutines, pair, people)

    return Case(specs=(_spec(f"PostgreSQL{more}", coroutines, *goals),), contestants={"limit": limit, "Wanda": wanda})


def _spec(where: str, coroutines: int, *goals: Goal) -> Spec:
    label = _label(where, coroutines)
    return Spec(key="pairs", label=label, unit="hold + settle/s", goals=goals, note="two durable transactions each")


def _transactions(where: str, coroutines: int, *goals: Goal) -> Spec:
    label = _label(where, coroutines)
    return Spec(key="transactions", label=label, unit="durable transactions/s", goals=goals, note="two for each pair")


def _label(where: str, coroutines: int) -> str:
    return f"{where}, {coroutines} coroutine{'' if coroutines == 1 else 's'}"


def _new(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def hold_and_settle(job_id: str, who: Who) -> tuple[Transaction[Any], Transaction[Any]]:
    """Return the two transactions of a pair, in their order."""
    hold = holds.hold(
        job_id=job_id,
        amount_microusd=PRICE_MICROUSD,
        who=who,
        query=_QUERY,
        at=AT,
        shipped=_SHIPPED,
        reason="bench",
    )
    return hold, endings.settle(job_id, PRICE_MICROUSD, at=AT, actor="bench", reason="bench")


async def _wanda(settings: StorageSettings, coroutines: int, people: Sequence[Who]) -> Reading:
    store = await open_store(settings)
    await store.warm(partial(warming.hold_and_settle, at=AT))  # as the bot does while it logs in

    async def pair(job_id: str, who: Who) -> None:
        for one in hold_and_settle(job_id, who):
            await store.write(one, guild_id=who.guild_id)

    try:
        reading = await _rate(coroutines, pair, people)
        wrong = await store.read(verify())
    finally:
        await store.close()
    if wrong:
        raise AssertionError(f"the books are wrong in {len(wrong)} places, first: {wrong[0]}")
    return reading


async def _rate(coroutines: int, pair: Pair, people: Sequence[Who]) -> Reading:
    """Have `coroutines` coroutines run pairs for the duration of a run, and return the pairs per second."""
    jobs = count()
    began = time.perf_counter()

    async def work() -> int:
        done = 0
        while time.perf_counter() - began < _RUN_S:
            await pair(new_id(at=time.time()), people[next(jobs) % len(people)])
            done += 1
        return done

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work()) for _ in range(coroutines)]
    return _reading(sum(worker.result() for worker in workers) / (time.perf_counter() - began))


def _one_by_one(path: Path, people: Sequence[Who]) -> Reading:
    with in_sqlite(path, people) as pair:
        done = 0
        began = time.perf_counter()
        while time.perf_counter() - began < _RUN_S:
            pair(new_id(at=time.time()), people[done % len(people)])
            done += 1
        return _reading(done / (time.perf_counter() - began))


def _reading(pairs_a_second: float) -> Reading:
    return {"pairs": pairs_a_second, "transactions": 2 * pairs_a_second}
