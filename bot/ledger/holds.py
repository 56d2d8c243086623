"""The ledger's transactions: hold, settle, release, expose, and looking at what is left.

Every hold ends exactly once; a repeated or opposite call afterwards returns the first ending and changes nothing.
Locks are taken in one order, so that transactions cannot deadlock: a job's row in `jobs`, `all`, the server's, the
budgets' rows. Rules are read and applied under the server's lock.
"""

from typing import Literal

from bot.ledger import rules, scopes, tables
from bot.ledger.decision import crossed, decide, settled_parts, short_of_allowance
from bot.ledger.grants import usable_grants
from bot.ledger.model import Decision, Ending, Held, How, Payers, RuleQuery, Shipped, Standing, Terms, View, Who
from bot.ledger.rule_values import WAIT_MAX_S
from bot.ledger.tables import Move, Occasion
from bot.storage.transaction import Many, One, Row, Transaction

_KNOWN = "SELECT job_id FROM draws WHERE job_id = $1 LIMIT 1"
# No job is unfinished for longer than the longest wait for an approval and fal's deadline, so the far past is not read.
_OPEN_JOBS = "SELECT COUNT(*) AS jobs FROM draws WHERE scope = $1 AND counted_at >= $2 AND state = 'held'"
_OPEN_AT_MOST_S = WAIT_MAX_S + 2 * 86400
_RETURNED = "RETURNING job_id, position, scope, side, amount_microusd, counted_at"
_END = f"""
UPDATE draws SET state = $2, settled_microusd = $3, ended_at = $4
WHERE job_id = $1 AND state IN ('held', 'exposed') {_RETURNED}"""  # noqa: S608 - made of this module's own text
_CORRECT = "UPDATE draws SET state = $3, settled_microusd = $4 WHERE job_id = $1 AND scope = $2"
_EXPOSE = f"""
UPDATE draws SET state = CASE side WHEN 'member' THEN 'released' ELSE 'exposed' END,
ended_at = CASE side WHEN 'member' THEN CAST($2 AS DOUBLE PRECISION) END
WHERE job_id = $1 AND state = 'held' {_RETURNED}"""  # noqa: S608 - made of this module's own text
_STATES = "SELECT side, state, settled_microusd FROM draws WHERE job_id = $1"


def hold(
    *, job_id: str, amount_microusd: int, who: Who, query: RuleQuery, at: float, shipped: Shipped, reason: str
) -> Transaction[Held]:
    """Hold the amount on every budget that applies to this member here and now, or on none.

    A job that already has a hold, ended or not, is answered with the budgets' standing; it never gets a second one.

    Raises:
        NotAllowed: a rule forbids the job.
        QuotaExceeded: a budget cannot carry it, and neither can the member's grants.
        ValueError: the amount is negative.
    """
    if amount_microusd < 0:
        raise ValueError(f"a hold cannot be negative: {amount_microusd}")
    yield from tables.lock(who.guild_id, everything=shipped.total_cap_microusd is not None)
    terms = yield from rules.terms_of(who, at=at, shipped=shipped)
    is_known = (yield One(_KNOWN, (job_id,))) is not None
    standings = yield from tables.standings(terms.limits, at=at, keep=not is_known)
    if is_known:
        return _answered(terms, standings, amount_microusd)
    view = yield from _view(terms, standings, amount_microusd)
    decision = decide(view, amount_microusd=amount_microusd, query=query)
    yield from _take(decision, terms, job_id, amount_microusd, reason)
    warnings = yield from tables.warn(crossed(view, decision.standings))
    return Held(
        terms=terms,
        standings=decision.standings,
        needs_approval=decision.needs_approval,
        warnings=warnings,
        repeated=False,
    )


def settle(
    job_id: str, amount_microusd: int, *, at: float, actor: str, reason: str, payers: Payers = "everyone"
) -> Transaction[Ending]:
    """End the job's hold: what was held is free again, and `amount_microusd` is spent, once.

    The amount may differ from what was held. A smaller one gives the rest back, to the member's grants first; a larger
    one is recorded as it is, even above the cap, because the money is gone: the budget then refuses until it renews.
    With `payers="server"` the member's part is released and only the server's budgets pay; so it is with an exposed
    hold, of which only the server's part is still open.

    Raises:
        LookupError: the job never had a hold.
        ValueError: the amount is negative.
    """
    if amount_microusd < 0:
        raise ValueError(f"a settlement cannot be negative: {amount_microusd}")
    yield from tables.lock_of_job(job_id)
    rows = _in_order((yield Many(_END, (job_id, "settled", amount_microusd, at))))
    if not rows:
        return (yield from _earlier_ending(job_id))
    own = [(row["scope"], row["amount_microusd"]) for row in rows if row["side"] == "member"]
    parts = settled_parts(own, amount_microusd) if payers == "everyone" else {}
    moves: list[Move] = []
    for row in rows:
        spent = parts.get(row["scope"]) if row["side"] == "member" else amount_microusd
        if spent != amount_microusd:
            yield One(_CORRECT, (job_id, row["scope"], "released" if spent is None else "settled", spent))
        moves.append(Move(row["scope"], -row["amount_microusd"], spent or 0))
    yield from tables.move(moves, _occasion(rows, at, actor, reason))
    server = amount_microusd if any(row["side"] == "server" for row in rows) else 0
    return Ending(job_id, "settled", sum(parts.values()), server, repeated=False)


def release(job_id: str, *, at: float, actor: str, reason: str, declined_by: int | None = None) -> Transaction[Ending]:
    """End the job's hold, or what is still exposed of it, with nothing spent; `declined_by` is who did not approve it.

    Raises:
        LookupError: the job never had a hold.
    """
    yield from tables.lock_of_job(job_id)
    rows = _in_order((yield Many(_END, (job_id, "released", None, at))))
    if not rows:
        return (yield from _earlier_ending(job_id))
    moves = [Move(row["scope"], -row["amount_microusd"]) for row in rows]
    yield from tables.move(moves, _occasion(rows, at, actor, reason, declined_by))
    return Ending(job_id, "released", 0, 0, repeated=False)


def expose(job_id: str, *, at: float, actor: str, reason: str) -> Transaction[Ending]:
    """Release the member's part of the hold, and keep the server's as a possible cost that nobody knows yet.

    `settle` and `release` end the server's part later.

    Raises:
        LookupError: the job never had a hold.
    """
    yield from tables.lock_of_job(job_id)
    rows = _in_order((yield Many(_EXPOSE, (job_id, at))))
    if not rows:
        return (yield from _earlier_ending(job_id))
    moves = [Move(row["scope"], -row["amount_microusd"]) for row in rows if row["side"] == "member"]
    yield from tables.move(moves, _occasion(rows, at, actor, reason))
    return Ending(job_id, "exposed", 0, 0, repeated=False)


def standing(who: Who, *, at: float, shipped: Shipped) -> Transaction[View]:
    """Return what a job of theirs would meet now: every limit and where it stands, grants, terms. Changes nothing."""
    terms = yield from rules.terms_of(who, at=at, shipped=shipped)
    return View(
        terms=terms,
        standings=(yield from tables.standings(terms.limits, at=at, keep=False)),
        grants=(yield from usable_grants(who.guild_id, who.member_id, at=at)),
        open_jobs=(yield from _open_jobs(who, at)),
    )


def _view(terms: Terms, standings: tuple[Standing, ...], amount_microusd: int) -> Transaction[View]:
    """Return what the decision needs: grants only where the allowance is short, open jobs only where they count."""
    who = terms.who
    short = short_of_allowance(standings, amount_microusd)
    return View(
        terms=terms,
        standings=standings,
        grants=(yield from usable_grants(who.guild_id, who.member_id, at=terms.at)) if short else (),
        open_jobs=(yield from _open_jobs(who, terms.at)) if terms.at_once is not None else 0,
    )


def _open_jobs(who: Who, at: float) -> Transaction[int]:
    row = yield One(_OPEN_JOBS, (scopes.member(who.guild_id, who.member_id), at - _OPEN_AT_MOST_S))
    return row["jobs"]


def _take(decision: Decision, terms: Terms, job_id: str, amount_microusd: int, reason: str) -> Transaction[None]:
    amounts = [
        (scope, decision.member_microusd if scopes.side(scope) == "member" else amount_microusd)
        for scope in terms.scopes
    ]
    amounts += decision.from_grants
    yield from tables.draw(terms, job_id, amounts)
    actor = f"member:{terms.who.member_id}"
    occasion = Occasion(job_id=job_id, counted_at=terms.at, at=terms.at, actor=actor, reason=reason)
    yield from tables.move([Move(scope, held) for scope, held in amounts], occasion)


def _answered(terms: Terms, standings: tuple[Standing, ...], amount_microusd: int) -> Held:
    """Return the answer to a job that has its hold already."""
    approval = terms.approval
    return Held(
        terms=terms,
        standings=standings,
        needs_approval=approval is not None and amount_microusd > approval.value.above_microusd,
        warnings=(),
        repeated=True,
    )


def _occasion(rows: list[Row], at: float, actor: str, reason: str, declined_by: int | None = None) -> Occasion:
    return Occasion(
        job_id=rows[0]["job_id"],
        counted_at=rows[0]["counted_at"],
        at=at,
        actor=actor,
        reason=reason,
        declined_by=declined_by,
        servers_only=all(row["side"] == "server" for row in rows),
    )


def _in_order(rows: list[Row]) -> list[Row]:
    """RETURNING promises no order; a job's draws have one."""
    return sorted(rows, key=lambda row: row["position"])


def _earlier_ending(job_id: str) -> Transaction[Ending]:
    rows: list[Row] = yield Many(_STATES, (job_id,))
    if not rows:
        raise LookupError(f"job {job_id} never had a hold")
    states: set[Literal["held", "exposed", "settled", "released"]] = {row["state"] for row in rows}
    how: How = "exposed" if "exposed" in states else "settled" if "settled" in states else "released"
    member = sum(row["settled_microusd"] or 0 for row in rows if row["side"] == "member")
    server = max((row["settled_microusd"] or 0 for row in rows if row["side"] == "server"), default=0)
    return Ending(job_id, how, member, server, repeated=True)
