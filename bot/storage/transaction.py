"""A transaction is a plain generator: it yields statements and is sent their results.

It does no I/O, so tests need no database, and the same SQL runs on SQLite and PostgreSQL: parameters are `$1`, `$2`, …;
`ON CONFLICT` and `RETURNING` work on both. Money and ids are BIGINT, times are DOUBLE PRECISION Unix seconds, flags are
0 or 1, JSON is TEXT.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

Row: TypeAlias = Mapping[str, Any]
T = TypeVar("T")
JOBS_CHANNEL = "wanda_jobs"


class One(NamedTuple):
    """Run `sql`; the yield's value is the first row, or None."""

    sql: str
    args: Sequence[Any] = ()


class Many(NamedTuple):
    """Run `sql`; the yield's value is the list of all rows."""

    sql: str
    args: Sequence[Any] = ()


class Lock(NamedTuple):
    """Run `sql` for its locks, which last until the transaction ends; the yield's value is None.

    SQLite skips it, because it runs one write at a time; so nothing may depend on what `sql` changes.
    """

    sql: str
    args: Sequence[Any] = ()


class Notify(NamedTuple):
    """Tell the other processes about this job once the transaction commits; the yield's value is None.

    They LISTEN on `JOBS_CHANNEL` (https://www.postgresql.org/docs/current/sql-notify.html). SQLite, which belongs to
    one process, skips it.
    """

    job_id: str

    @property
    def sql(self) -> str:
        """The statement."""
        return "SELECT pg_notify($1, $2)"

    @property
    def args(self) -> Sequence[Any]:
        """The statement's parameters."""
        return (JOBS_CHANNEL, self.job_id)


Statement: TypeAlias = One | Many | Lock | Notify
Transaction: TypeAlias = Generator[Statement, Any, T]


class Store(Protocol):
    """A database that runs transactions. Each commits whole, or raises and changes nothing."""

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Run and commit the transaction, and return its result, which is then durable.

        `guild_id` is the server whose rows it locks. On PostgreSQL it then waits for the server's other transactions
        before it takes a connection, so that a busy server leaves the connections to the others. None is for one that
        locks no server's rows, or those of several.

        Raises:
            StorageError: the database did not answer or did not commit.
            Exception: what the transaction itself raised; it was rolled back.
        """
        ...

    async def read(self, transaction: Transaction[T]) -> T:
        """Run the transaction on a snapshot of the committed data, and return its result; it must not write.

        Raises:
            StorageError: the database did not answer.
        """
        ...

    async def close(self) -> None:
        """Finish the running transactions, then close every connection."""
        ...
