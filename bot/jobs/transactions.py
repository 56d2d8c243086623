"""What a job's events do: each changes state and money together, or neither."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.errors import StorageError
from bot.jobs import bills, notices, pick_rows
from bot.jobs.effects import Effect, Expose, MoneyEffect, Release, Settle
from bot.jobs.events import Event
from bot.jobs.machine import step
from bot.jobs.model import FINISHED, Job, State
from bot.jobs.rows import body_of, columns_of, job_in, lock, update
from bot.ledger import endings, holds
from bot.ledger.model import Ending
from bot.storage.transaction import Lock, One, Row, Transaction, nothing, together


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
        done.append((yield from apply(job, event, row, now=now)))
        if done[-1].changed:
            job = done[-1].job
            row = columns_of(job)
    while len(done) > 1 and not done[-1].changed:
        done.pop()
    return tuple(done)


def apply(before: Job, event: Event, stored: Row, *, now: float) -> Transaction[Advanced]:
    """Apply `event` to a job whose row is locked, as `advance` does; `stored` are the columns of that row."""
    after, effects = step(before, event, now=now)
    todo: list[Effect] = []
    for effect in effects:
        if isinstance(effect, Settle | Release | Expose):
            after = _as_paid(after, (yield from _move_money(before, effect, now)))
        else:
            todo.append(effect)
    if after is before:
        return Advanced(after, before.state, tuple(todo), changed=False)
    storing = together(update(after, stored), _noted_request(before, after, now))
    if after.variation is None:
        _, is_noted = yield from together(storing, notices.note(before, after, at=now))
    else:  # whether a set has ended is counted in its rows, this one included
        yield from storing
        is_noted = yield from notices.note(before, after, at=now)
        if after.variation.final is not None and after.state in FINISHED:
            yield from pick_rows.wake(after.set_id, at=now)
    return Advanced(after, before.state, tuple(todo), changed=True, is_noted=is_noted)


def _noted_request(before: Job, after: Job, now: float) -> Transaction[None]:
    if before.handle is not None or after.handle is None:
        return nothing(None)
    return bills.note_request(after, after.handle.request_id, at=now)


def locked(job_id: str) -> Transaction[Row | None]:
    """Lock the job's row before the decision, and return it; None without one."""
    return (yield lock(job_id))


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
        yield Lock("SELECT id FROM jobs WHERE id = $1 FOR UPDATE", (job_id,))


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
