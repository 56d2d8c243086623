"""The ledger's transactions: hold, settle, release and expose; `standing` only reads.

Every hold ends exactly once; a later call, also of the other kind, returns the first ending and changes nothing. Where
several members pay for a job, each of its shares is a hold of its own (`bot.ledger.shares`), and all end together.
Locks are always taken in this order, which prevents deadlocks: the job's row in `jobs`, `all`, the server, the budgets'
rows. Rules are read and applied under the server's lock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from bot.ledger import differences, endings, fruitless, rules, scopes, shares, tables
from bot.ledger.decision import crossed, decide, short_of_allowance
from bot.ledger.grants import usable_grants
from bot.ledger.model import Decision, Ending, Held, Payers, RuleQuery, Shipped, Standing, Terms, View, Warned, Who
from bot.ledger.rule_values import WAIT_MAX_S
from bot.ledger.shares import HeldShare
from bot.ledger.tables import Move, Occasion
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import One, Transaction, nothing, together

_KNOWN = "SELECT job_id FROM draws WHERE job_id = $1 LIMIT 1"
# Older rows need not be read: no job is open longer than the longest wait for approval plus fal's deadline.
# What is only reserved is no job yet, and what a member adds to another one's job is not theirs.
_OPEN_JOBS = """
SELECT COUNT(*) AS jobs FROM draws WHERE scope IN ($1, $2) AND counted_at >= $3 AND state = 'held'
AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.job_id = draws.job_id)
AND NOT EXISTS (SELECT 1 FROM shares s WHERE s.id = draws.job_id AND s.id <> s.job_id)"""
_OPEN_AT_MOST_S = WAIT_MAX_S + 2 * 86400


def hold(
    *, job_id: str, amount_microusd: int, who: Who, query: RuleQuery, at: float, shipped: Shipped, reason: str
) -> Transaction[Held]:
    """Hold the amount on every budget that applies to this member in this channel, or on none.

    A job never gets a second hold: if it has one, ended or not, the answer is the budgets' standing.

    Raises:
        NotAllowed: a rule forbids the job.
        QuotaExceeded: a budget cannot carry it, even with the member's grants.
        ValueError: the amount is negative or above `AMOUNT_MAX_MICROUSD`.
    """
    yield from tables.lock(who.guild_id, everything=shipped.total_cap_microusd is not None)
    checked = yield from check(
        job_id=job_id, amount_microusd=amount_microusd, who=who, query=query, at=at, shipped=shipped
    )
    return (yield from place(checked, reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A hold that the budgets carry and nothing forbids; `repeated`: the job has one already."""

    job_id: str
    amount_microusd: int
    terms: Terms
    standings: tuple[Standing, ...]
    decision: Decision | None
    crossed: tuple[Warned, ...] = ()


def check(
    *, job_id: str, amount_microusd: int, who: Who, query: RuleQuery, at: float, shipped: Shipped
) -> Transaction[Checked]:
    """Decide about the job's hold under the server's lock; only `place` draws. Raises as `hold`."""
    if not 0 <= amount_microusd <= AMOUNT_MAX_MICROUSD:
        raise ValueError(f"no amount of a hold: {amount_microusd}")
    terms, known = yield from together(rules.terms_of(who, at=at, shipped=shipped), One(_KNOWN, (job_id,)))
    if known is not None:
        standings = yield from _standings(terms, keep=False)
        return Checked(job_id=job_id, amount_microusd=amount_microusd, terms=terms, standings=standings, decision=None)
    view = yield from _view(terms, amount_microusd, shipped, keep=True)
    decision = decide(view, amount_microusd=amount_microusd, query=query)
    return Checked(
        job_id=job_id,
        amount_microusd=amount_microusd,
        terms=terms,
        standings=decision.standings,
        decision=decision,
        crossed=tuple(crossed(view, decision.standings)),
    )


def place(checked: Checked, *, reason: str) -> Transaction[Held]:
    """Draw on the budgets what `check` has decided in the same transaction."""
    terms, decision = checked.terms, checked.decision
    if decision is None:
        return _answered(terms, checked.standings, checked.amount_microusd)
    yield from _take(decision, terms, checked.job_id, checked.amount_microusd, reason)
    return Held(
        terms=terms,
        standings=checked.standings,
        needs_approval=decision.needs_approval,
        warnings=(yield from tables.warn(checked.crossed)),
        repeated=False,
    )


def check_sum(
    *, amount_microusd: int, who: Who, query: RuleQuery, at: float, shipped: Shipped
) -> Transaction[Decision]:
    """Check, under the server's lock, that the budgets carry `query.videos` holds of this amount together.

    It holds nothing. The holds that follow in the same transaction cannot fail then, because each draws on the budgets
    what the ones before it left.

    Raises:
        NotAllowed: a rule forbids them.
        QuotaExceeded: a budget cannot carry the sum, even with the member's grants.
    """
    terms = yield from rules.terms_of(who, at=at, shipped=shipped)
    view = yield from _view(terms, amount_microusd, shipped, keep=False)
    return decide(view, amount_microusd=amount_microusd, query=query)


def settle(
    job_id: str,
    amount_microusd: int,
    *,
    at: float,
    actor: str,
    reason: str,
    payers: Payers = "everyone",
    absorbed_max_microusd: int | None = None,
    is_fruitless: bool = False,
    units: str = "",
) -> Transaction[Ending]:
    """End the job's hold: what was held is free again, and `amount_microusd` is spent, once, but never more than held.

    If the amount is smaller than the hold, the rest goes back, to the member's grants first. What it is above the hold
    is recorded as a difference for the operator, with the billed `units`, and nobody's budget pays it. With
    `payers="server"` the server pays without the member as long as it absorbs no more than `absorbed_max_microusd` for
    this member in 24 hours, and the member pays the rest. Of an exposed hold the member pays nothing unless their part
    is still open. `is_fruitless` counts the attempt towards the wait of the member whose job it is.

    Several members pay in proportion to their shares, and what the server absorbs is bounded for each of them.

    Raises:
        LookupError: the job never had a hold.
        ValueError: the amount is negative.
    """
    if amount_microusd < 0:
        raise ValueError(f"a settlement cannot be negative: {amount_microusd}")
    end = partial(
        endings.settle,
        at=at,
        actor=actor,
        reason=reason,
        payers=payers,
        absorbed_max_microusd=absorbed_max_microusd,
    )
    parts = yield from shares.shares_of(job_id)
    if not parts:
        return (yield from end(job_id, amount_microusd, is_fruitless=is_fruitless, units=units))
    held, billed = sum(one.amount_microusd for one in parts), min(amount_microusd, AMOUNT_MAX_MICROUSD)
    spent = dict(zip(parts, shares.divided(min(billed, held), [one.amount_microusd for one in parts]), strict=True))
    ending = yield from _end_all(
        job_id, parts, lambda one: end(one.id, spent[one], is_fruitless=is_fruitless and one.id == job_id)
    )
    if billed > held and not ending.repeated:
        yield from differences.record(job_id, parts[0].guild_id, held, billed, units=units, at=at)
        return replace(ending, unpaid_microusd=billed - held)
    return ending


def release(
    job_id: str, *, at: float, actor: str, reason: str, declined_by: int | None = None, is_fruitless: bool = False
) -> Transaction[Ending]:
    """End the job's hold, or its exposed part, with nothing spent; `declined_by` is the member who declined the job.

    Raises:
        LookupError: the job never had a hold.
    """
    end = partial(endings.release, at=at, actor=actor, reason=reason, declined_by=declined_by)
    parts = yield from shares.shares_of(job_id)
    if not parts:
        return (yield from end(job_id, is_fruitless=is_fruitless))
    return (yield from _end_all(job_id, parts, lambda one: end(one.id, is_fruitless=is_fruitless and one.id == job_id)))


def expose(
    job_id: str, *, at: float, actor: str, reason: str, absorbed_max_microusd: int | None = None
) -> Transaction[Ending]:
    """Release the member's part of the hold; the server's stays held until it is known whether fal billed.

    The member's part stays held, too, if the server has absorbed something for this member in 24 hours and would now
    absorb more than `absorbed_max_microusd`. `settle` or `release` ends what stays held.

    Raises:
        LookupError: the job never had a hold.
    """
    end = partial(endings.expose, at=at, actor=actor, reason=reason, absorbed_max_microusd=absorbed_max_microusd)
    parts = yield from shares.shares_of(job_id)
    if not parts:
        return (yield from end(job_id))
    return (yield from _end_all(job_id, parts, lambda one: end(one.id)))


def _end_all(
    job_id: str, parts: Iterable[HeldShare], end: Callable[[HeldShare], Transaction[Ending]]
) -> Transaction[Ending]:
    """End every share of a job, and return the sum of their endings."""
    ended: list[Ending] = []
    for one in parts:
        ended.append((yield from end(one)))  # noqa: PERF401 - a comprehension cannot yield
    return Ending(
        job_id,
        ended[0].how,
        sum(one.member_microusd for one in ended),
        sum(one.server_microusd for one in ended),
        repeated=ended[0].repeated,
        member_held_microusd=sum(one.member_held_microusd for one in ended),
    )


def standing(who: Who, *, at: float, shipped: Shipped) -> Transaction[View]:
    """Return the state that the member's next job would be checked against. Changes nothing."""
    terms = yield from rules.terms_of(who, at=at, shipped=shipped)
    standings, attempts, jobs, grants = yield from together(
        _standings(terms, keep=False),
        fruitless.fruitless_of(terms),
        open_jobs(terms),
        usable_grants(who.guild_id, who.member_id, at=at),
    )
    return View(
        terms=terms,
        standings=standings,
        grants=grants,
        open_jobs=jobs,
        fruitless=attempts,
        waits_until=fruitless.waits_until(attempts, shipped, at=at),
    )


def _standings(terms: Terms, *, keep: bool) -> Transaction[tuple[Standing, ...]]:
    return tables.standings(terms.limits, at=terms.at, keep=keep, erased_scope=scopes.erased(terms))


def _view(terms: Terms, amount_microusd: int, shipped: Shipped, *, keep: bool) -> Transaction[View]:
    """Return what the decision needs; grants are read only if the allowance is short, open jobs only if limited."""
    who = terms.who
    standings, attempts, jobs = yield from together(
        _standings(terms, keep=keep),
        fruitless.fruitless_of(terms),
        open_jobs(terms) if terms.at_once is not None else nothing(0),
    )
    short = short_of_allowance(standings, amount_microusd)
    return View(
        terms=terms,
        standings=standings,
        grants=(yield from usable_grants(who.guild_id, who.member_id, at=terms.at)) if short else (),
        open_jobs=jobs,
        fruitless=attempts,
        waits_until=fruitless.waits_until(attempts, shipped, at=terms.at),
    )


def open_jobs(terms: Terms) -> Transaction[int]:
    """Return how many of the member's jobs have not ended, without what is only reserved."""
    own = scopes.member(terms.who.guild_id, terms.who.member_id)
    row = yield One(_OPEN_JOBS, (own, scopes.erased(terms) or own, terms.at - _OPEN_AT_MOST_S))
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
    """Return the answer for a job that already has its hold."""
    approval = terms.approval
    return Held(
        terms=terms,
        standings=standings,
        needs_approval=approval is not None and amount_microusd > approval.value.above_microusd,
        warnings=(),
        repeated=True,
    )
