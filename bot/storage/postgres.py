"""The PostgreSQL driver: each transaction runs on its own pooled connection, at READ COMMITTED.

Money is checked by locks and conditional updates, so no stronger isolation is needed: at READ COMMITTED an UPDATE, an
ON CONFLICT DO UPDATE or a SELECT FOR UPDATE waits for concurrent changes of the row and then sees its newest version
(https://www.postgresql.org/docs/current/transaction-iso.html).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import asyncpg

from bot import metrics
from bot.errors import StorageError
from bot.sharding import ShardPlan
from bot.storage.ownership import Ownership
from bot.storage.postgres_lending import ALONE, READ, WRITE, Lending
from bot.storage.postgres_session import DATABASE_ERRORS, KEEPALIVE, connection_trouble, in_words
from bot.storage.postgres_together import answers_of, arguments, combined, combined_under, is_late
from bot.storage.postgres_warming import warm
from bot.storage.server_turns import ServerTurns
from bot.storage.transaction import (
    Alone,
    Constant,
    Lock,
    Locked,
    Many,
    Notify,
    One,
    Row,
    Statement,
    Together,
    Transaction,
    UnderLock,
)

T = TypeVar("T")
STATEMENTS_MAX = 500  # that a connection keeps prepared; a process uses some hundred
NAMES_MAX = 2000  # statements whose columns are remembered
_NO_TIMEOUT = "SET statement_timeout = 0"  # also where an administrator has set one for the role or the database
_NAMES: dict[str, tuple[str, ...]] = {}

# asyncpg has no type annotations, and those inferred from its source are partly wrong.
_asyncpg: Any = asyncpg
_Pool: TypeAlias = Any
_Connection: TypeAlias = Any


class PostgresStore:
    """A Store in a PostgreSQL database.

    A cancelled write is rolled back, unless its COMMIT had been sent: then it is either committed or rolled back. The
    same holds if the connection breaks during COMMIT, and the StorageError cannot say which. All writes are therefore
    repeatable: the caller makes the ids.
    """

    def __init__(self, pool: _Pool, lending: Lending, ownership: Ownership | None, timeout_s: float) -> None:
        """Callers use `PostgresStore.open`."""
        self._pool = pool
        self._lending = lending
        self.ownership = ownership
        self._timeout_s = timeout_s
        self._turns = ServerTurns(wait_max_s=timeout_s)
        self._constants: dict[str, Row] = {}
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        pool_size: int = 8,
        timeout_s: float = 5.0,
        plan: ShardPlan | None = None,
        is_patient: bool = False,
    ) -> "PostgresStore":
        """Connect. `timeout_s` bounds each wait: for a connection, for a lock, and for each answer.

        One that `is_patient` waits for an answer as long as it takes: what reads a year's books has no other bound.
        With a `plan` the store owns the database, or shards of it, until it is closed (`bot/storage/ownership.py`). If
        that is lost to another process, writes are refused. A previous owner has half of `timeout_s` to end.

        Raises:
            StorageUnreachable: the server cannot be reached.
            StorageError: the server cannot be used, or other processes do not leave it room.
            SettingsRefused: the URL cannot be read.
        """
        ownership = None if plan is None else Ownership(url, plan, timeout_s=timeout_s)
        try:
            if ownership is not None:
                await ownership.begin(patience_s=timeout_s / 2)
            pool: _Pool = await _asyncpg.create_pool(
                url,
                min_size=1,
                max_size=pool_size,
                timeout=timeout_s,
                command_timeout=None if is_patient else timeout_s,
                statement_cache_size=STATEMENTS_MAX,
                max_inactive_connection_lifetime=0,  # what is warm stays open
                server_settings={"application_name": "wanda"} | KEEPALIVE,
                init=_set_up_patient if is_patient else _set_up,
                reset=_leave_as_it_is,
            )
        except (*DATABASE_ERRORS, StorageError, ValueError) as error:
            if ownership is not None:
                await ownership.give_up()
            if isinstance(error, StorageError):
                raise
            raise connection_trouble(error) from error
        return cls(pool, Lending(pool, size=pool_size, timeout_s=timeout_s), ownership, timeout_s)

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Run and commit it; see `Store.write`."""
        try:
            self._refuse_if_closed()
            if self.ownership is not None:
                await self.ownership.ensure()
            return await self._run(transaction, WRITE, guild_id=guild_id)
        finally:
            transaction.close()

    async def read(self, transaction: Transaction[T]) -> T:
        """Run it in a read-only transaction on one snapshot; see `Store.read`."""
        try:
            self._refuse_if_closed()
            return await self._run(transaction, READ)
        finally:
            transaction.close()

    async def _run(self, transaction: Transaction[T], begin: str, *, guild_id: int | None = None) -> T:
        """Run it on a connection in the server's turn; database errors become StorageError."""
        try:
            first = next(transaction)
        except StopIteration as end:
            return end.value
        if isinstance(first, Alone):
            begin = ALONE
        asked_at = time.perf_counter()
        try:
            async with self._turns.turn(guild_id):
                connection = await self._lending.begin(begin)
                metrics.STORAGE_WAIT_SECONDS.observe(time.perf_counter() - asked_at)
                try:
                    value = await _go_on(connection, transaction, first, self._constants)
                except BaseException:
                    await self._lending.roll_back(connection)
                    raise
                await self._lending.commit(connection, begin)
                return value
        except DATABASE_ERRORS as error:
            raise StorageError(
                f"The database did not carry out the transaction ({in_words(error)}); nothing of it was kept."
            ) from error

    async def warm(self, warming: Callable[[int], Transaction[None]]) -> None:
        """Open all connections and run `warming` on each, rolled back; transactions wait for that, up to 2 s."""
        await warm(self._lending, drive, warming, connections=self._pool.get_max_size())

    async def close(self) -> None:
        """Close every connection once its transaction has ended; after `timeout_s` the rest are terminated."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._lending.all_back()
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        if self.ownership is not None:
            await self.ownership.give_up()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StorageError("The database is closed: Wanda is shutting down.")


class Unhurried:
    """A connection that waits for each answer as long as it takes, for migrations and copies; a context manager.

    A step over a large table takes longer than any ordinary answer, also longer than the `statement_timeout` that an
    administrator may have set for the role or the database.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self.session: _Connection = None

    async def __aenter__(self) -> Self:
        """Connect within `timeout_s`; raises as `PostgresStore.open`."""
        try:
            self.session = await _asyncpg.connect(
                self._url,
                timeout=self._timeout_s,
                server_settings={"application_name": "wanda migration"} | KEEPALIVE,
            )
        except (*DATABASE_ERRORS, ValueError) as error:
            raise connection_trouble(error) from error
        try:
            await self.session.execute(f"{_NO_TIMEOUT}; SET idle_in_transaction_session_timeout = 0")
        except BaseException as error:
            await self._close()
            if isinstance(error, DATABASE_ERRORS):
                raise connection_trouble(error) from error
            raise
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        try:
            await self.session.close(timeout=self._timeout_s)
        except DATABASE_ERRORS:
            self.session.terminate()

    async def write(self, transaction: Transaction[T]) -> T:
        """Run and commit it; see `Store.write`."""
        try:
            async with self.session.transaction():
                return await drive(self.session, transaction)
        except DATABASE_ERRORS as error:
            raise StorageError(f"The database could not be migrated ({in_words(error)}).") from error
        finally:
            transaction.close()


async def drive(connection: _Connection, transaction: Transaction[T]) -> T:
    """Run the transaction's statements and return its result; the caller begins and commits."""
    try:
        first = next(transaction)
    except StopIteration as end:
        return end.value
    return await _go_on(connection, transaction, first, {})


async def _go_on(
    connection: _Connection, transaction: Transaction[T], statement: Statement, constants: dict[str, Row]
) -> T:
    """Run the transaction from this statement on; `constants` are the rows of those that were read before."""
    try:
        while True:
            answered = constants.get(statement.sql) if isinstance(statement, Constant) else None
            if answered is None:
                answered = await answer(connection, statement)
                if isinstance(statement, Constant):
                    constants[statement.sql] = answered
            statement = transaction.send(answered)
    except StopIteration as end:
        return end.value


async def answer(connection: _Connection, statement: Statement) -> Any:
    """Run one statement, and return what its yield is sent."""
    if isinstance(statement, Together):
        return await _answer_all(connection, statement.parts)
    if isinstance(statement, UnderLock):
        return await _answer_under(connection, statement.lock, statement.parts)
    if isinstance(statement, Alone):
        return await answer(connection, statement.only)
    if isinstance(statement, Constant):
        return await answer(connection, One(statement.sql))
    if isinstance(statement, Locked):
        return await answer(connection, One(f"{statement.sql} FOR UPDATE", statement.args))
    if isinstance(statement, Lock | Notify):
        await connection.execute(statement.sql, *statement.args)
        return None
    rows: list[Row] = [dict(row) for row in await connection.fetch(statement.sql, *statement.args)]
    if isinstance(statement, One):
        return rows[0] if rows else None
    return rows


async def _answer_all(connection: _Connection, parts: Sequence[One | Many]) -> tuple[Row | list[Row] | None, ...]:
    names = await _names(connection, parts)
    row = await connection.fetchrow(combined(tuple(part.sql for part in parts)), *arguments(parts))
    return answers_of(parts, names, row)


async def _answer_under(
    connection: _Connection, lock: Lock, parts: Sequence[One | Many]
) -> tuple[Row | list[Row] | None, ...]:
    names = await _names(connection, parts)
    sql = combined_under(lock.sql, tuple(part.sql for part in parts))
    taken, before, *answered = await connection.fetchrow(sql, *arguments(parts, lock))
    if is_late(taken, before):
        return await _answer_all(connection, parts)
    return answers_of(parts, names, answered)


async def _names(connection: _Connection, parts: Sequence[One | Many]) -> list[Sequence[str]]:
    """Return the columns of each statement: rows in an array do not name them. Asked once for each."""
    names: list[Sequence[str]] = []
    for part in parts:
        known = _NAMES.get(part.sql)
        if known is None:
            if len(_NAMES) >= NAMES_MAX:
                _NAMES.clear()
            prepared = await connection.prepare(part.sql)
            known = _NAMES[part.sql] = tuple(column.name for column in prepared.get_attributes())
        names.append(known)
    return names


async def _set_up(connection: _Connection) -> None:
    """Make the server end a transaction that is idle for 30 s, which releases the locks of a vanished client."""
    await connection.execute("SET idle_in_transaction_session_timeout = '30s'")


async def _set_up_patient(connection: _Connection) -> None:
    await _set_up(connection)
    await connection.execute(_NO_TIMEOUT)


async def _leave_as_it_is(connection: _Connection) -> None:
    """Skip asyncpg's reset, a round trip per transaction: Wanda's transactions do not change session state."""
