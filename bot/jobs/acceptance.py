"""How an order becomes jobs: rules, budgets and places are checked, and holds and rows stored, in one transaction.

There are three ways to pay for it: holds that are placed with it, a hold that was reserved before, and shares of
several members.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.errors import AlreadyRunning, Busy, FilesGone, NotAllowed, NotReserved
from bot.jobs.model import Job, Spot
from bot.jobs.places import Places, check_place, taken_places
from bot.jobs.prompt_log import log_prompt
from bot.jobs.queries import is_running
from bot.jobs.rows import insertion
from bot.jobs.rule_query import query_of_job, who_of
from bot.jobs.terms import with_terms
from bot.ledger import holds, reservations, rules, shares, tables, views
from bot.ledger.decision import refuse_if_closed, refuse_if_not_allowed
from bot.ledger.model import ContentTerms, Held, Share, Shipped, Terms, View
from bot.ledger.reservations import Wish
from bot.storage.transaction import Lock, One, Transaction, nothing, together

# The files of a rerun of a rerun are still those of the first video's member.
_BORROW = """
INSERT INTO borrowings (job_id, source_id) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT)
UNION SELECT CAST($1 AS TEXT), source_id FROM borrowings WHERE job_id = $2"""
LOCK_PARENT = "SELECT id FROM jobs WHERE id = $1 FOR KEY SHARE"  # it is not deleted before its copies are noted


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stored job and its hold."""

    job: Job
    held: Held


Beside: TypeAlias = Callable[[tuple[Accepted, ...]], Transaction[None]]


def accept(job: Job, shipped: Shipped, places: Places, *, running: int = 0) -> Transaction[Accepted]:
    """Accept one job, as `accept_all` does."""
    (accepted,) = yield from accept_all((job,), shipped, places, running=running)
    return accepted


def accept_all(
    jobs: Sequence[Job],
    shipped: Shipped,
    places: Places,
    *,
    running: int = 0,
    reserve: Sequence[Wish] = (),
    beside: Beside | None = None,
) -> Transaction[tuple[Accepted, ...]]:
    """Hold the quotes on every budget and insert the jobs of one order, or do nothing at all.

    `reserve` are jobs of the same order that can be made only later: what they cost is held with the others. `beside`
    is what else belongs to the order and is stored with it; what it raises undoes all.

    Each job gets a hold of its own, so that every rule about holds is the same for a set and for a single job: each
    ends once, is settled from itself and sums up in the books. Nothing knows of the set's sum but this transaction,
    which places all holds or none. Budgets, approval and places see the sum and the number; if the sum is above the
    approval limit, all of them wait. `running` is how many other jobs this process makes.

    Raises:
        NotAllowed: a rule of the server or the operator forbids it.
        QuotaExceeded: a budget is short.
        FilesGone: the video whose files they have copies of was deleted meanwhile.
        AlreadyRunning: the member's same rerun of the same video has not ended.
        Busy: their member, their server or all servers together have as many unfinished jobs as they may.
    """
    ordered: list[Job] = []
    for job in jobs:
        ordered.append((yield from with_parent(job)))  # noqa: PERF401 - a comprehension cannot yield
    first, videos = ordered[0], len(ordered) + len(reserve)
    sum_microusd = sum(job.quote_microusd for job in ordered) + sum(wish.amount_microusd for wish in reserve)
    everything = shipped.total_cap_microusd is not None
    checking = together(_check(first, shipped), taken_places(ordered))
    if videos > 1:
        query = replace(query_of_job(first), videos=videos, begun=len(ordered))
        check_sum = holds.check_sum(
            amount_microusd=sum_microusd, who=who_of(first), query=query, at=first.created_at, shipped=shipped
        )
        yield from tables.under_lock_of(first.guild_id, check_sum, everything=everything)
        checked, taken = yield from checking
    else:
        checked, taken = yield from tables.under_lock_of(first.guild_id, checking, everything=everything)
    placed = [with_terms(job, checked.terms, sum_microusd) for job in ordered]
    check_place(placed, places, taken, running=running)
    accepted: list[Accepted] = []
    for job in ordered:
        if accepted:
            checked = yield from _check(job, shipped)
        accepted.append((yield from _place(with_terms(job, checked.terms, sum_microusd), checked)))
    for wish in reserve:
        yield from reservations.reserve(wish, at=first.created_at, shipped=shipped)
    if beside is not None:
        yield from beside(tuple(accepted))
    return tuple(accepted)


def accept_reserved(job: Job, shipped: Shipped, places: Places, *, now: float, running: int = 0) -> Transaction[Job]:
    """Insert a job whose hold was reserved; returns it as it is stored.

    Its order was checked, and approved where that was needed, when it was reserved. The rules that hold while it is
    made are those of now.

    Raises:
        NotReserved: nothing is reserved for it, or less than its quote; it was accepted, or released.
        Busy: its member, its server or all servers together have as many unfinished jobs as they may, by the operator's
            bounds or the server's rule, or nothing may begin there for a pause, a block or the like. It stays reserved,
            so this may be called again.
    """
    yield from tables.lock(job.guild_id)
    reserved = yield from reservations.use(job.id)
    if reserved is None or reserved.amount_microusd < job.quote_microusd:
        raise NotReserved(f"nothing, or too little, is reserved for job {job.id}")
    terms, taken, held = yield from together(
        rules.terms_of(who_of(job), at=now, shipped=shipped), taken_places((job,)), shares.shares_of(job.id)
    )
    try:
        refuse_if_closed(terms)
    except NotAllowed as closed:
        raise Busy(str(closed)) from closed
    check_place((job,), places, taken, running=running)
    # Its hold counts as a job's from `use` on.
    if terms.at_once is not None and (yield from views.open_jobs(terms)) > terms.at_once.value:
        raise Busy("Its maker has as many videos going as this server lets them have at once. Wait until one is done.")
    paid_by = tuple(Share(one.id, one.member_id, one.amount_microusd) for one in held)
    stored = replace(with_terms(job, terms, 0), shares=paid_by)
    yield from _insert(stored, terms.content)
    return stored


def accept_shared(job: Job, shipped: Shipped, places: Places, *, now: float, running: int = 0) -> Transaction[Job]:
    """Insert a job that several members pay for, and make their `shares` its holds; returns it as it is stored.

    The caller has the server's lock, and the shares are held. Everything is checked before anything is changed; raises
    as `check_shared`.
    """
    checked = yield from check_shared(job, shipped, places, now=now, running=running)
    return (yield from insert_shared(checked))


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """A job as it would be stored, and the terms that allow it."""

    job: Job
    terms: Terms


def check_shared(
    job: Job,
    shipped: Shipped,
    places: Places,
    *,
    now: float,
    running: int = 0,
    reserve: Sequence[Wish] = (),
) -> Transaction[CheckedJob]:
    """Check, under the server's lock, that an order that begins with the job may begin now; changes nothing.

    `reserve` are its later jobs: rules and approval see the number and the sum of all. What is held for them is the
    caller's to note.

    Raises:
        NotAllowed: a rule of now forbids it.
        AlreadyRunning: it is a rerun that is being made already.
        Busy: there is no place for it now.
    """
    job = yield from with_parent(job)
    view, taken = yield from together(holds.standing(who_of(job), at=now, shipped=shipped), taken_places((job,)))
    refuse_order_if_not_allowed(view, job, reserve)
    sum_microusd = job.quote_microusd + sum(wish.amount_microusd for wish in reserve)
    stored = with_terms(job, view.terms, sum_microusd)
    check_place((stored,), places, taken, running=running)
    return CheckedJob(stored, view.terms)


def insert_shared(checked: CheckedJob) -> Transaction[Job]:
    """Insert the job as `accept_shared` does, in the transaction that has checked it."""
    job = checked.job
    yield from _insert(job, checked.terms.content)
    yield from shares.link(job.id, job.shares, quote_microusd=job.quote_microusd)
    return job


def refuse_order_if_not_allowed(view: View, job: Job, reserve: Sequence[Wish]) -> None:
    """Check every rule but the budgets for each job of an order, of which one begins; raises NotAllowed."""
    refuse_if_not_allowed(view, amount_microusd=job.quote_microusd, query=query_of_job(job))
    for wish in reserve:
        refuse_if_not_allowed(view, amount_microusd=wish.amount_microusd, query=replace(wish.query, begun=0))


def _check(job: Job, shipped: Shipped) -> Transaction[holds.Checked]:
    return holds.check(
        job_id=job.id,
        amount_microusd=job.quote_microusd,
        who=who_of(job),
        query=query_of_job(job),
        at=job.created_at,
        shipped=shipped,
    )


def _place(job: Job, checked: holds.Checked) -> Transaction[Accepted]:
    """Hold what was checked, and insert the job."""
    held, _ = yield from together(
        holds.place(checked, reason=f"{job.mode}: {job.formula}"), _insert(job, checked.terms.content)
    )
    return Accepted(job, held)


def _insert(job: Job, content: ContentTerms) -> Transaction[None]:
    """Insert the job, and keep its prompt for the server's log where the rules of that moment say so."""
    logging = nothing(None) if content.prompt_log_id is None else log_prompt(job)
    yield from together(_insert_row(job), logging)


def _insert_row(job: Job) -> Transaction[None]:
    if (yield insertion(job)) is None:
        raise _already_running()
    if _has_borrowed(job):
        yield One(_BORROW, (job.id, job.parent_id))


def with_parent(job: Job) -> Transaction[Job]:
    """Return the job with its parent's message, if it has a parent; raises AlreadyRunning for a second press.

    Call it before the hold: a second press shall not be refused because the first one used up the budget.
    """
    if job.parent_id is None:
        return job
    if (yield from is_running(job.parent_id, job.member_id, job.trigger)):
        raise _already_running()
    yield Lock(LOCK_PARENT, (job.parent_id,))
    row = yield One("SELECT guild_id, channel_id, message_id FROM jobs WHERE id = $1", (job.parent_id,))
    if row is None and _has_borrowed(job):
        raise FilesGone(
            "The member who made this video deleted it, with its files. You weren't charged; try again with your "
            "own files."
        )
    spot = None if row is None else Spot(row["guild_id"], row["channel_id"], row["message_id"])
    return replace(job, parent_at=spot)


def _has_borrowed(job: Job) -> bool:
    return any(item.is_borrowed for item in job.inputs)


def _already_running() -> AlreadyRunning:
    return AlreadyRunning(
        "Wanda is already making this one for you; you won't be charged twice. Once it's done, you can ask for another."
    )
