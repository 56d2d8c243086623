"""A transaction is a plain generator: it yields statements and is sent their results.

It does no I/O, so it is tested without a database, and the same text runs on SQLite and PostgreSQL: parameters are
`$1`, `$2`, …; `ON CONFLICT` and `RETURNING` work in both. Money and ids are BIGINT, times are DOUBLE PRECISION Unix
seconds, flags are 0 or 1, JSON is TEXT.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

Row: TypeAlias = Mapping[str, Any]
T = TypeVar("T")


class One(NamedTuple):
    """Run `sql`; the yield's value is the first row, or None."""

    sql: str
    args: Sequence[Any] = ()


class Many(NamedTuple):
    """Run `sql`; the yield's value is the list of all rows."""

    sql: str
    args: Sequence[Any] = ()


class Lock(NamedTuple):
    """Run `sql` for the locks that it takes until the transaction ends; the yield's value is None.

    SQLite runs one transaction at a time and skips it, so nothing may depend on what `sql` changes.
    """

    sql: str
    args: Sequence[Any] = ()


Statement: TypeAlias = One | Many | Lock
Transaction: TypeAlias = Generator[Statement, Any, T]


class Store(Protocol):
    """A database that runs transactions. Each either commits whole, or raises and leaves nothing behind."""

    async def write(self, transaction: Transaction[T]) -> T:
        """Run and commit it; what it returns is durable. Its own exception rolls it back and is raised here.

        Raises:
            StorageError: the database did not answer or did not commit.
        """
        ...

    async def read(self, transaction: Transaction[T]) -> T:
        """Run it on a connection that sees only what is committed, and change nothing.

        Raises:
            StorageError: the database did not answer.
        """
        ...

    async def close(self) -> None:
        """Finish what is running, then close every connection."""
        ...
