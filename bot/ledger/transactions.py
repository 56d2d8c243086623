"""The ledger's transactions: hold, settle, release, expose, and looking at what is left.

Every hold ends exactly once; a repeated or opposite call afterwards returns the first ending and changes nothing.
Rows are locked in one order, a job's holds first and then its budgets sorted, so transactions do not block each other.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from bot.ledger.model import Budget, Ending, How, Standing, Totals
from bot.ledger.rules import in_order, refusal
from bot.storage.transaction import Many, One, Row, Transaction

_Kind: TypeAlias = Literal["hold", "settle", "release", "expose"]

_CLAIM = """
INSERT INTO holds (job_id, position, scope, period, owner, amount_microusd, state, held_at)
VALUES ($1, $2, $3, $4, $5, $6, 'held', $7)
ON CONFLICT (job_id, position) DO NOTHING RETURNING position"""

# One statement makes the budget's row, brings its cap up to date, and takes the amount if the budget can carry it;
# an amount of zero always fits. The casts tell PostgreSQL the types of parameters that meet no column.
_TAKE = """
INSERT INTO budgets (scope, period, cap_microusd, held_microusd, spent_microusd)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), 0
WHERE CAST($4 AS BIGINT) <= CAST($3 AS BIGINT)
ON CONFLICT (scope, period) DO UPDATE
SET held_microusd = budgets.held_microusd + excluded.held_microusd, cap_microusd = excluded.cap_microusd
WHERE budgets.held_microusd + budgets.spent_microusd + excluded.held_microusd <= excluded.cap_microusd
OR excluded.held_microusd = 0
RETURNING held_microusd, spent_microusd"""

_END = """
UPDATE holds SET state = $2, settled_microusd = $3, ended_at = $4
WHERE job_id = $1 AND state IN ('held', 'exposed') RETURNING scope, period, owner, amount_microusd"""

_EXPOSE = """
UPDATE holds SET state = CASE owner WHEN 'member' THEN 'released' ELSE 'exposed' END,
ended_at = CASE owner WHEN 'member' THEN CAST($2 AS DOUBLE PRECISION) END
WHERE job_id = $1 AND state = 'held' RETURNING scope, period, owner, amount_microusd"""

_HOLDS = "SELECT owner, state, settled_microusd FROM holds WHERE job_id = $1"

_GIVE_BACK = """
UPDATE budgets SET held_microusd = held_microusd - $3, spent_microusd = spent_microusd + $4
WHERE scope = $1 AND period = $2"""

_ENTRY = """
INSERT INTO entries (id, job_id, scope, period, kind, held_delta_microusd, spent_delta_microusd, at, actor, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""

_LOOK = "SELECT held_microusd, spent_microusd FROM budgets WHERE scope = $1 AND period = $2"

_TOTALS = """
SELECT CAST(COALESCE(SUM(CASE WHEN state IN ('held', 'exposed') THEN amount_microusd END), 0) AS BIGINT) AS held,
CAST(COALESCE(SUM(CASE WHEN state = 'exposed' THEN amount_microusd END), 0) AS BIGINT) AS exposed,
CAST(COALESCE(SUM(settled_microusd), 0) AS BIGINT) AS spent
FROM holds WHERE owner = 'server' AND period = $1"""


def hold(
    job_id: str, amount_microusd: int, budgets: Sequence[Budget], *, at: float, member_id: int, reason: str
) -> Transaction[tuple[Standing, ...]]:
    """Hold the amount on every budget or on none, and return where the budgets stand now, sorted by scope and window.

    A job that already has a hold, ended or not, is answered with the budgets' standing; it never gets a second one.

    Raises:
        QuotaExceeded: a budget cannot carry it; the sentence names the first such budget.
        ValueError: the amount is negative, or there is no budget.
    """
    if amount_microusd < 0:
        raise ValueError(f"a hold cannot be negative: {amount_microusd}")
    ordered = in_order(budgets)
    for position, budget in enumerate(ordered):
        claim = (job_id, position, budget.scope, budget.window, budget.owner, amount_microusd, at)
        if (yield One(_CLAIM, claim)) is None:
            return (yield from standing(ordered))
    taken: list[Standing] = []
    for budget in ordered:
        row = yield One(_TAKE, (budget.scope, budget.window, budget.cap_microusd, amount_microusd))
        if row is None:
            (short,) = yield from standing((budget,))
            raise refusal(short, amount_microusd, at=at)
        taken.append(Standing(budget, row["held_microusd"], row["spent_microusd"]))
        book = _Book(job_id, at=at, actor=f"member:{member_id}", reason=reason)
        yield book.entry("hold", budget.scope, budget.window, held=amount_microusd)
    return tuple(taken)


def settle(job_id: str, amount_microusd: int, *, at: float, actor: str, reason: str) -> Transaction[Ending]:
    """End the job's hold: what was held is free again, and `amount_microusd` is spent, once.

    The amount may differ from what was held. A smaller one leaves the rest to the budget; a larger one is recorded as
    it is, even above the cap, because the money is gone: the budget then refuses until it renews. Of an exposed hold
    only the server's part is still open, so only the server's budget pays.

    Raises:
        LookupError: the job never had a hold.
        ValueError: the amount is negative.
    """
    if amount_microusd < 0:
        raise ValueError(f"a settlement cannot be negative: {amount_microusd}")
    rows = yield Many(_END, (job_id, "settled", amount_microusd, at))
    if not rows:
        return (yield from _earlier_ending(job_id))
    yield from _end(rows, amount_microusd, "settle", _Book(job_id, at=at, actor=actor, reason=reason))
    owners = {row["owner"] for row in rows}
    return Ending(
        job_id,
        "settled",
        member_microusd=amount_microusd if "member" in owners else 0,
        server_microusd=amount_microusd if "server" in owners else 0,
        repeated=False,
    )


def release(job_id: str, *, at: float, actor: str, reason: str) -> Transaction[Ending]:
    """End the job's hold, or what is still exposed of it, with nothing spent.

    Raises:
        LookupError: the job never had a hold.
    """
    rows = yield Many(_END, (job_id, "released", None, at))
    if not rows:
        return (yield from _earlier_ending(job_id))
    yield from _end(rows, 0, "release", _Book(job_id, at=at, actor=actor, reason=reason))
    return Ending(job_id, "released", 0, 0, repeated=False)


def expose(job_id: str, *, at: float, actor: str, reason: str) -> Transaction[Ending]:
    """Release the member's part of the hold, and keep the server's as a possible cost that nobody knows yet.

    `settle` and `release` end the server's part later.

    Raises:
        LookupError: the job never had a hold.
    """
    rows: list[Row] = yield Many(_EXPOSE, (job_id, at))
    if not rows:
        return (yield from _earlier_ending(job_id))
    book = _Book(job_id, at=at, actor=actor, reason=reason)
    yield from _end([row for row in rows if row["owner"] == "member"], 0, "release", book)
    exposed = [row for row in rows if row["owner"] == "server"]
    for row in _sorted(exposed):
        yield book.entry("expose", row["scope"], row["period"])
    return Ending(job_id, "exposed" if exposed else "released", 0, 0, repeated=False)


def standing(budgets: Sequence[Budget]) -> Transaction[tuple[Standing, ...]]:
    """Return where each budget stands; one that was never used is whole."""
    standings: list[Standing] = []
    for budget in budgets:
        row = yield One(_LOOK, (budget.scope, budget.window))
        held, spent = (row["held_microusd"], row["spent_microusd"]) if row else (0, 0)
        standings.append(Standing(budget, held, spent))
    return tuple(standings)


def totals(window: str) -> Transaction[Totals]:
    """Return what all servers together hold, may owe and have spent in a window such as `month:2026-11`."""
    row = yield One(_TOTALS, (window,))
    return Totals(row["held"], row["exposed"], row["spent"])


class _Book:
    """What the entries of one transaction have in common."""

    def __init__(self, job_id: str, *, at: float, actor: str, reason: str) -> None:
        self._job_id = job_id
        self._said = (at, actor, reason)

    def entry(self, kind: _Kind, scope: str, period: str, *, held: int = 0, spent: int = 0) -> One:
        """Write one entry. Its id is made of what happened, so writing the same thing twice is an error."""
        entry_id = f"{self._job_id}:{kind}:{scope}:{period}"
        return One(_ENTRY, (entry_id, self._job_id, scope, period, kind, held, spent, *self._said))


def _end(rows: Sequence[Row], spent_microusd: int, kind: _Kind, book: _Book) -> Transaction[None]:
    for row in _sorted(rows):
        scope, period, held = row["scope"], row["period"], row["amount_microusd"]
        yield One(_GIVE_BACK, (scope, period, held, spent_microusd))
        yield book.entry(kind, scope, period, held=-held, spent=spent_microusd)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    """RETURNING promises no order, and budgets are locked in one order by everyone."""
    return sorted(rows, key=lambda row: (row["scope"], row["period"]))


def _earlier_ending(job_id: str) -> Transaction[Ending]:
    rows: list[Row] = yield Many(_HOLDS, (job_id,))
    if not rows:
        raise LookupError(f"job {job_id} never had a hold")
    states = {row["state"] for row in rows}
    how: How = "exposed" if "exposed" in states else "settled" if "settled" in states else "released"
    charged = {row["owner"]: row["settled_microusd"] or 0 for row in rows}
    return Ending(job_id, how, charged.get("member", 0), charged.get("server", 0), repeated=True)
