"""Behaviour of SQLite alone: batched commits, and real damage to the file."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.storage import sqlite
from bot.storage.sqlite import SQLiteStore
from bot.storage.transaction import Many, One, Transaction


def _run(sql: str, *args: Any) -> Transaction[Any]:
    return (yield Many(sql, args))


def _add(name: str) -> Transaction[str]:
    yield One("INSERT INTO things (name) VALUES ($1)", (name,))
    return name


def _orphan(name: str) -> Transaction[None]:
    yield One("INSERT INTO parts (thing) VALUES ($1)", (name,))


def _names() -> Transaction[list[str]]:
    rows = yield Many("SELECT name FROM things ORDER BY name")
    return [row["name"] for row in rows]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SQLiteStore, None]:
    """A database with two tables, of which one has a foreign key that is checked at the commit."""
    opened = await SQLiteStore.open(tmp_path / "wanda.db", batch_max=10, queue_max=20, timeout_s=0.2)
    await opened.write(_run("CREATE TABLE things (name TEXT PRIMARY KEY)"))
    await opened.write(
        _run("CREATE TABLE parts (thing TEXT NOT NULL REFERENCES things (name) DEFERRABLE INITIALLY DEFERRED)")
    )
    try:
        yield opened
    finally:
        await opened.close()


async def test_the_writer_is_durable_and_the_reader_only_reads(store: SQLiteStore) -> None:
    """The writer has synchronous=FULL (2) and foreign keys; the reader's connection refuses writes."""
    assert await store.write(_run("PRAGMA synchronous")) == [{"synchronous": 2}]
    assert await store.write(_run("PRAGMA journal_mode")) == [{"journal_mode": "wal"}]
    assert await store.write(_run("PRAGMA foreign_keys")) == [{"foreign_keys": 1}]
    assert await store.read(_run("PRAGMA query_only")) == [{"query_only": 1}]


def _commits(wal: Path) -> int:
    """Count the frames that end a commit: https://www.sqlite.org/fileformat2.html#the_write_ahead_log."""
    data = wal.read_bytes()
    frame_bytes = 24 + int.from_bytes(data[8:12], "big")
    frames = range(32, len(data) - frame_bytes + 1, frame_bytes)
    return sum(int.from_bytes(data[start + 4 : start + 8], "big") != 0 for start in frames)


async def test_what_a_long_reader_costs_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody reads, as a backup does, the write-ahead log grows; later its file is short again."""
    monkeypatch.setattr(sqlite, "WAL_KEPT_BYTES", 200_000)
    store, wal = await SQLiteStore.open(tmp_path / "wanda.db"), tmp_path / "wanda.db-wal"
    reader = sqlite3.connect(tmp_path / "wanda.db", isolation_level=None)
    try:
        await store.write(_run("PRAGMA wal_autocheckpoint=10"))
        await store.write(_run("CREATE TABLE things (name TEXT)"))
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM things").fetchone()
        await store.write(_run("INSERT INTO things SELECT hex(zeroblob(250000))"))
        assert wal.stat().st_size > 500_000
        reader.execute("ROLLBACK")
        for name in "ab":  # the first is checkpointed with all before it, the next one begins the file again
            await store.write(_add(name))
        assert wal.stat().st_size <= 200_000
    finally:
        reader.close()
        await store.close()


async def test_waiting_transactions_are_committed_together_up_to_the_bound(store: SQLiteStore, tmp_path: Path) -> None:
    """Twenty queued transactions become two commits of ten, as the write-ahead log shows."""
    before = _commits(tmp_path / "wanda.db-wal")
    await asyncio.gather(*(store.write(_add(f"{number:02}")) for number in range(20)))
    assert len(await store.read(_names())) == 20
    assert _commits(tmp_path / "wanda.db-wal") == before + 2


async def test_when_the_commit_fails_every_transaction_of_the_batch_fails(store: SQLiteStore) -> None:
    """A deferred foreign key fails at COMMIT: the whole batch is rolled back, and each caller gets an error."""
    answers = await asyncio.gather(
        store.write(_add("a")), store.write(_orphan("nobody")), store.write(_add("b")), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [StorageError] * 3
    assert len({id(answer) for answer in answers}) == 3
    assert "FOREIGN KEY" in str(answers[0])
    assert await store.read(_names()) == []
    assert await store.write(_add("a")) == "a"


async def test_a_batch_after_a_failed_one_is_not_hurt(store: SQLiteStore) -> None:
    """Of several batches only the one whose COMMIT fails is rolled back; the others are committed."""
    writes = [store.write(_add(f"{number:02}")) for number in range(15)]
    answers = await asyncio.gather(store.write(_orphan("nobody")), *writes, return_exceptions=True)
    failed = [answer for answer in answers if isinstance(answer, StorageError)]
    kept = [answer for answer in answers if isinstance(answer, str)]
    assert (len(failed), len(kept)) == (10, 6)
    assert await store.read(_names()) == kept


async def test_a_locked_database_is_a_storage_error_after_the_timeout(store: SQLiteStore, tmp_path: Path) -> None:
    """While another process holds SQLite's write lock, writes fail after the timeout, and reads work."""
    other = sqlite3.connect(tmp_path / "wanda.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="database is locked"):
        await store.write(_add("a"))
    assert await store.read(_names()) == []
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(_add("a")) == "a"


async def test_a_full_disk_fails_only_what_did_not_fit(store: SQLiteStore) -> None:
    """On a full disk a large write is a StorageError; committed data stays, and small writes still work."""
    await store.write(_add("a"))
    await store.write(_run("PRAGMA max_page_count = 8"))
    with pytest.raises(StorageError, match="full"):
        await store.write(_add("x" * 100_000))
    assert await store.read(_names()) == ["a"]
    assert await store.write(_add("b")) == "b"


async def test_after_a_full_disk_the_rest_of_the_batch_is_kept_or_told(store: SQLiteStore) -> None:
    """After a full disk each transaction of the batch is either committed or raises."""
    await store.write(_run("PRAGMA max_page_count = 8"))
    answers = await asyncio.gather(
        store.write(_add("a")), store.write(_add("x" * 100_000)), store.write(_add("b")), return_exceptions=True
    )
    assert isinstance(answers[1], StorageError)
    assert await store.read(_names()) == [answer for answer in answers if isinstance(answer, str)]


async def test_a_broken_file_is_a_storage_error(store: SQLiteStore, tmp_path: Path) -> None:
    """Overwritten pages are detected: reads and writes raise StorageError."""
    await store.close()  # the last connection to close folds the WAL into the file
    size = (tmp_path / "wanda.db").stat().st_size
    with (tmp_path / "wanda.db").open("r+b") as file:
        file.seek(4096)  # the first page stays: with a broken one the file cannot even be opened
        file.write(os.urandom(size - 4096))
    broken = await SQLiteStore.open(tmp_path / "wanda.db")
    try:
        with pytest.raises(StorageError, match="malformed"):
            await broken.read(_names())
        with pytest.raises(StorageError, match="malformed"):
            await broken.write(_add("a"))
    finally:
        await broken.close()


async def test_a_file_that_is_no_database_cannot_be_opened(tmp_path: Path) -> None:
    """Opening raises StorageError and closes its connections."""
    (tmp_path / "wanda.db").write_bytes(b"no database at all " * 500)
    with pytest.raises(StorageError, match="cannot be opened"):
        await SQLiteStore.open(tmp_path / "wanda.db")


async def test_a_write_that_is_cancelled_while_it_waits_is_never_run(store: SQLiteStore) -> None:
    """A transaction that is cancelled in the queue runs no statement."""
    writes = [asyncio.create_task(store.write(_add(name))) for name in "abc"]
    await asyncio.sleep(0)  # each has put its transaction into the queue; the committer has not run yet
    writes[1].cancel()
    await asyncio.gather(*writes, return_exceptions=True)
    assert await store.read(_names()) == ["a", "c"]


async def test_a_write_that_was_handed_over_completes_though_its_caller_left(store: SQLiteStore) -> None:
    """A transaction that has reached SQLite's thread is committed, although its caller was cancelled."""
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> Transaction[None]:
        loop.call_soon_threadsafe(started.set)
        yield from _add("a")

    write = asyncio.create_task(store.write(slow()))
    await started.wait()
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    await store.write(_add("b"))
    assert await store.read(_names()) == ["a", "b"]


async def test_reads_that_wait_share_one_trip_to_the_thread_and_no_failure(store: SQLiteStore) -> None:
    """Reads that wait together run in one hop; one that fails, raises or is cancelled leaves the others their rows."""
    await store.write(_add("a"))
    hops = 0
    thread = store._reads.thread
    hop = thread.hop

    async def counted(function: Callable[[sqlite3.Connection], Any]) -> Any:
        nonlocal hops
        hops += 1
        return await hop(function)

    thread.hop = counted

    def raising() -> Transaction[None]:
        yield Many("SELECT name FROM things")
        raise KeyError("b")

    reads = [asyncio.create_task(store.read(one)) for one in (_names(), raising(), _run("SELEC"), _names(), _names())]
    await asyncio.sleep(0)  # each is in the line; the task that carries them out has not run yet
    reads[3].cancel()
    first, raised, refused, cancelled, last = await asyncio.gather(*reads, return_exceptions=True)
    assert (first, last, hops) == (["a"], ["a"], 1)
    assert isinstance(raised, KeyError)
    assert isinstance(refused, StorageError)
    assert isinstance(cancelled, asyncio.CancelledError)


async def test_a_full_queue_makes_writers_wait_and_then_refuses(store: SQLiteStore, tmp_path: Path) -> None:
    """While the database is blocked, at most `queue_max` writes are queued; others are refused after the timeout."""
    other = sqlite3.connect(tmp_path / "wanda.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(
        *(store.write(_add(f"{number:03}")) for number in range(100)), return_exceptions=True
    )
    other.close()
    assert all(isinstance(answer, StorageError) for answer in answers)
    assert any("too busy" in str(answer) for answer in answers)
    assert await store.write(_add("a")) == "a"


async def test_closing_fails_what_has_not_run(tmp_path: Path) -> None:
    """Writes that wait for a place in the queue when the store closes are refused."""
    store = await SQLiteStore.open(tmp_path / "wanda.db", batch_max=1, queue_max=1)
    await store.write(_run("CREATE TABLE things (name TEXT PRIMARY KEY)"))
    writes = [asyncio.create_task(store.write(_add(f"{number}"))) for number in range(8)]
    await asyncio.sleep(0)
    await store.close()
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert any(isinstance(answer, str) for answer in answers)
    assert any(isinstance(answer, StorageError) for answer in answers)
    connection = sqlite3.connect(tmp_path / "wanda.db")
    kept = [name for (name,) in connection.execute("SELECT name FROM things ORDER BY name")]
    connection.close()
    assert kept == [answer for answer in answers if isinstance(answer, str)]
