"""Runs transactions on an open SQLite connection, one at a time or as a batch; runs in the connection's thread.

Each transaction of a batch has its own savepoint (https://www.sqlite.org/lang_savepoint.html): if one raises, only
that one is rolled back.
"""

import re
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

from bot.errors import StorageError
from bot.storage.transaction import PLAIN, Alone, Constant, Locked, One, Statement, Together, Transaction, UnderLock

T = TypeVar("T")

_PARAMETER = re.compile(r"\$(\d+)")
_STATEMENTS_MAX = 1024  # size of the cache of translated statements; a process uses a few hundred

# SQLite's own errors (a closed connection is one), and OverflowError for an integer above 64 bits.
DATABASE_ERRORS = (sqlite3.Error, OverflowError)


class Committed(NamedTuple):
    """A committed transaction of a batch; `value` is what it returned."""

    value: Any


class Undone(NamedTuple):
    """A rolled-back transaction of a batch; `error` is why."""

    error: Exception


Outcome: TypeAlias = Committed | Undone


def execute(cursor: sqlite3.Cursor, statement: Statement) -> Any:
    """Run one statement; return its first row (`One`) or all rows (`Many`)."""
    if not isinstance(statement, PLAIN):
        if isinstance(statement, Together | UnderLock):  # the transaction has the database to itself, without locks
            return tuple([execute(cursor, part) for part in statement.parts])
        if isinstance(statement, Constant):
            return execute(cursor, One(statement.sql))
        if isinstance(statement, Locked):
            return execute(cursor, One(*statement))
        return execute(cursor, statement.only) if isinstance(statement, Alone) else None
    translated = _translated(statement.sql)
    cursor.execute(translated.sql, statement.args)
    # Fetch all rows: SQLite cannot release a savepoint while a statement has unread rows.
    rows = cursor.fetchall()
    if not rows:
        return None if isinstance(statement, One) else []
    names = translated.names or translated.read_names(cursor)
    if isinstance(statement, One):
        return dict(zip(names, rows[0], strict=True))
    return [dict(zip(names, row, strict=True)) for row in rows]


class _Translated:
    """The SQL with `?1` for `$1` (https://www.sqlite.org/lang_expr.html#varparam).

    SQLite treats `$1` as a name, and looking names up in a mapping takes several times as long as binding a sequence.
    `names` are the columns once they are known, unless the tables decide which there are (`SELECT *`).
    """

    __slots__ = ("names", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = _PARAMETER.sub(r"?\1", sql)
        self.names: Sequence[str] = ()

    def read_names(self, cursor: sqlite3.Cursor) -> Sequence[str]:
        """Return the columns of the statement that the cursor has run."""
        names = tuple(column[0] for column in cursor.description)
        if "*" not in self.sql:
            self.names = names
        return names


@lru_cache(maxsize=_STATEMENTS_MAX)
def _translated(sql: str) -> _Translated:
    return _Translated(sql)


def run_transaction(cursor: sqlite3.Cursor, transaction: Transaction[T]) -> T:
    """Run the transaction's statements and return its result; the caller begins and commits.

    Raises:
        StorageError: a statement failed; the generator was closed.
    """
    try:
        statement = next(transaction)
        while True:
            try:
                answer = execute(cursor, statement)
            except DATABASE_ERRORS as error:
                raise storage_trouble(error) from error
            statement = transaction.send(answer)
    except StopIteration as end:
        return end.value
    finally:
        transaction.close()


def storage_trouble(error: BaseException) -> StorageError:
    """Return a new StorageError per caller: raising a shared instance would mix tracebacks."""
    if isinstance(error, StorageError):
        return StorageError(str(error))
    return StorageError(f"The database did not carry out the transaction ({error}); nothing of it was kept.")


def commit_together(connection: sqlite3.Connection, transactions: Sequence[Transaction[Any]]) -> list[Outcome]:
    """Run each transaction in its own savepoint, and commit those that returned.

    Raises:
        sqlite3.Error: BEGIN or COMMIT failed; the whole batch was rolled back.
        StorageError: SQLite rolled back the whole batch because of one statement.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        cursor = connection.cursor()
        outcomes = [_in_savepoint(cursor, transaction) for transaction in transactions]
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return outcomes


def _in_savepoint(cursor: sqlite3.Cursor, transaction: Transaction[Any]) -> Outcome:
    cursor.execute("SAVEPOINT one")
    try:
        outcome: Outcome = Committed(run_transaction(cursor, transaction))
    except Exception as error:  # its caller gets it; the others are committed
        if not cursor.connection.in_transaction:
            raise  # on a full disk or an I/O error SQLite rolls back the whole batch
        cursor.execute("ROLLBACK TO one")
        outcome = Undone(error)
    cursor.execute("RELEASE one")
    return outcome


def read_only(connection: sqlite3.Connection, transaction: Transaction[T]) -> T:
    """Run the transaction on one snapshot of the committed data."""
    connection.execute("BEGIN")
    try:
        return run_transaction(connection.cursor(), transaction)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def read_together(connection: sqlite3.Connection, transactions: Sequence[Transaction[Any]]) -> list[Outcome]:
    """Run each transaction on a snapshot of its own."""
    return [_read(connection, transaction) for transaction in transactions]


def _read(connection: sqlite3.Connection, transaction: Transaction[Any]) -> Outcome:
    try:
        return Committed(read_only(connection, transaction))
    except DATABASE_ERRORS as error:
        return Undone(storage_trouble(error))
    except Exception as error:  # noqa: BLE001 - its caller gets it; the others are read
        return Undone(error)
