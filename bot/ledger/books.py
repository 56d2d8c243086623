"""The ledger's tables in SQL: locks, the rows of budgets, and writing draws and entries many at a time.

Whoever writes here has the server's lock. One statement takes several rows, because a job draws on many scopes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, TypeVar

from bot.ledger import scopes
from bot.ledger.model import Limit, Standing, Terms, Warned
from bot.storage.transaction import Many, One, Row, Transaction

T = TypeVar("T")
EntryKind: TypeAlias = Literal["hold", "settle", "release", "expose"]
_ROWS_MAX = 16  # rows of one statement: SQLite's driver names 99 parameters

# An upsert is the one way of taking a row's lock that both engines know, whether or not the row exists.
_LOCK = "INSERT INTO locks (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name"
_LOCK_OF_JOB = """
INSERT INTO locks (name) SELECT 'guild:' || guild_id FROM draws WHERE job_id = $1 AND position = 0
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name"""
_LOCK_EVERY_SERVER = "UPDATE locks SET name = name WHERE name <> 'all'"

_SUMS = """
CAST(COALESCE(SUM(CASE WHEN state IN ('held', 'exposed') THEN amount_microusd END), 0) AS BIGINT) AS held_microusd,
CAST(COALESCE(SUM(settled_microusd), 0) AS BIGINT) AS spent_microusd
FROM draws WHERE scope = $1 AND counted_at >= $2 AND counted_at < $3"""
_SUM = f"SELECT {_SUMS}"
# The casts tell PostgreSQL the types of parameters that meet no column.
_OPEN = f"""
INSERT INTO budgets (scope, starts_at, ends_at, held_microusd, spent_microusd)
SELECT CAST($1 AS TEXT), CAST($2 AS DOUBLE PRECISION), CAST($3 AS DOUBLE PRECISION), {_SUMS}
ON CONFLICT (scope, ends_at, starts_at) DO UPDATE SET held_microusd = budgets.held_microusd
RETURNING held_microusd, spent_microusd"""

_LOOK = """
SELECT scope, starts_at, ends_at, held_microusd, spent_microusd FROM budgets WHERE ends_at > $1 AND starts_at <= $1"""
_MOVE = """
UPDATE budgets SET held_microusd = held_microusd + $2, spent_microusd = spent_microusd + $3
WHERE ends_at > $1 AND starts_at <= $1"""

_DRAW = """
INSERT INTO draws (job_id, guild_id, member_id, counted_at, state, position, scope, side, amount_microusd) VALUES """
_ENTRY = """
INSERT INTO entries (guild_id, job_id, counted_at, at, actor, reason,
id, scope, kind, held_delta_microusd, spent_delta_microusd) VALUES """
_WARN = """
INSERT INTO warnings (guild_id, at, posted, scope, starts_at, ends_at, threshold, used_microusd, cap_microusd)
VALUES """


@dataclass(frozen=True, slots=True)
class Move:
    """What one movement does to one scope."""

    scope: str
    kind: EntryKind
    held_microusd: int
    spent_microusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the movements of one transaction have in common."""

    guild_id: int
    job_id: str
    counted_at: float
    at: float
    actor: str
    reason: str


def lock(guild_id: int, *, everything: bool = False) -> Transaction[None]:
    """Wait for the server's money and rules, and keep them until the transaction ends.

    `everything` takes the turn of all servers first, for a cap over all; the order is the same for everyone.
    """
    if everything:
        yield One(_LOCK, (scopes.ALL,))
    yield One(_LOCK, (f"guild:{guild_id}",))


def lock_of_job(job_id: str) -> Transaction[None]:
    """Wait for the server of a job that has a hold.

    Raises:
        LookupError: the job never had a hold.
    """
    if (yield One(_LOCK_OF_JOB, (job_id,))) is None:
        raise LookupError(f"job {job_id} never had a hold")


def standings(limits: Sequence[Limit], *, at: float, keep: bool) -> Transaction[tuple[Standing, ...]]:
    """Return where each limit stands. `keep` makes the rows that are missing, from what was drawn in their windows."""
    known: dict[tuple[str, float, float], Row] = {}
    names = sorted({limit.scope for limit in limits})
    for some in chunks(names, 64):
        for row in (yield Many(_LOOK + _among(2, len(some)), (at, *some))):
            known[row["scope"], row["starts_at"], row["ends_at"]] = row
    for limit in limits:
        if limit.row not in known:
            if keep and limit.scope == scopes.ALL:
                # Other servers' jobs end without the turn of all servers: none may, between this sum and its row.
                yield One(_LOCK_EVERY_SERVER)
            known[limit.row] = yield One(_OPEN if keep else _SUM, limit.row)
    return tuple(
        Standing(limit, known[limit.row]["held_microusd"], known[limit.row]["spent_microusd"]) for limit in limits
    )


def draw(terms: Terms, job_id: str, amounts: Sequence[tuple[str, int]]) -> Transaction[None]:
    """Record what the job draws on, in this order, as held."""
    who = terms.who
    shared = (job_id, who.guild_id, who.member_id, terms.at)
    each = [(n, scope, scopes.side(scope), held) for n, (scope, held) in enumerate(amounts)]
    yield from _insert(_DRAW, "($1, $2, $3, $4, 'held', {}, {}, {}, {})", shared, each)


def move(moves: Sequence[Move], occasion: Occasion) -> Transaction[None]:
    """Enter the movements, and bring every row that they belong to up to date."""
    shared = (
        occasion.guild_id,
        occasion.job_id,
        occasion.counted_at,
        occasion.at,
        occasion.actor,
        occasion.reason,
    )
    each = [
        (f"{occasion.job_id}:{one.kind}:{one.scope}", one.scope, one.kind, one.held_microusd, one.spent_microusd)
        for one in moves
    ]
    yield from _insert(_ENTRY, "($1, $2, $3, $4, $5, $6, {}, {}, {}, {}, {})", shared, each)
    alike: dict[tuple[int, int], list[str]] = {}
    for one in moves:
        if (one.held_microusd or one.spent_microusd) and not one.scope.startswith("grant:"):
            alike.setdefault((one.held_microusd, one.spent_microusd), []).append(one.scope)
    for deltas, names in alike.items():
        for some in chunks(names, 64):
            yield One(_MOVE + _among(4, len(some)), (occasion.counted_at, *deltas, *some))


def warn(warnings: Sequence[Warned]) -> Transaction[tuple[Warned, ...]]:
    """Record the warnings of one server at one moment, and return those that are new."""
    if not warnings:
        return ()
    shared = (warnings[0].guild_id, warnings[0].at)
    each = [(w.limit_scope, w.starts_at, w.ends_at, w.threshold, w.used_microusd, w.cap_microusd) for w in warnings]
    end = " ON CONFLICT (scope, starts_at, ends_at, threshold) DO NOTHING RETURNING starts_at, ends_at, threshold"
    rows = yield from _insert(_WARN, "($1, $2, 0, {}, {}, {}, {}, {}, {})", shared, each, end)
    new = {(row["starts_at"], row["ends_at"], row["threshold"]) for row in rows}
    return tuple(one for one in warnings if (one.starts_at, one.ends_at, one.threshold) in new)


def chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    """Cut a sequence into pieces of at most this size."""
    return (items[first : first + size] for first in range(0, len(items), size))


def _insert(
    head: str, template: str, shared: Sequence[Any], each: Sequence[Sequence[Any]], end: str = ""
) -> Transaction[list[Row]]:
    """Insert a row for each; the template's `$n` are the shared values, its braces each row's own."""
    answered: list[Row] = []
    for some in chunks(each, _ROWS_MAX):
        sql = head + _values(template, len(shared), len(some[0]), len(some)) + end
        answered += yield Many(sql, (*shared, *(value for row in some for value in row)))
    return answered


@lru_cache(maxsize=256)
def _values(template: str, shared: int, width: int, rows: int) -> str:
    numbers = (f"${shared + 1 + n}" for n in range(width * rows))
    return ", ".join(template.format(*(next(numbers) for _ in range(width))) for _ in range(rows))


@lru_cache(maxsize=256)
def _among(first: int, count: int) -> str:
    return f" AND scope IN ({', '.join(f'${first + n}' for n in range(count))})"
