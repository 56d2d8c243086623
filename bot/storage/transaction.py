"""A transaction is a plain generator: it yields statements and is sent their results.

It does no I/O, so tests need no database, and the same SQL runs on SQLite and PostgreSQL: parameters are `$1`, `$2`, …;
`ON CONFLICT` and `RETURNING` work on both. Money and ids are BIGINT, times are DOUBLE PRECISION Unix seconds, flags are
0 or 1, JSON is TEXT.
"""

from collections.abc import Generator, Mapping, Sequence, Sized
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar, overload

Row: TypeAlias = Mapping[str, Any]
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
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


class Locked(NamedTuple):
    """Lock the row that `sql`, a SELECT, finds until the transaction ends; the yield's value is that row, or None.

    It is the row as whoever had the lock before left it, and nothing is written: a transaction that changes nothing
    needs no disk. SQLite, which runs one write at a time, only reads it.
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


class Together(NamedTuple):
    """Run statements that do not depend on each other; the yield's value is the tuple of theirs.

    On PostgreSQL they are one statement: all see the same snapshot, none what another one writes, and no two of them
    may change the same row (https://www.postgresql.org/docs/current/queries-with.html). SQLite runs them in order.
    """

    parts: tuple[One | Many, ...]


class UnderLock(NamedTuple):
    """Take `lock`, then run statements that only read; the yield's value is the tuple of theirs.

    `lock` counts up `taken` of a row of `locks` and returns `name` and `taken`, or locks nothing and returns none. All
    who change what is read take it. On PostgreSQL all is one statement (`bot/storage/postgres_together.py`).
    """

    lock: Lock
    parts: tuple[One | Many, ...]


class Alone(NamedTuple):
    """Run the only statement of its transaction, which then needs neither BEGIN nor COMMIT."""

    only: One | Many


class Constant(NamedTuple):
    """Read a row that the schema's steps wrote and nothing changes; the yield's value is that row.

    On PostgreSQL a store asks for it once (`bot/storage/postgres.py`). So a later transaction needs no round trip for
    it, and it may stand first where a first statement is run together with others.
    """

    sql: str


Statement: TypeAlias = One | Many | Lock | Locked | Notify | Together | UnderLock | Alone | Constant
PLAIN = (One, Many)  # in this form isinstance takes a third of the time
Transaction: TypeAlias = Generator[Statement, Any, T]
# Its number, and what it waits for; a statement that stands for itself has no transaction.
_Step: TypeAlias = tuple[int, Transaction[Any] | None, Statement]


def parameters(values: Sized, *, first: int = 1) -> str:
    """Return the parameters of a statement that stand for these values, such as "$1, $2, $3"."""
    return ", ".join(f"${number}" for number in range(first, first + len(values)))


def many(sql: str, args: Sequence[Any] = ()) -> Transaction[list[Row]]:
    """Return the rows of one statement."""
    return (yield Many(sql, args))


def nothing(value: T) -> Transaction[T]:
    """Return the value without a statement."""
    yield from ()
    return value


def alone(transaction: Transaction[T]) -> Transaction[T]:
    """Run a transaction of one statement in one round trip of PostgreSQL.

    Raises:
        TypeError: it has more; what the first one wrote may be kept.
    """
    only = next(transaction)
    if not isinstance(only, One | Many):
        raise TypeError(f"this is nothing to run alone: {only}")
    answer = yield Alone(only)
    try:
        more = transaction.send(answer)
    except StopIteration as end:
        return end.value
    raise TypeError(f"a transaction that was to be alone goes on: {more}")


def under_lock(lock: Lock, reading: Transaction[T]) -> Transaction[T]:
    """Run a transaction under a lock that is taken in the round trip of its first statements: see `UnderLock`.

    Constants that it asks for first are read before.

    Raises:
        TypeError: its first statements do more than read.
    """
    try:
        first = next(reading)
        while isinstance(first, Constant):
            first = reading.send((yield first))
    except StopIteration as end:
        yield lock
        return end.value
    parts = _parts((first,))
    if not all(_reads(part.sql) for part in parts):
        raise TypeError(f"this cannot be run in one statement with a lock: {first}")
    answers = yield UnderLock(lock, parts)
    answer = answers if isinstance(first, Together) else answers[0]
    try:
        while True:
            answer = yield reading.send(answer)
    except StopIteration as end:
        return end.value
    finally:
        reading.close()


@lru_cache(maxsize=1024)
def _reads(sql: str) -> bool:
    return sql.lstrip().startswith("SELECT")


@overload
def together(one: Transaction[A], two: Transaction[B], /) -> Transaction[tuple[A, B]]: ...
@overload
def together(one: Transaction[A], two: Transaction[B], three: Transaction[C], /) -> Transaction[tuple[A, B, C]]: ...
@overload
def together(
    one: Transaction[A], two: Transaction[B], three: Transaction[C], four: Transaction[D], /
) -> Transaction[tuple[A, B, C, D]]: ...
@overload
def together(*steps: Transaction[Any] | One | Many) -> Transaction[tuple[Any, ...]]: ...
def together(*steps: Transaction[Any] | One | Many) -> Transaction[tuple[Any, ...]]:
    """Run transactions and statements that do not depend on each other in step, and return their results.

    The first statements of all are one round trip of PostgreSQL, then the second ones, and so on: see `Together`. A
    constant does not count as a step.

    Raises:
        TypeError: one of them locks or notifies beside another one's statement.
    """
    results: list[Any] = [None] * len(steps)
    waiting: list[_Step] = []
    try:
        for number, step in enumerate(steps):
            if isinstance(step, PLAIN):
                waiting.append((number, None, step))
                continue
            try:
                waiting.append((number, step, next(step)))
            except StopIteration as end:
                results[number] = end.value
        while waiting:
            asked = [one for one in waiting if isinstance(one[2], Constant)][:1] or waiting
            answers = yield from _answers([statement for _, _, statement in asked])
            waiting = [] if asked is waiting else [one for one in waiting if one is not asked[0]]
            for (number, step, _), answer in zip(asked, answers, strict=True):
                if step is None:
                    results[number] = answer
                    continue
                try:
                    waiting.append((number, step, step.send(answer)))
                except StopIteration as end:
                    results[number] = end.value
    finally:
        for step in steps:
            if not isinstance(step, PLAIN):
                step.close()
    return tuple(results)


def _parts(asked: Sequence[Statement]) -> tuple[One | Many, ...]:
    """Return what is to be run at once; statements that are together already become single ones."""
    parts: list[One | Many] = []
    for statement in asked:
        if isinstance(statement, PLAIN):
            parts.append(statement)
        elif isinstance(statement, Together):
            parts.extend(statement.parts)
        else:
            raise TypeError(f"this cannot be run together with others: {statement}")
    return tuple(parts)


def _answers(asked: Sequence[Statement]) -> Transaction[Sequence[Any]]:
    """Ask statements at once, and return the answer of each."""
    if len(asked) == 1:
        return ((yield asked[0]),)
    parts = _parts(asked)
    answers: Sequence[Any] = yield Together(parts)
    if not any(isinstance(one, Together) for one in asked):
        return answers
    rest = iter(answers)
    return [tuple(next(rest) for _ in one.parts) if isinstance(one, Together) else next(rest) for one in asked]


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
