"""A snapshot of a PostgreSQL database, and an empty one that is filled in one transaction.

A transaction at REPEATABLE READ sees one moment, while others write
(https://www.postgresql.org/docs/current/transaction-iso.html). Rows are loaded with COPY, which is many times as fast
as INSERT. pg_dump is not used: it would have to be installed, in the server's version, and writes nothing for SQLite.
"""

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from bot.errors import StorageError
from bot.storage.copying import BATCH_ROWS, Batches, TableRow, as_stored
from bot.storage.migrate import SCHEMA_VERSIONS_SQL, apply_steps, keep_others_out, schema_version
from bot.storage.postgres import Unhurried, drive
from bot.storage.postgres_session import DATABASE_ERRORS, in_words
from bot.storage.tables import Table, tables_of
from bot.storage.transaction import One, Transaction

T = TypeVar("T")


class PostgresSnapshot:
    """See `Snapshot`."""

    def __init__(self, session: Any, schema: int) -> None:
        self.schema = schema
        self._session = session

    async def read(self, transaction: Transaction[T]) -> T:
        """See `Snapshot.read`."""
        with _errors():
            return await drive(self._session, transaction)

    async def batches(self, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
        """See `Snapshot.batches`."""
        async for rows in _batches(self._session, table):
            yield rows


@asynccontextmanager
async def postgres_snapshot(url: str, *, timeout_s: float) -> AsyncGenerator[PostgresSnapshot, None]:
    """Open a snapshot of the database, which other processes may be writing to.

    Raises:
        StorageError: it cannot be reached or read.
        SettingsRefused: the URL cannot be read.
    """
    async with Unhurried(url, timeout_s=timeout_s) as connection:
        session = connection.session
        async with session.transaction(isolation="repeatable_read", readonly=True):
            snapshot = PostgresSnapshot(session, 0)
            snapshot.schema = await snapshot.read(schema_version("postgres"))
            yield snapshot


class NewPostgres:
    """See `EmptyDatabase`. Everything is one transaction; others see nothing of it before the commit."""

    def __init__(self, session: Any, transaction: Any) -> None:
        self._session = session
        self._transaction = transaction
        self._loaded: tuple[Table, ...] = ()
        self.is_whole = False

    async def make_tables(self, schema: int) -> None:
        """See `EmptyDatabase.make_tables`."""
        await self.run(_run(SCHEMA_VERSIONS_SQL))
        await self.run(apply_steps("postgres", after=0, until=schema, at=0.0))
        self._loaded = tables_of(schema)
        for table in self._loaded:
            await self.run(_run(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'))
            await self.run(_run(f'DELETE FROM "{table.name}"'))  # noqa: S608 - a name of ours

    async def load(self, table: Table, batches: Batches) -> None:
        """See `EmptyDatabase.load`."""

        async def rows() -> AsyncGenerator[TableRow, None]:
            async for batch in batches:
                for row in batch:
                    yield row

        with _errors(f"The table {table.name} was not taken"):
            await self._session.copy_records_to_table(table.name, records=rows(), columns=table.columns)

    async def migrate(self, schema: int, *, at: float) -> None:
        """See `EmptyDatabase.migrate`."""
        for table in self._loaded:
            await self.run(_run(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER'))
        await self.run(apply_steps("postgres", after=schema, until=None, at=at))

    async def run(self, transaction: Transaction[T]) -> T:
        """See `EmptyDatabase.run`."""
        with _errors():
            return await drive(self._session, transaction)

    async def batches(self, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
        """See `EmptyDatabase.batches`."""
        async for rows in _batches(self._session, table):
            yield rows

    async def commit(self) -> None:
        """See `EmptyDatabase.commit`."""
        with _errors():
            await self._transaction.commit()
        self.is_whole = True


@asynccontextmanager
async def new_postgres(url: str, *, timeout_s: float) -> AsyncGenerator[NewPostgres, None]:
    """Open an empty database, which is filled when it is committed; else nothing is left in it.

    Raises:
        StorageError: it has tables of Wanda, or cannot be reached or written.
        SettingsRefused: the URL cannot be read.
    """
    async with Unhurried(url, timeout_s=timeout_s) as connection:
        session = connection.session
        transaction = session.transaction()
        await transaction.start()
        database = NewPostgres(session, transaction)
        try:
            await database.run(keep_others_out("postgres"))
            if await database.run(schema_version("postgres")):
                raise StorageError("The PostgreSQL database has tables of Wanda already: name an empty one.")
            yield database
        finally:
            if not database.is_whole:
                with suppress(*DATABASE_ERRORS):
                    await transaction.rollback()


async def _batches(session: Any, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
    sql = f'SELECT {table.column_list} FROM "{table.name}"'  # noqa: S608 - names of ours
    batch: list[TableRow] = []
    with _errors():
        async for record in session.cursor(sql, prefetch=BATCH_ROWS):
            batch.append(as_stored(tuple(record), table))
            if len(batch) == BATCH_ROWS:
                yield batch
                batch = []
    if batch:
        yield batch


def _run(sql: str) -> Transaction[None]:
    yield One(sql)


@contextmanager
def _errors(what: str = "The database did not carry it out") -> Generator[None, None, None]:
    try:
        yield
    except DATABASE_ERRORS as error:
        raise StorageError(f"{what} ({in_words(error)}); nothing of it was kept.") from error
    except ValueError as error:
        raise StorageError(f"The database has a value that cannot be copied: {error}.") from error
