"""Runs transactions on an open SQLite connection, one at a time or many in one COMMIT; called in its thread.

Each transaction of a batch has its own savepoint (https://www.sqlite.org/lang_savepoint.html), so one that raises
rolls back only itself.
"""

import re
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

from bot.errors import StorageError
from bot.storage.transaction import Lock, One, Row, Statement, Transaction

T = TypeVar("T")

_PARAMETER = re.compile(r"\$(\d+)")
_STATEMENTS_MAX = 1024  # texts whose parameters are known: those of one process are a few hundred

# SQLite's own trouble, a value that it cannot bind (an integer above 64 bits), and aiosqlite's closed connection.
DATABASE_ERRORS = (sqlite3.Error, OverflowError)


class Committed(NamedTuple):
    """A committed transaction of a batch; `value` is what it returned."""

    value: Any


class Undone(NamedTuple):
    """A transaction of a batch that was rolled back, and why."""

    error: Exception


Outcome: TypeAlias = Committed | Undone


def execute(cursor: sqlite3.Cursor, statement: Statement) -> Row | list[Row] | None:
    """Run one statement to its end, and return its first row, or all of them as the statement asks."""
    if isinstance(statement, Lock):
        return None  # whoever is here has the whole database to themselves
    sql, order = _positional(statement.sql)
    args = statement.args
    cursor.execute(sql, args if order is None else [args[place] for place in order])
    # Always read to the end: a statement with unread rows would keep the savepoint from being released.
    rows = cursor.fetchall()
    if not rows:
        return None if isinstance(statement, One) else []
    names = [column[0] for column in cursor.description]
    if isinstance(statement, One):
        return dict(zip(names, rows[0], strict=True))
    return [dict(zip(names, row, strict=True)) for row in rows]


@lru_cache(maxsize=_STATEMENTS_MAX)
def _positional(sql: str) -> tuple[str, tuple[int, ...] | None]:
    """Return the text with `?` for `$1`, and each one's place among the arguments, None when they come in order.

    SQLite takes `$1` for a name: it would look each up in a mapping, several times as long as binding a sequence.
    """
    order = tuple(int(number) - 1 for number in _PARAMETER.findall(sql))
    return _PARAMETER.sub("?", sql), None if order == tuple(range(len(order))) else order


def run_transaction(cursor: sqlite3.Cursor, transaction: Transaction[T]) -> T:
    """Drive the transaction's generator to its end with a cursor of an open connection, and return what it returns.

    Raises:
        StorageError: a statement failed; the generator was closed, it cannot carry on.
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
        sqlite3.Error: BEGIN or COMMIT failed; nothing of any was kept.
        StorageError: SQLite undid the whole batch because of one statement.
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
    except Exception as error:  # whatever a transaction raises is its caller's, and undoes only itself
        if not cursor.connection.in_transaction:
            raise  # after a full disk or an I/O error SQLite has undone the whole batch by itself
        cursor.execute("ROLLBACK TO one")
        outcome = Undone(error)
    cursor.execute("RELEASE one")
    return outcome


def read_only(connection: sqlite3.Connection, transaction: Transaction[T]) -> T:
    """Run the transaction in one snapshot of what is committed."""
    connection.execute("BEGIN")
    try:
        return run_transaction(connection.cursor(), transaction)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
