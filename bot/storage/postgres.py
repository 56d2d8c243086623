"""The PostgreSQL driver: each transaction runs on its own pooled connection, at READ COMMITTED.

Money is checked by locks and conditional updates, so no stronger isolation is needed: at READ COMMITTED an UPDATE or
an ON CONFLICT DO UPDATE waits for concurrent changes of the row and then sees its newest committed version
(https://www.postgresql.org/docs/current/transaction-iso.html).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import asyncpg

from bot.errors import OwnershipLost, SettingsRefused, StorageError, StorageUnreachable
from bot.storage.transaction import Lock, Notify, One, Row, Statement, Transaction

T = TypeVar("T")

# asyncpg has no type annotations, and those inferred from its source are partly wrong.
_asyncpg: Any = asyncpg
_Pool: TypeAlias = Any
_Connection: TypeAlias = Any

# Errors of the server (including deadlocks), of asyncpg and of the network; TimeoutError is an OSError.
DATABASE_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

# The server is not there, or not yet ready; a later try may work.
_UNREACHABLE: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
)

# A session-level lock for the whole database; the second number is reserved for shards.
_TRY_TO_OWN = "SELECT pg_try_advisory_lock(730501, 0)"
_WAIT_TO_OWN = "SELECT true FROM pg_advisory_lock(730501, 0)"

# The server detects a dead client machine within 30 s and releases its locks.
_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4"}


class PostgresStore:
    """A Store in a PostgreSQL database.

    A cancelled write is rolled back, unless its COMMIT had been sent: then it is either committed or rolled back. The
    same holds if the connection breaks during COMMIT, and the StorageError cannot say which. All writes are therefore
    repeatable: the caller makes the ids.
    """

    def __init__(self, pool: _Pool, ownership: "_Ownership | None", timeout_s: float) -> None:
        """Callers use `PostgresStore.open`."""
        self._pool = pool
        self._ownership = ownership
        self._timeout_s = timeout_s
        self._closed = False

    @classmethod
    async def open(
        cls, url: str, *, pool_size: int = 8, timeout_s: float = 5.0, exclusive: bool = False
    ) -> "PostgresStore":
        """Connect. `timeout_s` bounds each wait: for a connection, for a lock, and for each answer.

        With `exclusive` the store locks the database until it is closed. If the lock's session breaks and another
        process takes the lock, writes are refused. A previous owner has half of `timeout_s` to end.

        Raises:
            StorageUnreachable: the server cannot be reached.
            StorageError: the server cannot be used, or another process holds the lock.
            SettingsRefused: the URL cannot be read.
        """
        ownership = _Ownership(url, timeout_s) if exclusive else None
        try:
            if ownership is not None:
                await ownership.ensure(patience_s=timeout_s / 2)
            pool: _Pool = await _asyncpg.create_pool(
                url,
                min_size=1,
                max_size=pool_size,
                timeout=timeout_s,
                command_timeout=timeout_s,
                server_settings={"application_name": "wanda"} | _KEEPALIVE,
                init=_set_up,
                reset=_leave_as_it_is,
            )
        except (*DATABASE_ERRORS, StorageError, ValueError) as error:
            if ownership is not None:
                await ownership.give_up()
            if isinstance(error, StorageError):
                raise
            raise connection_trouble(error) from error
        return cls(pool, ownership, timeout_s)

    async def write(self, transaction: Transaction[T]) -> T:
        """Run and commit it; see `Store.write`."""
        try:
            self._refuse_if_closed()
            if self._ownership is not None:
                await self._ownership.ensure()
            async with self._connection() as connection, connection.transaction():
                return await drive(connection, transaction)
        finally:
            transaction.close()

    async def read(self, transaction: Transaction[T]) -> T:
        """Run it in a read-only transaction on one snapshot; see `Store.read`."""
        try:
            self._refuse_if_closed()
            async with (
                self._connection() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await drive(connection, transaction)
        finally:
            transaction.close()

    async def close(self) -> None:
        """Close every connection once its transaction has ended; after `timeout_s` the rest are terminated."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        if self._ownership is not None:
            await self._ownership.give_up()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StorageError("The database is closed: Wanda is shutting down.")

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[_Connection, None]:
        """Lend a pooled connection; database errors inside the body become StorageError."""
        try:
            async with self._pool.acquire(timeout=self._timeout_s) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise StorageError(
                f"The database did not carry out the transaction ({in_words(error)}); nothing of it was kept."
            ) from error


class _Ownership:
    """Holds the database's lock in a separate session."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._session: _Connection = None
        self._turn = asyncio.Lock()

    async def ensure(self, *, patience_s: float = 0) -> None:
        """Check that this process holds the lock; if its session broke, take the lock again.

        `patience_s` is how long to wait until another owner ends.

        Raises:
            StorageError: another process holds the lock, or the server cannot be asked.
        """
        if self._session is not None and not self._session.is_closed():
            return
        try:
            # Includes the wait for `_turn`: while the server is silent, each caller ahead holds it until its timeout.
            async with asyncio.timeout(2 * self._timeout_s + patience_s), self._turn:
                if self._session is not None and not self._session.is_closed():
                    return
                self._session = await self._take(patience_s)
        except (*DATABASE_ERRORS, ValueError) as error:
            raise connection_trouble(error) from error

    async def _take(self, patience_s: float) -> _Connection:
        session: _Connection = await _asyncpg.connect(
            self._url,
            timeout=self._timeout_s,
            command_timeout=self._timeout_s,
            server_settings={"application_name": "wanda owner"} | _KEEPALIVE,
        )
        try:
            owned = await _own(session, patience_s)
        except BaseException:
            session.terminate()
            raise
        if owned:
            return session
        session.terminate()
        raise OwnershipLost(
            "Another Wanda already works with this PostgreSQL database: stop it first, or give this one a database "
            "of its own in DATABASE_URL."
        )

    async def give_up(self) -> None:
        """Release the lock by closing its session."""
        session, self._session = self._session, None
        if session is not None:
            try:
                await session.close(timeout=self._timeout_s)
            except DATABASE_ERRORS:
                session.terminate()


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
                server_settings={"application_name": "wanda migration"} | _KEEPALIVE,
            )
        except (*DATABASE_ERRORS, ValueError) as error:
            raise connection_trouble(error) from error
        try:
            await self.session.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
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


async def _own(session: _Connection, patience_s: float) -> bool:
    if patience_s <= 0:
        return await session.fetchval(_TRY_TO_OWN)
    await session.execute(f"SET lock_timeout = {max(1, int(patience_s * 1000))}")
    try:
        return await session.fetchval(_WAIT_TO_OWN)
    except asyncpg.LockNotAvailableError:
        return False


async def drive(connection: _Connection, transaction: Transaction[T]) -> T:
    """Run the transaction's statements and return its result; the caller begins and commits."""
    try:
        statement = next(transaction)
        while True:
            statement = transaction.send(await _answer(connection, statement))
    except StopIteration as end:
        return end.value


async def _answer(connection: _Connection, statement: Statement) -> Row | list[Row] | None:
    if isinstance(statement, Lock | Notify):
        await connection.execute(statement.sql, *statement.args)
        return None
    rows: list[Row] = [dict(row) for row in await connection.fetch(statement.sql, *statement.args)]
    if isinstance(statement, One):
        return rows[0] if rows else None
    return rows


async def _set_up(connection: _Connection) -> None:
    """Make the server end a transaction that is idle for 30 s, which releases the locks of a vanished client."""
    await connection.execute("SET idle_in_transaction_session_timeout = '30s'")


async def _leave_as_it_is(connection: _Connection) -> None:
    """Skip asyncpg's reset, a round trip per transaction: Wanda's transactions do not change session state."""


def in_words(error: BaseException) -> str:
    """Return what the server, or the driver, says of its error."""
    return str(error) or ("it did not answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def connection_trouble(error: Exception) -> StorageError | SettingsRefused:
    """Return the error for a connection that was not made."""
    # A certificate that is refused is both. asyncpg's sentence about the URL may repeat a piece of the password.
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return SettingsRefused(
            "The setting DATABASE_URL is not usable: it cannot be taken apart. Write special characters of the "
            "password as %40 (@), %23 (#), %2F (/) or %3A (:)."
        )
    kind = StorageUnreachable if isinstance(error, _UNREACHABLE) else StorageError
    return kind(f"PostgreSQL cannot be used: {in_words(error)}.")
