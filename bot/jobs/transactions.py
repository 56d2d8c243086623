"""The job's transactions: each changes state and money together, or neither."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, TypeAlias

from bot.catalogue.mode import SAFETY_OPTIONS, WRITTEN
from bot.catalogue.registry import MODE_TITLES, MODES
from bot.errors import AlreadyRunning, Busy, FilesGone, NotAllowed, NotReserved, StorageError
from bot.jobs import bills, notices, pick_rows
from bot.jobs.machine import Effect, Event, Expose, MoneyEffect, Release, Settle, step
from bot.jobs.model import FINISHED, Job, JobRef, Spot, State
from bot.jobs.places import Places, bytes_of, check_place, taken_places
from bot.jobs.prompt_log import log_prompt
from bot.jobs.rows import body_of, job_in, readable_job
from bot.ledger import endings, holds, reservations, rules, shares, tables, views
from bot.ledger.decision import refuse_if_closed, refuse_if_not_allowed
from bot.ledger.model import ContentTerms, Ending, Held, RuleQuery, Share, Shipped, Terms, View, Who
from bot.ledger.reservations import Wish
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Lock, Many, One, Row, Transaction, nothing, together

SAFETY_NOTE = "fal's safety check stays on in this server."
_COLUMNS = (
    "guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, render_s, "
    "parent_id, pressed, files_gone, approved_by, approve_by, input_bytes, late_at, set_id"
)
_INSERT = (
    f"INSERT INTO jobs (id, {_COLUMNS}, version, body) "  # noqa: S608 - the column names are this module's own
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1, $20) "
    "ON CONFLICT (parent_id, member_id, pressed) WHERE told = 0 DO NOTHING RETURNING id"
)
_UPDATE = (
    f"UPDATE jobs SET ({_COLUMNS}, body) = "  # noqa: S608 - the column names are this module's own
    "($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) WHERE id = $1"
)
# The files of a rerun of a rerun are still those of the first video's member.
_BORROW = """
INSERT INTO borrowings (job_id, source_id) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT)
UNION SELECT CAST($1 AS TEXT), source_id FROM borrowings WHERE job_id = $2"""
LOCK_PARENT = "SELECT id FROM jobs WHERE id = $1 FOR KEY SHARE"  # it is not deleted before its copies are noted
_RUNNING = "SELECT id FROM jobs WHERE parent_id = $1 AND member_id = $2 AND pressed = $3 AND told = 0"
TYPICAL_SAMPLE = 20  # past jobs that an estimate is the median of


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
        query = replace(_query(first), videos=videos, begun=len(ordered))
        check_sum = holds.check_sum(
            amount_microusd=sum_microusd, who=who_of(first), query=query, at=first.created_at, shipped=shipped
        )
        yield from tables.under_lock_of(first.guild_id, check_sum, everything=everything)
        checked, taken = yield from checking
    else:
        checked, taken = yield from tables.under_lock_of(first.guild_id, checking, everything=everything)
    check_place(_all_with_terms(ordered, checked.terms, sum_microusd), places, taken, running=running)
    accepted: list[Accepted] = []
    for job in ordered:
        if accepted:
            checked = yield from _check(job, shipped)
        accepted.append((yield from _place(_with_terms(job, checked.terms, sum_microusd), checked)))
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
        raise Busy("Its member has as many videos going as the server's rules let them have at once.")
    paid_by = tuple(Share(one.id, one.member_id, one.amount_microusd) for one in held)
    stored = replace(_with_terms(job, terms, 0), shares=paid_by)
    yield from _insert(stored)
    if terms.content.prompt_log_id is not None:
        yield from log_prompt(stored)
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
    stored = _with_terms(job, view.terms, sum_microusd)
    check_place((stored,), places, taken, running=running)
    return CheckedJob(stored, view.terms)


def insert_shared(checked: CheckedJob) -> Transaction[Job]:
    """Insert the job as `accept_shared` does, in the transaction that has checked it."""
    job = checked.job
    yield from _insert(job)
    yield from shares.link(job.id, job.shares, quote_microusd=job.quote_microusd)
    if checked.terms.content.prompt_log_id is not None:
        yield from log_prompt(job)
    return job


def refuse_order_if_not_allowed(view: View, job: Job, reserve: Sequence[Wish]) -> None:
    """Check every rule but the budgets for each job of an order, of which one begins; raises NotAllowed."""
    refuse_if_not_allowed(view, amount_microusd=job.quote_microusd, query=_query(job))
    for wish in reserve:
        refuse_if_not_allowed(view, amount_microusd=wish.amount_microusd, query=replace(wish.query, begun=0))


def _check(job: Job, shipped: Shipped) -> Transaction[holds.Checked]:
    return holds.check(
        job_id=job.id,
        amount_microusd=job.quote_microusd,
        who=who_of(job),
        query=_query(job),
        at=job.created_at,
        shipped=shipped,
    )


def _place(job: Job, checked: holds.Checked) -> Transaction[Accepted]:
    """Hold what was checked, and insert the job."""
    held, _, _ = yield from together(
        holds.place(checked, reason=f"{job.mode}: {job.formula}"),
        _insert(job),
        log_prompt(job) if checked.terms.content.prompt_log_id is not None else nothing(None),
    )
    return Accepted(job, held)


def _query(job: Job) -> RuleQuery:
    return rule_query(job.mode, job.options)


def rule_query(mode_id: str, options: Mapping[str, Any]) -> RuleQuery:
    """Return the parts of a request that the rules check."""
    texts = (options.get(name) for name in WRITTEN)
    return RuleQuery(
        mode=mode_id,
        resolution=options.get("resolution"),
        texts=tuple(text for text in texts if isinstance(text, str)),
        mode_titles=MODE_TITLES,
    )


def _insert(job: Job) -> Transaction[None]:
    # The index decides: on PostgreSQL two transactions may both have seen none running.
    if (yield One(_INSERT, (job.id, *_indexed(job), body_of(job)))) is None:
        raise _already_running()
    if _has_borrowed(job):
        yield One(_BORROW, (job.id, job.parent_id))


def with_parent(job: Job) -> Transaction[Job]:
    """Return the job with its parent's message, if it has a parent; raises AlreadyRunning for a second press.

    Call it before the hold: a second press shall not be refused because the first one used up the budget.
    """
    if job.parent_id is None:
        return job
    if (yield One(_RUNNING, (job.parent_id, job.member_id, job.trigger))) is not None:
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


def _all_with_terms(jobs: Sequence[Job], terms: Terms, sum_microusd: int) -> list[Job]:
    return [_with_terms(job, terms, sum_microusd) for job in jobs]


def _with_terms(job: Job, terms: Terms, sum_microusd: int) -> Job:
    """Return the job with the rules that were in force when it was accepted; they hold until it ends.

    It waits if the sum of its order is above the approval limit.
    """
    job = replace(
        _with_content(job, terms.content),
        policy=terms.policy.value,
        absorbed_daily_microusd=terms.absorbed_daily_microusd.value,
    )
    approval = terms.approval
    if approval is None or sum_microusd <= approval.value.above_microusd:
        return job
    approve_by = job.created_at + approval.value.wait_s
    return replace(job, state="waiting", approve_by=approve_by, approver_role_id=approval.value.role_id)


def _with_content(job: Job, rules: ContentTerms) -> Job:
    """Return the job with fal's safety check on, unless the member may and did switch it off, and hidden if it must be.

    The options are stated in every request, because fal's own default is off for some modes.
    """
    checks = [name for mode in MODES if mode.id == job.mode for name in SAFETY_OPTIONS if name in mode.specs()]
    chosen = {name: rules.safety_optional is False or job.options.get(name, True) for name in checks}
    is_changed = any(job.options.get(name, True) != value for name, value in chosen.items())
    notes = (*job.notes, SAFETY_NOTE) if is_changed else job.notes
    return replace(job, options={**job.options, **chosen}, notes=notes, must_hide=rules.always_spoiler)


def who_of(job: Job) -> Who:
    """Return the job's member, their roles, and the channel whose rules hold."""
    return Who(
        guild_id=job.guild_id,
        channel_id=job.rules_channel_id or job.address.channel_id,
        member_id=job.member_id,
        role_ids=job.role_ids,
        age_restricted=job.age_restricted,
    )


@dataclass(frozen=True, slots=True)
class Advanced:
    """The stored job, its state before, the effects to perform, whether it changed, and whether somebody is told."""

    job: Job
    before: State
    effects: tuple[Effect, ...]
    changed: bool
    is_noted: bool = False


def advance(job_id: str, event: Event, *, now: float) -> Transaction[Advanced]:
    """Apply `event`: the new state and the money it moves are one transaction.

    Raises:
        StorageError: there is no such job.
    """
    (advanced,) = yield from advance_by((event,), job_id, now=now)
    return advanced


def advance_by(events: Sequence[Event], job_id: str, *, now: float) -> Transaction[tuple[Advanced, ...]]:
    """Apply events in turn, of which each ends the effects of the one before.

    Returns what they did, up to the last that changed something; if none did, what the first did. The effects of the
    last are to be performed. One that changes nothing may have been stored already: fal calls and streams the same.

    Raises:
        StorageError: there is no such job.
    """
    row = yield from locked(job_id)
    if row is None:
        raise StorageError(f"there is no job {job_id}")
    job, done = job_in(row), list[Advanced]()
    for event in events:
        done.append((yield from apply(job, event, now=now)))
        job = done[-1].job
    while len(done) > 1 and not done[-1].changed:
        done.pop()
    return tuple(done)


def apply(before: Job, event: Event, *, now: float) -> Transaction[Advanced]:
    """Apply `event` to a job whose row is locked, as `advance` does."""
    after, effects = step(before, event, now=now)
    todo: list[Effect] = []
    for effect in effects:
        if isinstance(effect, Settle | Release | Expose):
            after = _as_paid(after, (yield from _move_money(before, effect, now)))
        else:
            todo.append(effect)
    if after is before:
        return Advanced(after, before.state, tuple(todo), changed=False)
    update = together(One(_UPDATE, (after.id, *_indexed(after), body_of(after))), _noted_request(before, after, now))
    if after.variation is None:
        _, is_noted = yield from together(update, notices.note(before, after, at=now))
    else:  # whether a set has ended is counted in its rows, this one included
        yield from update
        is_noted = yield from notices.note(before, after, at=now)
        if after.variation.final is not None and after.state in FINISHED:
            yield from pick_rows.wake(after.set_id, at=now)
    return Advanced(after, before.state, tuple(todo), changed=True, is_noted=is_noted)


def _noted_request(before: Job, after: Job, now: float) -> Transaction[None]:
    if before.handle is not None or after.handle is None:
        return nothing(None)
    return bills.note_request(after, after.handle.request_id, at=now)


def locked(job_id: str) -> Transaction[Row | None]:
    """Lock the job's row on both engines, by an UPDATE before the decision, and return its body; None without one."""
    return (yield One("UPDATE jobs SET version = version + 1 WHERE id = $1 RETURNING body", (job_id,)))


def advance_all(job_ids: Collection[str], event: Event, *, now: float) -> Transaction[tuple[Advanced, ...]]:
    """Apply the event to all of these jobs, or to none."""
    yield from lock_jobs(job_ids)
    advanced: list[Advanced] = []
    for job_id in job_ids:
        advanced.append((yield from advance(job_id, event, now=now)))  # noqa: PERF401 - a comprehension cannot yield
    return tuple(advanced)


def lock_jobs(job_ids: Collection[str]) -> Transaction[None]:
    """Lock the rows of these jobs, before any other lock is taken."""
    for job_id in sorted(job_ids):
        yield One("UPDATE jobs SET version = version + 1 WHERE id = $1 RETURNING id", (job_id,))


def _move_money(job: Job, effect: MoneyEffect, now: float) -> Transaction[Ending]:
    bound = job.absorbed_daily_microusd
    ledger = holds if job.shares else endings  # of most jobs it is known that there are no shares to look for
    match effect:
        case Settle():
            ending = yield from ledger.settle(
                job.id,
                effect.amount_microusd,
                at=now,
                actor="wanda",
                reason=effect.reason,
                payers=effect.payers,
                absorbed_max_microusd=bound,
                is_fruitless=effect.is_fruitless,
                units=effect.units,
            )
        case Release():
            ending = yield from ledger.release(
                job.id,
                at=now,
                actor="wanda",
                reason=effect.reason,
                declined_by=effect.declined_by,
                is_fruitless=effect.is_fruitless,
            )
        case Expose():
            ending = yield from ledger.expose(
                job.id, at=now, actor="wanda", reason=effect.reason, absorbed_max_microusd=bound
            )
    return ending


def store_payment(job: Job, ending: Ending) -> Transaction[None]:
    """Store on an ended job what became of its exposed hold."""
    paid = _as_paid(job, ending)
    yield One("UPDATE jobs SET version = version + 1, body = $2 WHERE id = $1", (job.id, body_of(paid)))


def _as_paid(job: Job, ending: Ending) -> Job:
    """Return the job with what the ledger says that its member and its server paid."""
    failure = job.failure and replace(
        job.failure,
        charged=ending.member_microusd > 0,
        absorbed_microusd=ending.absorbed_microusd or None,
        held_microusd=ending.member_held_microusd or None,
    )
    return replace(job, charged_microusd=ending.member_microusd, failure=failure)


def get(job_id: str) -> Transaction[Job | None]:
    """Return the job, or None."""
    row = yield One("SELECT body FROM jobs WHERE id = $1", (job_id,))
    return None if row is None else job_in(row)


def find(job_id: str) -> Transaction[tuple[State | None, Job | None]]:
    """Return the job's state, and the job unless its row cannot be read; None twice if there is no such job."""
    row = yield One("SELECT state, body FROM jobs WHERE id = $1", (job_id,))
    return (None, None) if row is None else (row["state"], readable_job(row))


def unfinished_jobs(shards: Shards = EVERY_SHARD) -> Transaction[list[JobRef]]:
    """Return every job that is unfinished or whose card does not show its end yet, oldest first.

    Their bodies are not read here: one that cannot be read would keep all the others from being taken up.
    """
    rows = yield Many(f"SELECT id, guild_id FROM jobs WHERE told = 0 AND {shards.where()} ORDER BY created_at")  # noqa: S608 - numbers
    return [JobRef(row["id"], row["guild_id"]) for row in rows]


def fetching_jobs(shards: Shards = EVERY_SHARD) -> Transaction[list[JobRef]]:
    """Return the jobs of which fal has said that they ended, and whose result is not known yet."""
    rows = yield Many(f"SELECT id, guild_id FROM jobs WHERE told = 0 AND state = 'fetching' AND {shards.where()}")  # noqa: S608 - numbers
    return [JobRef(row["id"], row["guild_id"]) for row in rows]


def typical_seconds(similar: str) -> Transaction[float | None]:
    """Return the median rendering time in seconds of the latest jobs like this one, or None when there is none."""
    rows = yield Many(
        "SELECT render_s FROM jobs WHERE similar_to = $1 AND render_s IS NOT NULL ORDER BY created_at DESC LIMIT $2",
        (similar, TYPICAL_SAMPLE),
    )
    return median(row["render_s"] for row in rows) if rows else None


def known_ids(job_ids: Collection[str]) -> Transaction[frozenset[str]]:
    """Return those of these ids, at most some hundred and at least one, that are jobs, or what becomes some."""
    named = ", ".join(f"${number}" for number in range(1, len(job_ids) + 1))
    tables_of_ids = ("jobs", "films", "film_drafts", "chip_ins")
    of_each = (f"SELECT id FROM {table} WHERE id IN ({named})" for table in tables_of_ids)  # noqa: S608 - only the numbers of parameters are put in
    rows: list[Row] = yield Many(" UNION ".join(of_each), tuple(job_ids))
    return frozenset(row["id"] for row in rows)


def _indexed(job: Job) -> tuple[object, ...]:
    """Return the values of `_COLUMNS`."""
    made = job.result is not None and job.started_at is not None and job.completed_at is not None
    render_s = job.completed_at - job.started_at if made and job.completed_at and job.started_at else None
    address = job.address
    return (
        job.guild_id,
        address.channel_id,
        address.message_id,
        job.member_id,
        job.mode,
        job.state,
        int(job.told),
        job.similar,
        job.created_at,
        render_s,
        job.parent_id,
        job.trigger if job.revived_at is None else None,  # the member may have ordered the same again meanwhile
        int(job.files_gone_at is not None),
        job.approved_by,
        job.approve_by,
        bytes_of(job.inputs),
        job.late_at,
        None if job.variation is None else job.variation.set_id,
    )
