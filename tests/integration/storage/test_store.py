"""The contract of a Store, on both engines."""

import asyncio
from typing import Any

import pytest

from bot.errors import StorageError
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.transaction import (
    Constant,
    Lock,
    Locked,
    Many,
    One,
    Store,
    Transaction,
    alone,
    nothing,
    together,
    under_lock,
)


@pytest.fixture(autouse=True)
async def things(store: Store) -> None:
    """Create a table for these tests."""
    await store.write(_run("CREATE TABLE things (name TEXT PRIMARY KEY, amount BIGINT NOT NULL, at DOUBLE PRECISION)"))


def _run(sql: str, *args: Any) -> Transaction[Any]:
    return (yield One(sql, args))


def _add(name: str, amount: int = 1) -> Transaction[str]:
    row = yield One("INSERT INTO things (name, amount) VALUES ($1, $2) RETURNING name", (name, amount))
    return row["name"]


def _add_then_raise(name: str) -> Transaction[None]:
    yield One("INSERT INTO things (name, amount) VALUES ($1, $2)", (name, 1))
    raise LookupError(name)


def _names() -> Transaction[list[str]]:
    rows = yield Many("SELECT name FROM things ORDER BY name")
    return [row["name"] for row in rows]


async def test_a_write_returns_what_the_transaction_returns_and_is_seen_by_the_next_read(store: Store) -> None:
    """A write returns the transaction's result, and later reads see its changes."""
    assert await store.write(_add("a")) == "a"
    assert await store.read(_names()) == ["a"]


async def test_values_come_back_as_they_went_in(store: Store) -> None:
    """Large integers, text beyond ASCII, fractions of seconds and NULL survive."""
    await store.write(_run("INSERT INTO things VALUES ($1, $2, $3)", "Ä 🎬\n'\"", 2**62, 1_790_000_000.123456))
    await store.write(_run("INSERT INTO things VALUES ($1, $2, $3)", "null", -(2**62), None))
    rows = await store.read(_all())
    assert [dict(row) for row in rows] == [
        {"name": "null", "amount": -(2**62), "at": None},
        {"name": "Ä 🎬\n'\"", "amount": 2**62, "at": 1_790_000_000.123456},
    ]


def _all() -> Transaction[list[Any]]:
    return (yield Many("SELECT name, amount, at FROM things ORDER BY amount"))


async def test_one_is_the_first_row_or_none(store: Store) -> None:
    """`One` returns the first row, or None if there is none."""
    await store.write(_add("a"))
    await store.write(_add("b"))
    assert (await store.read(_run("SELECT name FROM things ORDER BY name")))["name"] == "a"
    assert await store.read(_run("SELECT name FROM things WHERE name = $1", "c")) is None
    assert await store.write(_run("UPDATE things SET amount = $1", 2)) is None


async def test_a_parameter_can_stand_twice(store: Store) -> None:
    """`$1` can be used several times in one statement."""
    await store.write(_add("a", 5))
    row = await store.read(_run("SELECT name FROM things WHERE amount = $1 OR amount = $1 + 1", 5))
    assert row["name"] == "a"


async def test_a_transactions_own_exception_undoes_it_and_reaches_its_caller(store: Store) -> None:
    """A transaction that raises is rolled back, and its caller gets the same exception."""
    with pytest.raises(LookupError, match="gone"):
        await store.write(_add_then_raise("gone"))
    assert await store.read(_names()) == []


async def test_an_error_of_the_database_is_a_storage_error(store: Store) -> None:
    """A broken constraint, a wrong statement and a value that does not fit undo the transaction as StorageError."""
    await store.write(_add("a"))
    for transaction in (_add("a"), _run("SELEKT 1"), _add("big", 2**80)):
        with pytest.raises(StorageError, match="nothing of it was kept"):
            await store.write(transaction)
    assert await store.read(_names()) == ["a"]


async def test_a_transaction_cannot_carry_on_after_an_error(store: Store) -> None:
    """The generator is closed: PostgreSQL would refuse every further statement, so SQLite must not allow it."""
    seen: list[str] = []

    def stubborn() -> Transaction[None]:
        try:
            yield One("SELEKT 1")
        except StorageError:
            seen.append("caught")
        finally:
            seen.append("closed")

    with pytest.raises(StorageError):
        await store.write(stubborn())
    assert seen == ["closed"]


async def test_a_failing_transaction_does_not_hurt_the_others(store: Store) -> None:
    """Of many transactions at once, only those that raise are undone."""
    results = await asyncio.gather(
        *(store.write(_add_then_raise(f"bad {i}") if i % 3 == 0 else _add(f"good {i:02}")) for i in range(60)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [LookupError if i % 3 == 0 else str for i in range(60)]
    assert await store.read(_names()) == [f"good {i:02}" for i in range(60) if i % 3]


async def test_a_read_changes_nothing(store: Store) -> None:
    """Writing while reading is refused."""
    with pytest.raises(StorageError):
        await store.read(_add("a"))
    assert await store.read(_names()) == []


async def test_a_reads_exception_reaches_its_caller_and_frees_the_reader(store: Store) -> None:
    """A transaction that raises while reading leaves a store that reads."""

    def raising() -> Transaction[None]:
        yield Many("SELECT * FROM things")
        raise LookupError

    with pytest.raises(LookupError):
        await store.read(raising())
    assert await store.read(_names()) == []


async def test_a_cancelled_write_is_kept_whole_or_not_at_all(store: Store) -> None:
    """Writes cancelled at any moment are committed whole or not at all, and the store keeps working."""

    def pair(number: int) -> Transaction[None]:
        yield from _add(f"{number:03} first")
        yield from _add(f"{number:03} second")

    tasks = [asyncio.create_task(store.write(pair(number))) for number in range(40)]
    for turns, task in enumerate(tasks):
        for _ in range(turns % 5):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.write(_add("last"))
    names = (await store.read(_names()))[:-1]
    whole = sorted({name[:3] for name in names})
    assert names == [f"{number} {half}" for number in whole for half in ("first", "second")]


async def test_what_is_committed_survives_a_restart(store: Store, store_settings: StorageSettings) -> None:
    """A reopened database has exactly the committed data."""
    await store.write(_add("a"))
    await store.close()
    reopened = await open_store(store_settings)
    try:
        assert await reopened.read(_names()) == ["a"]
    finally:
        await reopened.close()


async def test_a_closed_store_refuses(store: Store) -> None:
    """After `close`, which may be repeated, reading and writing are StorageErrors."""
    await store.close()
    await store.close()
    with pytest.raises(StorageError):
        await store.write(_add("a"))
    with pytest.raises(StorageError):
        await store.read(_names())


async def test_closing_keeps_what_was_handed_over_before(store: Store, store_settings: StorageSettings) -> None:
    """`close` waits for writes in progress: each is committed, or its caller gets an error."""
    writes = [asyncio.create_task(store.write(_add(f"{number:02}"))) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    results = await asyncio.gather(*writes, return_exceptions=True)
    reopened = await open_store(store_settings)
    try:
        kept = await reopened.read(_names())
    finally:
        await reopened.close()
    assert kept == [result for result in results if isinstance(result, str)]
    assert all(isinstance(result, str | StorageError) for result in results)


async def test_a_parameter_may_come_twice_and_in_any_order(store: Store) -> None:
    """`$2` is the second argument wherever and however often it is used."""
    row = await store.read(_run("SELECT CAST($2 AS TEXT) AS b, CAST($1 AS TEXT) AS a, CAST($2 AS TEXT) AS c", "x", "y"))
    assert dict(row) == {"b": "y", "a": "x", "c": "y"}


async def test_a_lock_keeps_other_transactions_waiting(store: Store) -> None:
    """Transactions with the same lock run one after the other: of twenty increments none is lost."""
    await store.write(_add("a", 0))

    def add_one() -> Transaction[None]:
        yield Lock("UPDATE things SET at = 1.0 WHERE name = $1", ("a",))
        row = yield One("SELECT amount FROM things WHERE name = $1", ("a",))
        yield One("UPDATE things SET amount = $1 WHERE name = 'a'", (row["amount"] + 1,))

    await asyncio.gather(*(store.write(add_one()) for _ in range(20)))
    assert (await store.read(_run("SELECT amount FROM things")))["amount"] == 20


def _amount_of_first() -> Transaction[Any]:
    """A transaction of two statements, the second of which needs the first's answer."""
    first = yield One("SELECT name FROM things ORDER BY name LIMIT $1", (1,))
    return (yield One("SELECT amount, at FROM things WHERE name = $1", (first["name"],)))


async def test_a_locked_row_is_read_as_its_last_holder_left_it(store: Store) -> None:
    """Of changes of one row that are made at once, none is lost; a row that is not there locks nothing."""

    def add_one() -> Transaction[None]:
        row = yield Locked("SELECT amount FROM things WHERE name = $1", ("a",))
        yield One("UPDATE things SET amount = $2 WHERE name = $1", ("a", row["amount"] + 1))

    def missing() -> Transaction[Any]:
        return (yield Locked("SELECT amount FROM things WHERE name = $1", ("b",)))

    await store.write(_add("a", 0))
    await asyncio.gather(*(store.write(add_one()) for _ in range(20)))
    assert (await store.read(_run("SELECT amount FROM things"))) == {"amount": 20}
    assert await store.write(missing()) is None


async def test_statements_together_answer_as_they_would_one_by_one(store: Store) -> None:
    """Rows, no row, NULL, large numbers and fractions come back to the transaction that asked."""
    await store.write(_run("INSERT INTO things VALUES ($1, $2, $3)", "a", 2**62, 1_790_000_000.123456))
    reading = together(
        One("SELECT amount, at FROM things WHERE name = $1 OR name = $2", ("b", "a")),
        Many("SELECT name FROM things WHERE amount < $1", (0,)),
        _amount_of_first(),
        nothing(7),
    )
    row = {"amount": 2**62, "at": 1_790_000_000.123456}
    assert await store.read(reading) == (row, [], row, 7)
    writing = together(
        Many("INSERT INTO things (name, amount) VALUES ($1, $2), ($3, $4)", ("b", 1, "c", 2)),
        One("UPDATE things SET amount = $2, at = NULL WHERE name = $1 RETURNING name, amount, at", ("a", 5)),
    )
    assert await store.write(writing) == ([], {"name": "a", "amount": 5, "at": None})
    assert await store.read(_names()) == ["a", "b", "c"]


async def test_statements_together_are_undone_together(store: Store) -> None:
    """If one of them fails, or one of their transactions raises, nothing of any is kept."""
    await store.write(_add("a"))
    with pytest.raises(StorageError):
        await store.write(together(_add("b"), _add("a")))
    with pytest.raises(LookupError):
        await store.write(together(_add("b"), _add_then_raise("c")))
    with pytest.raises(TypeError, match="together with others"):
        await store.write(together(_add("b"), _locking()))
    assert await store.read(_names()) == ["a"]


def _locking() -> Transaction[None]:
    yield Lock("SELECT name FROM things FOR UPDATE")


async def test_a_statement_alone(store: Store) -> None:
    """A transaction of one statement needs no BEGIN; one that goes on is a defect that its caller hears of."""
    assert await store.write(alone(_add("a"))) == "a"
    assert await store.read(alone(_names())) == ["a"]
    with pytest.raises(TypeError, match="goes on"):
        await store.read(alone(_amount_of_first()))
    with pytest.raises(StorageError):
        await store.write(alone(_add("a")))


def _version_times(amount: int) -> Transaction[int]:
    row = yield Constant("SELECT MIN(version) AS first FROM schema_version")
    told = yield One("SELECT CAST($1 AS BIGINT) * CAST($2 AS BIGINT) AS product", (amount, row["first"]))
    return told["product"]


async def test_a_constant_may_stand_before_what_is_run_at_once(store: Store) -> None:
    """Neither `together` nor `under_lock` minds a constant before a transaction's first statement."""
    assert await store.read(together(_version_times(2), _names(), _version_times(3))) == (2, [], 3)
    await store.write(_add("a"))
    lock = Lock("UPDATE locks SET taken = taken + 1 WHERE name = $1 RETURNING name, taken", ("nobody",))
    assert await store.write(under_lock(lock, _version_times(5))) == 5
