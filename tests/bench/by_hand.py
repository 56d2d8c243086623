"""A minimal hand-written ledger: tables of budgets and holds, and an entry for each movement.

It is the least that is durable and correct: one transaction holds a job's price on the member's and the server's
budget within their caps, another settles it, and each checks the number of changed rows.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import aiosqlite
import asyncpg

from bot.ledger import scopes
from bot.ledger.model import Who

Pair: TypeAlias = Callable[[str, Who], Awaitable[None]]  # holds and settles the job with this id
_Statement: TypeAlias = tuple[str, tuple[Any, ...]]

CAP_MICROUSD = 10**15
PRICE_MICROUSD = 750_000
AT = 1_790_000_000.0

_asyncpg: Any = asyncpg  # it has no type annotations
_PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
_SCHEMA = (
    """
CREATE TABLE budgets (scope TEXT PRIMARY KEY, cap BIGINT NOT NULL, held BIGINT NOT NULL, spent BIGINT NOT NULL)""",
    """
CREATE TABLE holds (job_id TEXT PRIMARY KEY, member TEXT NOT NULL, server TEXT NOT NULL, amount BIGINT NOT NULL,
state TEXT NOT NULL, settled BIGINT)""",
    """
CREATE TABLE entries (id TEXT PRIMARY KEY, job_id TEXT NOT NULL, scope TEXT NOT NULL, held BIGINT NOT NULL,
spent BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL, reason TEXT NOT NULL)""",
)
_BUDGET = "INSERT INTO budgets (scope, cap, held, spent) VALUES ($1, $2, 0, 0)"
_TAKE = "UPDATE budgets SET held = held + $2 WHERE scope = $1 AND held + spent + $2 <= cap RETURNING scope"
_HOLD = """
INSERT INTO holds (job_id, member, server, amount, state) VALUES ($1, $2, $3, $4, 'held') RETURNING job_id"""
_END = "UPDATE holds SET state = 'settled', settled = $2 WHERE job_id = $1 AND state = 'held' RETURNING job_id"
_PAY = "UPDATE budgets SET held = held - $2, spent = spent + $2 WHERE scope = $1 RETURNING scope"
_ENTER = """
INSERT INTO entries (id, job_id, scope, held, spent, at, reason)
VALUES ($1, $2, $3, $5, $6, $7, $8), ($9, $2, $4, $5, $6, $7, $8) RETURNING id"""


@contextmanager
def in_sqlite(path: Path, people: Sequence[Who]) -> Generator[Callable[[str, Who], None]]:
    """Yield a function that runs a pair with the `sqlite3` module, in the thread that entered the context."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in (*_PRAGMAS, *_SCHEMA):
            connection.execute(statement)
        connection.executemany(_numbered(_BUDGET), _budgets(people))

        def pair(job_id: str, who: Who) -> None:
            for transaction in _pair(job_id, who):
                connection.execute("BEGIN IMMEDIATE")
                for sql, args in transaction:
                    _refuse_if_none(connection.execute(_numbered(sql), args).fetchone())
                connection.execute("COMMIT")

        yield pair
    finally:
        connection.close()


@asynccontextmanager
async def in_aiosqlite(path: Path, people: Sequence[Who]) -> AsyncGenerator[Pair]:
    """Yield a function that runs a pair through aiosqlite, statement by statement, on one connection with a lock."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        for statement in (*_PRAGMAS, *_SCHEMA):
            await connection.execute(statement)
        await connection.executemany(_numbered(_BUDGET), _budgets(people))
        lock = asyncio.Lock()

        async def pair(job_id: str, who: Who) -> None:
            for transaction in _pair(job_id, who):
                async with lock:
                    await connection.execute("BEGIN IMMEDIATE")
                    for sql, args in transaction:
                        async with connection.execute(_numbered(sql), args) as cursor:
                            _refuse_if_none(await cursor.fetchone())
                    await connection.execute("COMMIT")

        yield pair


@asynccontextmanager
async def in_postgres(url: str, people: Sequence[Who], *, pool_size: int) -> AsyncGenerator[Pair]:
    """Yield a function that runs a pair through asyncpg, each transaction on a pooled connection."""
    async with _asyncpg.create_pool(url, min_size=pool_size, max_size=pool_size) as pool:
        for statement in _SCHEMA:
            await pool.execute(statement)
        await pool.executemany(_BUDGET, _budgets(people))

        async def pair(job_id: str, who: Who) -> None:
            for transaction in _pair(job_id, who):
                async with pool.acquire() as connection, connection.transaction():
                    for sql, args in transaction:
                        _refuse_if_none(await connection.fetchrow(sql, *args))

        yield pair


def _pair(job_id: str, who: Who) -> Iterator[Sequence[_Statement]]:
    """Return the two transactions; the server's budget is locked last, because most others wait for it."""
    member, server = names = scopes.member(who.guild_id, who.member_id), scopes.server(who.guild_id)
    yield (
        (_HOLD, (job_id, *names, PRICE_MICROUSD)),
        (_ENTER, _entries(job_id, "hold", names, (PRICE_MICROUSD, 0))),
        (_TAKE, (member, PRICE_MICROUSD)),
        (_TAKE, (server, PRICE_MICROUSD)),
    )
    yield (
        (_END, (job_id, PRICE_MICROUSD)),
        (_ENTER, _entries(job_id, "settle", names, (-PRICE_MICROUSD, PRICE_MICROUSD))),
        (_PAY, (member, PRICE_MICROUSD)),
        (_PAY, (server, PRICE_MICROUSD)),
    )


def _entries(job_id: str, kind: str, names: tuple[str, str], deltas: tuple[int, int]) -> tuple[Any, ...]:
    first, second = (f"{job_id}:{kind}:{scope}" for scope in names)
    return (first, job_id, *names, *deltas, AT, "bench", second)


def _budgets(people: Sequence[Who]) -> list[tuple[str, int]]:
    members = {scopes.member(who.guild_id, who.member_id) for who in people}
    servers = {scopes.server(who.guild_id) for who in people}
    return [(name, CAP_MICROUSD) for name in sorted(members | servers)]


def _refuse_if_none(row: object) -> None:
    """Check that the statement changed a row: the budget was large enough, or the hold still open."""
    if row is None:
        raise AssertionError("the hand-written ledger changed no row")


@cache
def _numbered(sql: str) -> str:
    """Return the SQL with SQLite's numbered parameters (`?1`), which can be bound from a sequence."""
    return sql.replace("$", "?")
