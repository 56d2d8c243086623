"""Writes a job's draws and their entries, with the sums of the budgets, in one statement of PostgreSQL.

Callers that write hold the server's lock; under it they have read what they change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from bot.chunks import chunks
from bot.errors import StorageError
from bot.ledger import scopes
from bot.ledger.model import Side
from bot.ledger.tables import Move, among, changed_budgets, under_lock_of_job
from bot.storage.transaction import Many, One, Row, Together, Transaction, many

State: TypeAlias = Literal["held", "exposed", "settled", "released"]
Kind: TypeAlias = Literal["hold", "settle", "release", "expose"]
_ROWS_MAX = 40  # of one statement: more are several, so that connections keep few texts prepared
_OF_JOB = """
SELECT job_id, guild_id, member_id, position, scope, side, amount_microusd, state, settled_microusd, counted_at
FROM draws WHERE job_id = $1"""
_DRAW = """
INSERT INTO draws (job_id, guild_id, member_id, counted_at, state, scope, side, amount_microusd, position) VALUES """
_END = """
UPDATE draws SET state = $2, settled_microusd = $3, ended_at = $4 WHERE job_id = $1 AND state IN ('held', 'exposed')"""
_ENTER = """
INSERT INTO entries (guild_id, job_id, counted_at, at, actor, reason, declined_by,
id, scope, kind, held_delta_microusd, spent_delta_microusd) VALUES """


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the changes of one transaction share."""

    guild_id: int
    job_id: str
    counted_at: float
    at: float
    actor: str
    reason: str
    declined_by: int | None = None


class Change(NamedTuple):
    """What becomes of one draw: its entry, its new state and what is spent, and the change of what is held."""

    scope: str
    kind: Kind
    state: State
    settled_microusd: int | None
    held_delta_microusd: int


def draws_under_lock(job_id: str) -> Transaction[list[Row]]:
    """Lock the server of a job, and return the job's draws, the server's pool first; none if it never had a hold."""
    rows: list[Row] = yield from under_lock_of_job(job_id, many(_OF_JOB, (job_id,)))
    return sorted(rows, key=lambda row: row["position"])


def draw(member_id: int, amounts: Sequence[tuple[str, int]], occasion: Occasion) -> Transaction[None]:
    """Hold these amounts on these scopes, in this order."""
    of_all = (occasion.job_id, occasion.guild_id, member_id, occasion.counted_at)
    held: list[One] = []
    for number, some in enumerate(chunks(amounts, _ROWS_MAX)):
        sql = _draw_sql(number * _ROWS_MAX, tuple(scopes.side(scope) for scope, _ in some))
        held.append(One(sql, (*of_all, *(value for row in some for value in row))))
    changes = [Change(scope, "hold", "held", None, amount) for scope, amount in amounts]
    yield Together((*held, *_noted(changes, occasion)))


def end(changes: Sequence[Change], occasion: Occasion) -> Transaction[None]:
    """Change all of the job's draws that are open.

    Raises:
        StorageError: some were open no more, or others are, which the lock does not allow.
    """
    alike: dict[tuple[State, int | None], list[str]] = {}
    for one in changes:
        alike.setdefault((one.state, one.settled_microusd), []).append(one.scope)
    ended: list[Many] = []
    for (state, spent), names in alike.items():
        values = (occasion.job_id, state, spent, None if state == "exposed" else occasion.at)
        if len(alike) == 1:
            ended.append(Many(f"{_END} RETURNING position", values))
            continue
        ended += [
            Many(f"{_END}{among(5, len(some))} RETURNING position", (*values, *some))
            for some in chunks(names, _ROWS_MAX)
        ]
    answers = yield Together((*ended, *_noted(changes, occasion)))
    if sum(len(rows) for rows in answers[: len(ended)]) != len(changes):
        raise StorageError(f"The draws of job {occasion.job_id} changed while its server was locked.")


def _noted(changes: Sequence[Change], occasion: Occasion) -> list[One]:
    """Return the statements that write an entry for each changed draw, and update the budgets' rows."""
    of_all = (
        *(occasion.guild_id, occasion.job_id, occasion.counted_at, occasion.at),
        *(occasion.actor, occasion.reason, occasion.declined_by),
    )
    entries: list[One] = []
    for some in chunks(changes, _ROWS_MAX):
        values: list[object] = []
        for one in some:
            entry_id = f"{occasion.job_id}:{one.kind}:{one.scope}"
            values += (entry_id, one.scope, one.held_delta_microusd, one.settled_microusd or 0)
        entries.append(One(_enter_sql(tuple(one.kind for one in some)), (*of_all, *values)))
    moves = [Move(one.scope, one.held_delta_microusd, one.settled_microusd or 0) for one in changes]
    return [*entries, *changed_budgets(moves, occasion.counted_at)]


@lru_cache(maxsize=256)
def _draw_sql(first: int, sides: Sequence[Side]) -> str:
    rows = (
        f"($1, $2, $3, $4, 'held', ${5 + 2 * n}, '{side}', ${6 + 2 * n}, {first + n})" for n, side in enumerate(sides)
    )
    return _DRAW + ", ".join(rows)


@lru_cache(maxsize=256)
def _enter_sql(kinds: Sequence[Kind]) -> str:
    rows = (
        f"($1, $2, $3, $4, $5, $6, $7, ${8 + 4 * n}, ${9 + 4 * n}, '{kind}', ${10 + 4 * n}, ${11 + 4 * n})"
        for n, kind in enumerate(kinds)
    )
    return _ENTER + ", ".join(rows)
