"""The ledger's transactions: hold, settle, release and expose; `standing` only reads.

Every hold ends exactly once; a later call, also of the other kind, returns the first ending and changes nothing. Where
several members pay for a job, each of its shares is a hold of its own (`bot.ledger.shares`), and all end together.
Locks are always taken in this order, which prevents deadlocks: the job's row in `jobs`, `all`, the server, the budgets'
rows. Rules are read and applied under the server's lock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from bot.ledger import differences, draws, endings, scopes, shares, tables, views
from bot.ledger.decision import crossed, decide
from bot.ledger.draws import Occasion
from bot.ledger.model import (
    Decision,
    Ending,
    Held,
    Payers,
    RuleQuery,
    Shipped,
    Standing,
    Terms,
    View,
    Warned,
    Who,
)
from bot.ledger.shares import HeldShare
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import One, Transaction, together

_KNOWN = "SELECT job_id FROM draws WHERE job_id = $1 LIMIT 1"


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
    checking = check(job_id=job_id, amount_microusd=amount_microusd, who=who, query=query, at=at, shipped=shipped)
    everything = shipped.total_cap_microusd is not None
    checked = yield from tables.under_lock_of(who.guild_id, checking, everything=everything)
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
    begun, known = yield from together(views.begin(who, at=at, shipped=shipped), One(_KNOWN, (job_id,)))
    terms = begun.terms
    if known is not None:
        standings = yield from views.standings_of(begun, keep=False)
        return Checked(job_id=job_id, amount_microusd=amount_microusd, terms=terms, standings=standings, decision=None)
    view = yield from views.view_for(begun, amount_microusd, shipped, keep=True)
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
    begun = yield from views.begin(who, at=at, shipped=shipped)
    view = yield from views.view_for(begun, amount_microusd, shipped, keep=False)
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
    return views.whole_view(who, at=at, shipped=shipped)


def _take(decision: Decision, terms: Terms, job_id: str, amount_microusd: int, reason: str) -> Transaction[None]:
    amounts = [
        (scope, decision.member_microusd if scopes.side(scope) == "member" else amount_microusd)
        for scope in terms.scopes
    ]
    amounts += decision.from_grants
    who = terms.who
    occasion = Occasion(
        guild_id=who.guild_id,
        job_id=job_id,
        counted_at=terms.at,
        at=terms.at,
        actor=f"member:{who.member_id}",
        reason=reason,
    )
    yield from draws.draw(who.member_id, amounts, occasion)


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
