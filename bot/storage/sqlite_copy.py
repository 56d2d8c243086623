"""A snapshot of an SQLite file, and a new file that is filled and then put in its place.

A read transaction sees the database as it was when it began, while others write (https://www.sqlite.org/isolation.html);
with WAL it holds nobody up. The connections are used from one thread at a time.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from bot.errors import StorageError
from bot.storage.batch import DATABASE_ERRORS, run_transaction, storage_trouble
from bot.storage.copying import BATCH_ROWS, Batches, TableRow, as_stored
from bot.storage.migrate import SCHEMA_VERSIONS_SQL, apply_steps
from bot.storage.tables import Table, tables_of
from bot.storage.transaction import Transaction

T = TypeVar("T")
PART = ".part"  # the name of a file that is not whole yet ends so


class SQLiteSnapshot:
    """See `Snapshot`."""

    def __init__(self, connection: sqlite3.Connection, schema: int) -> None:
        self.schema = schema
        self._connection = connection

    async def read(self, transaction: Transaction[T]) -> T:
        """See `Snapshot.read`."""
        return await asyncio.to_thread(run_transaction, self._connection.cursor(), transaction)

    async def batches(self, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
        """See `Snapshot.batches`."""
        async for rows in _batches(self._connection, table):
            yield rows


@asynccontextmanager
async def sqlite_snapshot(path: Path, *, timeout_s: float) -> AsyncGenerator[SQLiteSnapshot, None]:
    """Open a snapshot of the file, which another process may be writing to.

    Raises:
        StorageError: it cannot be opened or read.
    """

    def begin() -> tuple[sqlite3.Connection, int]:
        connection = _connect(path, timeout_s=timeout_s)
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("BEGIN")  # the first read begins the snapshot
            found = connection.execute("SELECT name FROM sqlite_master WHERE name = 'schema_version'").fetchone()
            version = connection.execute("SELECT MAX(version) FROM schema_version").fetchone() if found else None
        except BaseException:
            connection.close()
            raise
        return connection, (version and version[0]) or 0

    connection, schema = await _in_thread(begin)
    try:
        yield SQLiteSnapshot(connection, schema)
    finally:
        await asyncio.to_thread(connection.close)


class NewSQLite:
    """See `EmptyDatabase`. The file is made beside its place, and has its name when it is whole."""

    def __init__(self, connection: sqlite3.Connection, part: Path, path: Path) -> None:
        self._connection = connection
        self._part = part
        self._path = path
        self._triggers: list[tuple[str, str]] = []

    async def make_tables(self, schema: int) -> None:
        """See `EmptyDatabase.make_tables`."""
        await _in_thread(lambda: self._make_tables(schema))

    def _make_tables(self, schema: int) -> None:
        self._connection.execute("BEGIN")
        self._connection.execute(SCHEMA_VERSIONS_SQL)
        run_transaction(self._connection.cursor(), apply_steps("sqlite", after=0, until=schema, at=0.0))
        self._triggers = self._connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in self._triggers:
            self._connection.execute(f'DROP TRIGGER "{name}"')
        for table in tables_of(schema):
            self._connection.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 - a name of ours

    async def load(self, table: Table, batches: Batches) -> None:
        """See `EmptyDatabase.load`."""
        marks = ", ".join("?" * len(table.columns))
        sql = f'INSERT INTO "{table.name}" ({table.column_list}) VALUES ({marks})'  # noqa: S608 - names of ours

        def insert(rows: Sequence[TableRow]) -> None:
            # The cursor ends here: in the other thread it would reset the statement while this one uses it again.
            self._connection.executemany(sql, rows).close()

        async for rows in batches:
            await _in_thread(partial(insert, rows))

    async def migrate(self, schema: int, *, at: float) -> None:
        """See `EmptyDatabase.migrate`."""

        def steps() -> None:
            for _, sql in self._triggers:
                self._connection.execute(sql)
            run_transaction(self._connection.cursor(), apply_steps("sqlite", after=schema, until=None, at=at))

        await _in_thread(steps)

    async def run(self, transaction: Transaction[T]) -> T:
        """See `EmptyDatabase.run`."""
        return await asyncio.to_thread(run_transaction, self._connection.cursor(), transaction)

    async def batches(self, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
        """See `EmptyDatabase.batches`."""
        async for rows in _batches(self._connection, table):
            yield rows

    async def commit(self) -> None:
        """See `EmptyDatabase.commit`."""

        def whole() -> None:
            self._connection.execute("COMMIT")
            self._connection.close()
            flush(self._part)
            self._part.rename(self._path)
            flush(self._path.parent)

        await _in_thread(whole)


@asynccontextmanager
async def new_sqlite(path: Path) -> AsyncGenerator[NewSQLite, None]:
    """Open a new database, which has this path when it is committed; else nothing is left of it.

    Raises:
        StorageError: there is one already, or a piece of one, or it cannot be written.
    """
    part = path.with_name(path.name + PART)
    for old in (path, *(path.with_name(f"{path.name}-{kind}") for kind in ("wal", "shm", "journal"))):
        if old.exists():
            raise StorageError(f"The file {old} exists: move it away first, or choose another place.")
    async with AsyncExitStack() as stack:
        stack.callback(part.unlink, missing_ok=True)
        connection = await _in_thread(lambda: _make(part))
        stack.callback(connection.close)
        yield NewSQLite(connection, part, path)


def _make(part: Path) -> sqlite3.Connection:
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = _connect(part, timeout_s=0)
    # A file that is not whole is thrown away, so nothing has to be rolled back.
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def flush(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, *, timeout_s: float) -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False)


async def _batches(connection: sqlite3.Connection, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
    def begin() -> sqlite3.Cursor:
        return connection.execute(f'SELECT {table.column_list} FROM "{table.name}"')  # noqa: S608 - names of ours

    cursor = await _in_thread(begin)
    while rows := await _in_thread(lambda: [as_stored(row, table) for row in cursor.fetchmany(BATCH_ROWS)]):
        yield rows


async def _in_thread(function: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(function)
    except OSError as error:
        raise StorageError(f"The database cannot be written: {error.strerror}.") from error
    except ValueError as error:
        raise StorageError(f"The database has a value that cannot be copied: {error}.") from error
    except DATABASE_ERRORS as error:
        raise storage_trouble(error) from error
