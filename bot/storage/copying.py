"""Copies a database's rows: from a snapshot of one database to an empty one, or to lines of JSON and back.

A copy holds a batch of rows in memory. What was read and what was stored is compared by a digest that does not depend
on the order of the rows, because the engines sort text differently.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, TypeAlias, TypeVar

from bot.errors import StorageError
from bot.storage.tables import TYPES, Table, tables_of
from bot.storage.transaction import Transaction

T = TypeVar("T")
BATCH_ROWS = 1000
_DIGEST_BITS = 256

TableRow: TypeAlias = tuple[Any, ...]
Batches: TypeAlias = AsyncIterable[Sequence[TableRow]]


class Snapshot(Protocol):
    """A database at one moment: what is committed later is not seen. `schema` is its version."""

    schema: int

    async def read(self, transaction: Transaction[T]) -> T:
        """Run a transaction that only reads; see `Store.read`."""
        ...

    def batches(self, table: Table) -> AsyncIterator[Sequence[TableRow]]:
        """Yield all rows of the table, at most `BATCH_ROWS` at once.

        Raises:
            StorageError: the database did not answer.
        """
        ...


class EmptyDatabase(Protocol):
    """A new database that is filled in one transaction: it is whole when that is committed, and not there before."""

    async def make_tables(self, schema: int) -> None:
        """Apply the steps up to this version; the tables are empty, and their triggers off until `migrate`.

        Raises:
            StorageError: the database did not carry it out.
        """
        ...

    async def load(self, table: Table, batches: Batches) -> None:
        """Insert these rows.

        Raises:
            StorageError: the database did not take them.
        """
        ...

    async def migrate(self, schema: int, *, at: float) -> None:
        """Switch the triggers on, and apply the steps after this version.

        Raises:
            StorageError: the database did not carry it out.
        """
        ...

    async def run(self, transaction: Transaction[T]) -> T:
        """Run a transaction as a part of the open one.

        Raises:
            StorageError: the database did not carry it out.
        """
        ...

    def batches(self, table: Table) -> AsyncIterator[Sequence[TableRow]]:
        """Yield the rows that were loaded; see `Snapshot.batches`."""
        ...

    async def commit(self) -> None:
        """Make the database whole; without this, nothing of it is left.

        Raises:
            StorageError: the database did not carry it out.
        """
        ...


@dataclass(slots=True)
class Digest:
    """How many rows there are, and the sum of their hashes; equal for the same rows in any order, on both engines."""

    rows: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        """Count a row, given as `line_of` writes it."""
        self.rows += 1
        self.total = (self.total + int.from_bytes(sha256(line).digest())) % 2**_DIGEST_BITS

    def __str__(self) -> str:
        return f"{self.total:064x}"


def line_of(row: TableRow) -> bytes:
    """Return the row as a line of JSON."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def row_in(line: bytes, table: Table) -> TableRow:
    """Return the row that `line_of` wrote.

    Raises:
        ValueError, TypeError: it is no row of this table.
    """
    row: list[Any] = json.loads(line)
    return as_stored(tuple(row), table)


def as_stored(row: TableRow, table: Table) -> TableRow:
    """Return the row with the values that both engines give back for it: -0.0 is 0.0 in SQLite.

    Raises:
        ValueError: a value is of another type than its column.
    """
    return tuple(_value(value, kind, table) for value, kind in zip(row, table.types, strict=True))


def _value(value: Any, kind: str, table: Table) -> Any:
    if value is None:
        return None
    if type(value) is not TYPES[kind]:
        raise ValueError(f"{table.name} has a {type(value).__name__} where a {kind} belongs")
    return value + 0.0 if isinstance(value, float) else value


async def counted_in(batches: Batches, digest: Digest) -> AsyncGenerator[Sequence[TableRow], None]:
    """Yield the batches, and count their rows in `digest`."""
    async for rows in batches:
        for row in rows:
            digest.add(line_of(row))
        yield rows


async def copy_rows(snapshot: Snapshot, target: EmptyDatabase) -> dict[str, Digest]:
    """Copy every table, and compare what the target then has with what was read; returns each table's digest.

    Raises:
        StorageError: a database did not carry it out, or a row was not stored as it was read.
    """
    await target.make_tables(snapshot.schema)
    digests: dict[str, Digest] = {}
    for table in tables_of(snapshot.schema):
        digests[table.name] = Digest()
        await target.load(table, counted_in(snapshot.batches(table), digests[table.name]))
    await compare(target, snapshot.schema, digests)
    return digests


async def compare(target: EmptyDatabase, schema: int, expected: dict[str, Digest]) -> None:
    """Compare every loaded row with what was read.

    Raises:
        StorageError: a table differs.
    """
    for table in tables_of(schema):
        found = Digest()
        async for _ in counted_in(target.batches(table), found):
            pass
        if found != expected[table.name]:
            raise StorageError(
                f"The table {table.name} was not stored as it was read ({found.rows:,} rows, expected "
                f"{expected[table.name].rows:,}); nothing of the copy was kept."
            )
