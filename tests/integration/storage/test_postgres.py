"""Behaviour of PostgreSQL alone: broken connections, locks and ownership."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest

from bot.errors import OwnershipLost, StorageError, StorageUnreachable
from bot.sharding import WHOLE
from bot.storage.ownership import Ownership
from bot.storage.postgres import PostgresStore
from bot.storage.transaction import Constant, Many, One, Transaction
from tests.support.stores import PostgresServer

_asyncpg: Any = asyncpg


def _run(sql: str, *args: Any) -> Transaction[Any]:
    return (yield Many(sql, args))


def _touch(*names: str) -> Transaction[None]:
    for name in names:
        yield One("UPDATE things SET amount = amount + 1 WHERE name = $1", (name,))
        yield One("SELECT pg_sleep(0.05)")


@pytest.fixture
async def url(postgres_server: PostgresServer) -> str:
    """An empty database."""
    return await postgres_server.new_database()


@pytest.fixture
async def store(url: str) -> AsyncGenerator[PostgresStore, None]:
    """A store that owns a database with two rows."""
    opened = await PostgresStore.open(url, pool_size=3, timeout_s=2.0, plan=WHOLE)
    await opened.write(_run("CREATE TABLE things (name TEXT PRIMARY KEY, amount BIGINT NOT NULL)"))
    await opened.write(_run("INSERT INTO things VALUES ('a', 0), ('b', 0)"))
    try:
        yield opened
    finally:
        await opened.close()


async def _end_sessions(url: str, application: str) -> None:
    connection = await _asyncpg.connect(url)
    await connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", application
    )
    await connection.close()


async def _amounts(store: PostgresStore) -> list[int]:
    rows = await store.read(_run("SELECT amount FROM things ORDER BY name"))
    return [row["amount"] for row in rows]


async def test_a_deadlock_is_a_storage_error_for_one_of_the_two(store: PostgresStore) -> None:
    """Of two deadlocked transactions PostgreSQL rolls back one, which is a StorageError; the other is committed."""
    answers = await asyncio.gather(store.write(_touch("a", "b")), store.write(_touch("b", "a")), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "StorageError"]
    assert await _amounts(store) == [1, 1]


async def test_a_broken_connection_is_a_storage_error_and_the_next_write_works(url: str, store: PostgresStore) -> None:
    """If the server ends the sessions, a write in progress is rolled back, and the pool then reconnects."""
    write = asyncio.create_task(store.write(_run("SELECT pg_sleep(30), count(*) FROM things")))
    other = await PostgresStore.open(url, pool_size=1)
    deadline = time.monotonic() + 20
    while not await other.read(_run("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")):
        assert time.monotonic() < deadline
    await _end_sessions(url, "wanda")
    with pytest.raises(StorageError):
        await write
    await store.write(_touch("a"))
    assert await _amounts(store) == [1, 0]
    await other.close()


async def test_an_answer_that_does_not_come_in_time_is_a_storage_error(url: str) -> None:
    """A statement is cancelled after the timeout, and its connection works again afterwards."""
    store = await PostgresStore.open(url, pool_size=1, timeout_s=0.3)
    with pytest.raises(StorageError, match="in time"):
        await store.write(_run("SELECT pg_sleep(30)"))
    assert await store.read(_run("SELECT 1 AS one")) == [{"one": 1}]
    await store.close()


async def test_the_books_of_a_year_take_as_long_as_they_take(url: str) -> None:
    """Who reads the books has no timeout for an answer, neither Wanda's nor one that an administrator set."""
    store = await PostgresStore.open(f"{url}&statement_timeout=400", timeout_s=0.5, is_patient=True)
    try:
        assert await store.read(_run("SELECT 1 AS one FROM pg_sleep(0.7)")) == [{"one": 1}]
    finally:
        await store.close()


async def test_no_connection_in_time_is_a_storage_error(url: str) -> None:
    """A transaction that gets no pooled connection within the timeout is refused."""
    store = await PostgresStore.open(url, pool_size=1, timeout_s=0.4)
    answers = await asyncio.gather(
        *(store.write(_run("SELECT pg_sleep(0.3)")) for _ in range(4)), return_exceptions=True
    )
    assert any(isinstance(answer, StorageError) for answer in answers)
    await store.close()


async def _lose_ownership(url: str, store: PostgresStore) -> None:
    assert store.ownership is not None
    noticed = asyncio.Event()

    def notice(_session: Any) -> None:
        noticed.set()

    store.ownership._session.add_termination_listener(notice)
    await _end_sessions(url, "wanda owner")
    async with asyncio.timeout(20):
        await noticed.wait()


async def test_an_owner_that_lost_its_session_takes_the_database_again(url: str, store: PostgresStore) -> None:
    """If the lock's session breaks, the next write takes the lock again, unless another process has it."""
    await _lose_ownership(url, store)
    await store.write(_touch("a"))
    with pytest.raises(StorageError, match="Another Wanda"):
        await PostgresStore.open(url, timeout_s=0.2, plan=WHOLE)


async def test_an_owner_that_was_replaced_writes_no_more(url: str, store: PostgresStore) -> None:
    """If another process has taken the lock, the previous owner's writes are refused, also when that one has ended."""
    await _lose_ownership(url, store)
    replacement = await PostgresStore.open(url, plan=WHOLE)
    with pytest.raises(OwnershipLost, match="Another Wanda"):
        await store.write(_touch("a"))
    assert await _amounts(store) == [0, 0]
    await replacement.close()
    with pytest.raises(OwnershipLost, match="Another Wanda"):
        await store.write(_touch("a"))


async def test_a_silent_server_is_not_waited_for_in_turn() -> None:
    """While the server is silent, many writes time out together, not one after another."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with server:
        url = f"postgresql://postgres@127.0.0.1:{server.sockets[0].getsockname()[1]}/postgres"
        ownership = Ownership(url, timeout_s=0.2)
        async with asyncio.timeout(3):
            outcomes = await asyncio.gather(*(ownership.ensure() for _ in range(40)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StorageUnreachable}


async def test_a_read_sees_one_moment(store: PostgresStore) -> None:
    """Two statements of one read see the same snapshot, whatever is committed in between."""
    between = asyncio.Event()
    counts: list[int] = []

    def reading() -> Transaction[None]:
        first = yield One("SELECT SUM(amount) AS amount FROM things")
        between.set()
        yield One("SELECT pg_sleep(0.2)")
        second = yield One("SELECT SUM(amount) AS amount FROM things")
        counts.extend((int(first["amount"]), int(second["amount"])))

    async def writing() -> None:
        await between.wait()
        await store.write(_run("UPDATE things SET amount = 7"))

    await asyncio.gather(store.read(reading()), writing())
    assert counts == [0, 0]
    assert await _amounts(store) == [7, 7]


async def test_a_busy_server_leaves_the_connections_to_the_others(url: str, store: PostgresStore) -> None:
    """However many transactions of one server wait for its row, they keep one connection, and another's goes on."""
    blocker = await _asyncpg.connect(url)
    async with blocker.transaction():
        await blocker.execute("UPDATE things SET amount = 10 WHERE name = 'a'")
        busy = [asyncio.create_task(store.write(_touch("a"), guild_id=1)) for _ in range(12)]
        for _ in range(5):
            await store.write(_touch("b"), guild_id=2)
        assert not any(task.done() for task in busy)
    await asyncio.gather(*busy)
    await blocker.close()
    assert await _amounts(store) == [22, 5]


async def test_a_constant_is_read_once(store: PostgresStore) -> None:
    """Later transactions are given the row that the first one read."""

    def constant() -> Transaction[int]:
        row = yield Constant("SELECT amount FROM things WHERE name = 'a'")
        return row["amount"]

    before = await store.read(constant())
    await store.write(_touch("a"))
    assert await store.read(constant()) == before != (await _amounts(store))[0]
