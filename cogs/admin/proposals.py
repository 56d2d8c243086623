"""Rehearses a change before it is made, and keeps what waits for an admin's yes."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.client import Services
from bot.ids import new_id
from bot.ledger import rules as rulebook
from bot.ledger.model import Grant, Rule, Window
from bot.ledger.past_jobs import Opening, PastJob, grants_to, kept_windows, opening_of, past_jobs
from bot.ledger.rehearsal import (
    Change,
    Rehearsal,
    Trial,
    begun_before,
    changed_rules,
    difference,
    may_narrow,
    replay,
    trials,
)
from bot.requester import Requester
from bot.storage.transaction import Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")
DAY_S = 86_400
# One look back at a time, on a thread of its own: it goes on when its time is over, and the other threads read files.
_LOOKING_BACK = ThreadPoolExecutor(1, thread_name_prefix="rehearsal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Changes that one admin is asked about; `before` are the rules' values that they were shown, None for none.

    `page` is the page of the panel that they were made on, "" for a command. `at` is in Unix seconds.
    """

    id: str
    owner: Requester
    changes: Sequence[Change]
    before: Sequence[Any]
    reason: str | None
    page: str
    at: float


def values_of(rules: Sequence[Rule], changes: Sequence[Change]) -> tuple[Any, ...]:
    """Return what the rules that would be changed say now; None for no rule."""
    known = {(rule.subject, rule.name): rule.value for rule in rules}
    return tuple(known.get((one.subject, one.name)) for one in changes)


def propose(
    services: Services,
    owner: Requester,
    changes: Sequence[Change],
    *,
    before: Sequence[Any],
    reason: str | None,
    page: str = "",
) -> Proposal:
    """Return a new proposal, which is kept until it is answered; of too many an old one is forgotten."""
    at = services.clock()
    made = Proposal(
        id=new_id(at=at),
        owner=owner,
        changes=tuple(changes),
        before=tuple(before),
        reason=reason,
        page=page,
        at=at,
    )
    services.proposals.add(made.id, made, owner)
    return made


def take(services: Services, proposal_id: str, owner: Requester) -> Proposal | None:
    """Take the proposal, once; None if there is none of this admin's, or it is too old."""
    found: Proposal | None = services.proposals.get(proposal_id)
    if found is None or found.owner != owner:
        return None
    services.proposals.pop(proposal_id)
    return found if services.clock() < found.at + services.settings.jobs.pending_order_life_s else None


@dataclass(frozen=True, slots=True)
class _Past:
    jobs: tuple[PastJob, ...]
    rules: tuple[Rule, ...]
    kept: tuple[Window, ...]


async def rehearse(services: Services, guild_id: int, changes: Sequence[Change]) -> Rehearsal | None:
    """Return what the changes would have done to the server's past jobs; None if there are none, or no time for it.

    Raises:
        StorageError: the database did not answer.
    """
    days = services.settings.money.rehearsal_days
    if not days or not may_narrow(changes):
        return None
    now = services.clock()
    try:
        async with asyncio.timeout(services.settings.money.rehearsal_within_s):
            return await _rehearse(services, guild_id, changes, now - days * DAY_S)
    except TimeoutError:
        log.warning("a rehearsal in server %d took longer than WANDA_REHEARSAL_WITHIN_S and is left out", guild_id)
        return None


async def _rehearse(services: Services, guild_id: int, changes: Sequence[Change], since: float) -> Rehearsal | None:
    limit = services.settings.money.rehearsal_jobs_max
    past = await services.store.read(_past(guild_id, since=since, limit=limit, at=services.clock()))
    if not past.jobs:
        return None
    books = (past.rules, changed_rules(past.rules, changes))
    tried = await in_turn(lambda: [trials(past.jobs, one, shipped=services.shipped, kept=past.kept) for one in books])
    first_at = past.jobs[0].at
    grants, opening = await services.store.read(_before(guild_id, past.jobs, tried, first_at))
    today, changed = await in_turn(lambda: [replay(one, grants, opening) for one in tried])
    return difference(past.jobs, today, changed, since=first_at if len(past.jobs) >= limit else since)


async def in_turn(work: Callable[[], T]) -> T:
    """Run the work in its turn on a thread: thousands of decisions take longer than others may wait for an answer.

    What is cancelled before its turn is not begun.
    """
    return await asyncio.get_running_loop().run_in_executor(_LOOKING_BACK, work)


def _past(guild_id: int, *, since: float, limit: int, at: float) -> Transaction[_Past]:
    return _Past(
        jobs=(yield from past_jobs(guild_id, since=since, limit=limit)),
        rules=(yield from rulebook.rules_of(guild_id, at=at)),
        kept=(yield from kept_windows(guild_id)),
    )


def _before(
    guild_id: int, jobs: Sequence[PastJob], tried: Sequence[Sequence[Trial]], first_at: float
) -> Transaction[tuple[dict[int, tuple[Grant, ...]], Opening]]:
    grants = dict((yield from grants_to(guild_id, {job.who.member_id for job in jobs})))
    windows = frozenset[tuple[str, float]]().union(*(begun_before(one, grants, first_at=first_at) for one in tried))
    return grants, (yield from opening_of(windows, before=first_at))
