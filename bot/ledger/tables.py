"""The ledger's tables in SQL: locks, the rows of budgets, and batched writes of draws and entries.

Callers that write hold the server's lock. A statement writes several rows, because a job draws on many scopes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, TypeAlias, TypeVar

from bot.chunks import chunks
from bot.ledger import scopes
from bot.ledger.model import Limit, Standing, Warned
from bot.storage.transaction import Lock, Many, One, Row, Transaction, together, under_lock

T = TypeVar("T")
BudgetRow: TypeAlias = tuple[str, float, float]  # scope, start and end of the window
SCOPES_MAX = 64  # of one statement: more are several, so that connections keep few texts prepared

# Both the insert and the update lock the row. It is never deleted, and `taken` only grows: see `UnderLock`.
_LOCK = """
INSERT INTO locks (name, taken) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET taken = locks.taken + 1
RETURNING name, taken"""
_LOCK_OF_JOB = """
INSERT INTO locks (name, taken) SELECT 'guild:' || guild_id, 1 FROM draws WHERE job_id = $1 LIMIT 1
ON CONFLICT (name) DO UPDATE SET taken = locks.taken + 1 RETURNING name, taken"""
_LOCK_EVERY_SERVER = "UPDATE locks SET taken = taken + 1 WHERE name <> 'all'"

_SUMS = """
CAST(COALESCE(SUM(CASE WHEN state IN ('held', 'exposed') THEN amount_microusd END), 0) AS BIGINT) AS held_microusd,
CAST(COALESCE(SUM(settled_microusd), 0) AS BIGINT) AS spent_microusd
FROM draws WHERE counted_at >= $1 AND counted_at < $2 AND """
_OF_SCOPE = "scope = $3"
_OF_SERVERS = "position = 0"
_OPEN = """
INSERT INTO budgets (starts_at, ends_at, scope, held_microusd, spent_microusd)
SELECT CAST($1 AS DOUBLE PRECISION), CAST($2 AS DOUBLE PRECISION), CAST({scope} AS TEXT), held_microusd, spent_microusd
FROM (SELECT {sums}) AS summed WHERE true
ON CONFLICT (scope, ends_at, starts_at) DO UPDATE SET held_microusd = budgets.held_microusd
RETURNING held_microusd, spent_microusd"""
_OPEN_SCOPE = _OPEN.format(scope="$4", sums=_SUMS + _OF_SCOPE)
_OPEN_SERVERS = _OPEN.format(scope="$3", sums=_SUMS + _OF_SERVERS)

_LOOK = """
SELECT scope, starts_at, ends_at, held_microusd, spent_microusd FROM budgets WHERE ends_at > $1 AND starts_at <= $1"""
_MOVE = """
UPDATE budgets SET held_microusd = held_microusd + $2, spent_microusd = spent_microusd + $3
WHERE ends_at > $1 AND starts_at <= $1"""

_ENTRY_ROWS = """(
SELECT id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at, at, actor, reason,
declined_by FROM entries) AS e"""
# Corrections as entries of a kind of their own.
_CORRECTION_ROWS = """(
SELECT job_id || ':correct' || CAST(number AS TEXT) || ':' || scope AS id, guild_id, job_id, scope, 'correct' AS kind,
CAST(0 AS BIGINT) AS held_delta_microusd, spent_delta_microusd, counted_at, at, 'fal' AS actor, reason,
CAST(NULL AS BIGINT) AS declined_by FROM corrections) AS e"""
_WARN = """
INSERT INTO warnings (scope, starts_at, ends_at, threshold, guild_id, at, used_microusd, cap_microusd, posted)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)
ON CONFLICT (scope, starts_at, ends_at, threshold) DO NOTHING RETURNING threshold"""


class Move(NamedTuple):
    """The change of one scope's rows."""

    scope: str
    held_microusd: int
    spent_microusd: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """The rows of `budgets` of these scopes at one moment."""

    scopes: frozenset[str] = frozenset()
    rows: Mapping[BudgetRow, Row] = field(default_factory=dict[BudgetRow, Row])


def lock(guild_id: int, *, everything: bool = False) -> Transaction[None]:
    """Lock the server's money and rules until the transaction ends.

    `everything` first takes the lock of the cap over all servers; a fixed order prevents deadlocks.
    """
    if everything:
        yield from lock_all()
    yield Lock(_LOCK, (f"guild:{guild_id}",))


def under_lock_of(guild_id: int, reading: Transaction[T], *, everything: bool = False) -> Transaction[T]:
    """Take the lock as `lock` does, with the first statements of a transaction, which only read."""
    if everything:
        yield from lock_all()
    return (yield from under_lock(Lock(_LOCK, (f"guild:{guild_id}",)), reading))


def lock_all() -> Transaction[None]:
    """Take the lock that comes before every server's; other servers' transactions that do not take it go on."""
    yield Lock(_LOCK, (scopes.ALL,))


def lock_of_job(job_id: str) -> Transaction[None]:
    """Lock the server of a job that has a hold; lock nothing when it never had one."""
    yield Lock(_LOCK_OF_JOB, (job_id,))


def under_lock_of_job(job_id: str, reading: Transaction[T]) -> Transaction[T]:
    """Take the lock as `lock_of_job` does, with the first statements of a transaction, which only read."""
    return under_lock(Lock(_LOCK_OF_JOB, (job_id,)), reading)


def look(scopes_: Sequence[str], *, at: float) -> Transaction[Looked]:
    """Return the rows of these scopes' windows that contain the moment."""
    known: dict[BudgetRow, Row] = {}
    for some in chunks(scopes_, SCOPES_MAX):
        for row in (yield Many(_LOOK + among(2, len(some)), (at, *some))):
            known[row["scope"], row["starts_at"], row["ends_at"]] = row
    return Looked(frozenset(scopes_), known)


def standings(
    limits: Sequence[Limit], *, at: float, keep: bool, erased_scope: str | None = None, looked: Looked = Looked()
) -> Transaction[tuple[Standing, ...]]:
    """Return each limit's standing. With `keep`, missing rows are created from the draws in their windows.

    What stands in `erased_scope` counts for the member's limits too. What was `looked` at is not read again.
    """
    names = {limit.scope for limit in limits}
    if erased_scope:
        names.add(erased_scope)
    known = dict(looked.rows)
    if rest := sorted(names - looked.scopes):
        known |= (yield from look(rest, at=at)).rows
    has_past = any(scope == erased_scope for scope, _, _ in known)
    past = {
        limit.row: replace(limit, scope=erased_scope)
        for limit in limits
        if erased_scope and has_past and limit.whose == "member"
    }
    missing = {one.row: one for one in (*limits, *past.values()) if one.row not in known}
    if (every := next((one for one in missing.values() if one.scope == scopes.ALL), None)) is not None:
        known[every.row] = yield from _opened_of_all(missing.pop(every.row), keep=keep)
    opened = yield from together(*(_opened(one, keep=keep) for one in missing.values()))
    known.update(zip(missing, opened, strict=True))
    return tuple(_standing(limit, past.get(limit.row), known) for limit in limits)


def _standing(limit: Limit, past: Limit | None, known: Mapping[BudgetRow, Row]) -> Standing:
    rows = [known[one.row] for one in (limit, past) if one is not None]
    return Standing(limit, sum(row["held_microusd"] for row in rows), sum(row["spent_microusd"] for row in rows))


def _opened_of_all(limit: Limit, *, keep: bool) -> Transaction[Row]:
    window = (limit.window.starts_at, limit.window.ends_at)
    if not keep:
        return (yield One(f"SELECT {_SUMS}{_OF_SERVERS}", window))
    # Other servers' jobs settle without the lock of `all`; none may settle between this sum and the row's insert.
    yield Lock(_LOCK_EVERY_SERVER)
    return (yield One(_OPEN_SERVERS, (*window, limit.scope)))


def _opened(limit: Limit, *, keep: bool) -> Transaction[Row]:
    """Return what was drawn on a limit in its window, summed from the draws, and with `keep` store it."""
    args = (limit.window.starts_at, limit.window.ends_at, scopes.counted_from(limit.scope))
    if not keep:
        return (yield One(f"SELECT {_SUMS}{_OF_SCOPE}", args))
    return (yield One(_OPEN_SCOPE, (*args, limit.scope)))


def move_budgets(moves: Sequence[Move], *, counted_at: float) -> Transaction[None]:
    """Update the budgets' rows alone."""
    yield from together(*changed_budgets(moves, counted_at))


def changed_budgets(moves: Sequence[Move], counted_at: float) -> list[One]:
    """Return the statements that update the budgets' rows."""
    alike: dict[tuple[int, int], list[str]] = {}
    for scope, held, spent in moves:
        if (held or spent) and not scope.startswith("grant:"):
            alike.setdefault((held, spent), []).extend(scopes.counted_in(scope))
    return [
        One(_MOVE + among(4, len(some)), (counted_at, *deltas, *some))
        for deltas, names in alike.items()
        for some in chunks(names, SCOPES_MAX)
    ]


def warn(warnings: Sequence[Warned]) -> Transaction[tuple[Warned, ...]]:
    """Record the warnings, and return those that are new."""
    new: list[Warned] = []
    for one in warnings:
        window = (one.limit_scope, one.starts_at, one.ends_at, one.threshold)
        if (yield One(_WARN, (*window, one.guild_id, one.at, one.used_microusd, one.cap_microusd))) is not None:
            new.append(one)
    return tuple(new)


def moved_page(condition: str, order: str, limit: str) -> str:
    """Return the SQL for a page of everything that moved money, entries and corrections, with an Entry's columns.

    Each kind is limited by itself, so that a page costs no more than its length.
    """
    end = f"ORDER BY {order} LIMIT {limit}"
    one, two = (f"SELECT * FROM {rows} WHERE {condition} {end}" for rows in (_ENTRY_ROWS, _CORRECTION_ROWS))  # noqa: S608 - the callers' own SQL
    both = f"SELECT * FROM ({one}) AS one UNION ALL SELECT * FROM ({two}) AS two"  # noqa: S608 - likewise
    return f"SELECT * FROM ({both}) AS e {end}"  # noqa: S608 - likewise


@lru_cache(maxsize=256)
def among(first: int, count: int) -> str:
    """Return the condition that the scope is one of `count` parameters from number `first` on."""
    return f" AND scope IN ({', '.join(f'${first + n}' for n in range(count))})"
