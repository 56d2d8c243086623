"""How PostgreSQL's connections pass from one transaction to the next, and a lock that is read under at once."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest

from bot.errors import StorageError
from bot.storage.postgres import PostgresStore
from bot.storage.transaction import Lock, Many, One, Transaction, alone, many, under_lock
from sandbox.stage import eventually
from tests.support.stores import PostgresServer

_asyncpg: Any = asyncpg
_LOCK = """
INSERT INTO locks (name, taken) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET taken = locks.taken + 1
RETURNING name, taken"""


def _run(sql: str, *args: Any) -> Transaction[Any]:
    return (yield Many(sql, args))


def _add(name: str, amount: int) -> Transaction[int]:
    """Add to an amount that is read first, under the lock: without it, additions at once would be lost."""
    rows = yield from under_lock(Lock(_LOCK, ("guild:1",)), many("SELECT amount FROM things WHERE name = $1", (name,)))
    total = rows[0]["amount"] + amount
    yield One("UPDATE things SET amount = $2 WHERE name = $1", (name, total))
    return total


def _refuse(name: str) -> Transaction[None]:
    yield One("UPDATE things SET amount = -1 WHERE name = $1", (name,))
    raise ValueError(name)


@pytest.fixture
async def url(postgres_server: PostgresServer) -> str:
    """An empty database."""
    return await postgres_server.new_database()


@pytest.fixture
async def store(url: str) -> AsyncGenerator[PostgresStore, None]:
    """A store with two connections and two rows."""
    opened = await PostgresStore.open(url, pool_size=2, timeout_s=20.0)
    await opened.write(_run("CREATE TABLE locks (name TEXT PRIMARY KEY, taken BIGINT NOT NULL)"))
    await opened.write(_run("CREATE TABLE things (name TEXT PRIMARY KEY, amount BIGINT NOT NULL)"))
    await opened.write(_run("INSERT INTO things VALUES ('a', 0), ('b', 0)"))
    try:
        yield opened
    finally:
        await opened.close()


async def _amounts(store: PostgresStore) -> list[int]:
    rows = await store.read(_run("SELECT amount FROM things ORDER BY name"))
    return [row["amount"] for row in rows]


async def test_what_is_read_under_a_lock_is_what_its_last_holder_left(url: str, store: PostgresStore) -> None:
    """Two processes add 30 times each to one amount; a statement that had to wait for the lock reads again."""
    other = await PostgresStore.open(url, pool_size=2, timeout_s=20.0)
    await asyncio.gather(*(one.write(_add("a", 1)) for _ in range(30) for one in (store, other)))
    await other.close()
    assert await _amounts(store) == [60, 0]


async def test_a_lock_that_was_waited_for(url: str, store: PostgresStore) -> None:
    """The statement began before the amount was changed and the lock was free, and returns the new amount."""
    await store.write(_add("a", 1))
    holder = await _asyncpg.connect(url)
    begun = holder.transaction()
    await begun.start()
    await holder.execute(_LOCK, "guild:1")
    await holder.execute("UPDATE things SET amount = 100 WHERE name = 'a'")
    adding = asyncio.create_task(store.write(_add("a", 1)))

    async def waits() -> bool | None:
        return bool(await holder.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")) or None

    await eventually(waits, what="transaction that waits")
    await begun.commit()
    await holder.close()
    assert await adding == 101


async def test_reads_writes_and_single_statements_take_turns(store: PostgresStore) -> None:
    """More of each kind than there are connections all end, and each has its own transaction."""
    single = "UPDATE things SET amount = amount + 1 WHERE name = 'b' RETURNING amount"
    reading = "SELECT current_setting('transaction_read_only') AS off"
    for _ in range(3):
        kinds = [(store.write(_add("a", 1)), store.write(alone(_run(single))), store.read(_run(reading))) for _ in "12"]
        answers: list[Any] = await asyncio.gather(*(one for kind in kinds for one in kind))
        assert [rows[0]["off"] for rows in answers[2::3]] == ["on", "on"]
    assert await _amounts(store) == [6, 6]


async def test_a_refusal_undoes_only_its_own(store: PostgresStore) -> None:
    """Transactions that raise, among others on the same connections, leave nothing; the others are kept."""
    work = [store.write(_add("a", 1)) if number % 3 else store.write(_refuse("b")) for number in range(30)]
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    assert sum(isinstance(one, ValueError) for one in outcomes) == 10
    assert await _amounts(store) == [20, 0]


async def test_who_gives_up_leaves_the_connection_to_the_next(url: str, store: PostgresStore) -> None:
    """Cancelled in the line, with a connection, or as it is given one: nothing is kept, and no connection is lost."""
    blocker = await _asyncpg.connect(url)
    for wait in range(12):
        tasks = [asyncio.create_task(store.write(_add("a", 1))) for _ in range(6)]
        for _ in range(wait):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    before = await _amounts(store)
    await asyncio.gather(*(store.write(_add("b", 1)) for _ in range(8)))
    assert [await _amounts(store), await blocker.fetchval("SELECT amount FROM things WHERE name = 'b'")] == [
        [before[0], 8],
        8,
    ]
    idle = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wanda' AND state LIKE 'idle in trans%'"
    assert await blocker.fetchval(idle) == 0
    await blocker.close()


async def test_a_lost_connection_is_one_transactions_trouble(store: PostgresStore) -> None:
    """The server ends a session under way: its transaction is a StorageError, and those that wait get another one."""
    dying = store.write(_run("SELECT pg_terminate_backend(pg_backend_pid())"))
    outcomes: list[Any] = await asyncio.gather(
        dying, *(store.write(_add("a", 1)) for _ in range(10)), return_exceptions=True
    )
    assert isinstance(outcomes[0], StorageError)
    assert sorted(outcomes[1:]) == list(range(1, 11))


async def test_closing_waits_for_those_in_the_line(url: str) -> None:
    """What was asked for before is carried out; later transactions are refused."""
    store = await PostgresStore.open(url, pool_size=1, timeout_s=20.0)
    await store.write(_run("CREATE TABLE things (name TEXT PRIMARY KEY, amount BIGINT NOT NULL)"))
    adding = [
        asyncio.create_task(store.write(_run("INSERT INTO things VALUES ($1, 0)", f"{number}"))) for number in range(5)
    ]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*adding) == [[]] * 5
    with pytest.raises(StorageError, match="closed"):
        await store.write(_run("SELECT 1"))


def test_only_what_reads_is_run_in_one_statement_with_a_lock() -> None:
    """A write could run before the lock is there."""
    writing = under_lock(Lock(_LOCK, ("guild:1",)), _run("UPDATE things SET amount = 0"))
    with pytest.raises(TypeError, match="with a lock"):
        next(writing)
