"""The SQLite driver: one writer with group commit, and one reader.

Group commit makes `synchronous=FULL` affordable: a batch of transactions costs one hop to aiosqlite's thread and one
COMMIT (https://www.sqlite.org/wal.html). Reads share hops too: a hop costs as much as reading a member's budgets.
bot/storage/batch.py is the part that runs in the thread.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import aiosqlite

from bot.errors import StorageError
from bot.storage.batch import (
    DATABASE_ERRORS,
    Committed,
    Outcome,
    Undone,
    commit_together,
    read_together,
    storage_trouble,
)
from bot.storage.transaction import Transaction

T = TypeVar("T")
READS_MAX = 32  # in one hop: a slow one keeps the others of its hop waiting
WAL_KEPT_BYTES = 32 * 1024 * 1024  # of the write-ahead log's file, twice what it ordinarily takes
WAL_WAIT_S = 0.01  # between attempts to turn WAL on while another process holds the file

_Waiting: TypeAlias = tuple[Transaction[Any], asyncio.Future[Any]]


class _Thread:
    """One sqlite3 connection in aiosqlite's thread."""

    def __init__(self, path: Path, pragmas: Sequence[str], busy_timeout_s: float) -> None:
        # Without `mode=rw` SQLite would create the file again if it was removed in between.
        self._uri = f"file:{quote(str(path))}?mode=rw"
        self._pragmas = pragmas
        self._busy_timeout_s = busy_timeout_s
        self._proxy = aiosqlite.Connection(self._connect, iter_chunk_size=1)
        self._raw: sqlite3.Connection | None = None
        self._worker: threading.Thread | None = None

    def _connect(self) -> sqlite3.Connection:
        self._worker = threading.current_thread()
        # Autocommit mode: every BEGIN and COMMIT is ours.
        raw = sqlite3.connect(
            self._uri, uri=True, timeout=self._busy_timeout_s, isolation_level=None, cached_statements=256
        )  # the timeout is SQLite's busy_timeout
        try:
            for pragma in self._pragmas:
                self._set(raw, pragma)
        except BaseException:
            raw.close()
            raise
        self._raw = raw
        return raw

    def _set(self, raw: sqlite3.Connection, pragma: str) -> None:
        """Set the pragma, retrying while the file is busy: SQLite's busy_timeout does not apply to turning WAL on."""
        give_up_at = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                raw.execute(f"PRAGMA {pragma}").fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up_at:
                    raise
                time.sleep(WAL_WAIT_S)
            else:
                return

    async def open(self) -> None:
        try:
            await self._proxy
        except BaseException:
            # aiosqlite does not wait for its thread to stop, so the loop could be closed first.
            if self._worker is not None:
                await asyncio.to_thread(self._worker.join)
            raise

    async def hop(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function(connection)` in the connection's thread: one hop there and back."""
        raw = self._raw
        if raw is None:
            raise sqlite3.ProgrammingError("the connection is closed")
        # A private method, because aiosqlite has no public way to run a function in its thread. Its version is pinned,
        # and tests/unit/storage/test_aiosqlite.py checks the method's name and behaviour.
        return await self._proxy._execute(function, raw)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]

    async def close(self) -> None:
        self._raw = None
        await self._proxy.close()


class _Line:
    """Transactions waiting for a connection's thread, which runs all that wait in one hop.

    One that is cancelled in the line never runs; one that has reached the thread completes, and its result is dropped.
    """

    def __init__(
        self,
        thread: _Thread,
        run: Callable[[sqlite3.Connection, Sequence[Transaction[Any]]], list[Outcome]],
        *,
        batch_max: int,
        waiting_max: int,
        timeout_s: float,
    ) -> None:
        self.thread = thread
        self._run = run
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._timeout_s = timeout_s
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(waiting_max)
        self._runner: asyncio.Task[None] | None = None
        self._closed = True

    def start(self, name: str) -> None:
        """Begin to run them, in a task of this name."""
        self._closed = False
        self._runner = asyncio.create_task(self._run_for_ever(), name=name)

    async def answer(self, transaction: Transaction[T]) -> T:
        """Return what the transaction returns, or raise what it raises.

        Raises:
            StorageError: the line is closed, or stayed full for `timeout_s`.
        """
        if self._closed:
            raise StorageError("The database is closed: Wanda is shutting down.")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._queue.full():
            await self._wait_for_a_place((transaction, done))
        else:
            self._queue.put_nowait((transaction, done))
        return await done

    async def _wait_for_a_place(self, item: _Waiting) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._queue.put(item)
        except TimeoutError:
            raise StorageError(
                f"The database is too busy: {self._waiting_max} transactions waited for {self._timeout_s:g} s."
            ) from None
        if self._closed:  # closed during the wait: nobody reads the queue any more
            self._fail_the_rest()

    async def close(self) -> None:
        """Run those that wait; later ones are refused. The thread stays open."""
        if self._closed or self._runner is None:
            return
        self._closed = True
        await self._queue.put(None)
        await self._runner
        self._fail_the_rest()

    async def _run_for_ever(self) -> None:
        try:
            while await self._run_next():
                pass
        finally:
            self._closed = True
            self._fail_the_rest()

    async def _run_next(self) -> bool:
        """Run the next batch of at most `batch_max`; return False after the line's end marker."""
        batch: list[_Waiting] = []
        item = await self._queue.get()
        while item is not None:
            if item[1].cancelled():
                item[0].close()
            else:
                batch.append(item)
            if len(batch) >= self._batch_max or self._queue.empty():
                break
            item = self._queue.get_nowait()
        if batch:
            await self._run_together(batch)
        return item is not None

    async def _run_together(self, batch: Sequence[_Waiting]) -> None:
        transactions = [transaction for transaction, _ in batch]
        try:
            outcomes = await self.thread.hop(lambda connection: self._run(connection, transactions))
        except Exception as error:  # noqa: BLE001 - every caller must get an answer
            outcomes = [Undone(storage_trouble(error)) for _ in batch]
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():
                continue
            match outcome:
                case Committed(value):
                    done.set_result(value)
                case Undone(error):
                    done.set_exception(error)

    def _fail_the_rest(self) -> None:
        with suppress(asyncio.QueueEmpty):
            while True:
                item = self._queue.get_nowait()
                if item is not None and not item[1].done():
                    item[0].close()
                    item[1].set_exception(StorageError("The database was closed before the transaction ran."))


class SQLiteStore:
    """A Store in one SQLite file: a line for writes, which are committed together, and one for reads.

    A cancelled write is committed whole or not at all.
    """

    def __init__(self, path: Path, *, batch_max: int, queue_max: int, timeout_s: float, turn_wal_on: bool) -> None:
        """Make a closed store. `timeout_s` bounds the wait for a place in a line and for SQLite's write lock."""
        self.ownership = None  # the file is this process's alone
        wal = ("journal_mode=WAL",) if turn_wal_on else ()
        durable = (*wal, "synchronous=FULL", "foreign_keys=ON")
        # Rollback data of savepoints and statements stays in memory: a crash rolls back the batch anyway. The WAL is
        # checkpointed at 4,000 pages (16 MB) instead of 1,000, so pages that change often are written less often. While
        # somebody reads for long, as a backup does, it grows; what is beyond the limit is given back after that.
        quick = ("temp_store=MEMORY", "wal_autocheckpoint=4000", f"journal_size_limit={WAL_KEPT_BYTES}")
        self._writes = _Line(
            _Thread(path, (*durable, *quick), timeout_s),
            commit_together,
            batch_max=batch_max,
            waiting_max=queue_max,
            timeout_s=timeout_s,
        )
        self._reads = _Line(
            _Thread(path, ("query_only=ON",), timeout_s),
            read_together,
            batch_max=min(batch_max, READS_MAX),
            waiting_max=queue_max,
            timeout_s=timeout_s,
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        batch_max: int = 256,
        queue_max: int = 4096,
        timeout_s: float = 5.0,
        create: bool = True,
    ) -> "SQLiteStore":
        """Open the file, which is its owner's alone; with `create` it is made if there is none.

        Raises:
            StorageError: SQLite cannot open or use it.
        """
        store = cls(path, batch_max=batch_max, queue_max=queue_max, timeout_s=timeout_s, turn_wal_on=create)
        writer, reader = store._writes.thread, store._reads.thread
        try:
            if create:
                _make_private(path)
            # The writer first: it creates the file and turns WAL on.
            await writer.open()
            try:
                await reader.open()
            except BaseException:
                await writer.close()
                raise
        except (*DATABASE_ERRORS, OSError) as error:
            raise StorageError(f"The database {path} cannot be opened: {_in_words(error)}.") from error
        store._writes.start("sqlite-writes")
        store._reads.start("sqlite-reads")
        return store

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:  # noqa: ARG002 - all take turns
        """Run and commit it together with the others that wait; see `Store.write`."""
        return await self._writes.answer(transaction)

    async def read(self, transaction: Transaction[T]) -> T:
        """Run it on the reader's connection; see `Store.read`."""
        return await self._reads.answer(transaction)

    async def warm(self, warming: Callable[[int], Transaction[None]]) -> None:
        """Do nothing: its two connections have been opened."""

    async def close(self) -> None:
        """Carry out what waits, then close both connections; later transactions are refused."""
        for line in (self._writes, self._reads):
            await line.close()
        # The writer last: the last connection to close checkpoints the WAL.
        await self._reads.thread.close()
        await self._writes.thread.close()


def _make_private(path: Path) -> None:
    """Make the file if there is none, readable by its owner alone; SQLite gives its other files the same mode.

    A file that exists is not opened: closing it would end SQLite's locks on it
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            with suppress(PermissionError):  # it belongs to somebody else, who decides
                path.chmod(0o600)


def _in_words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
