"""Replays a server's past jobs under other rules, through the same decision as a hold's.

Each job is asked for again at its own time and price, with the roles it was accepted with. One that is refused draws on
nothing, so that a later one may fit. What is rehearsed is the difference that a change makes: jobs that today's rules
would have refused as well are not the change's.

Today's rules refuse none of the jobs that were accepted under them. They may refuse jobs that were accepted under
other rules: before a change of rules or of the timezone, under a raise that is over, or by a member who had their data
deleted since. Left out are pauses and blocks, which stop everybody or one member on purpose; the wait after attempts
without a video; content rules, which look at prompts and channels' flags; and the operator's cap over all servers,
because other servers' jobs are not looked at. Of a set of variations each job is asked for by itself, so that their sum
counts for no approval.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from bot.errors import NotAllowed, QuotaExceeded
from bot.ledger import scopes
from bot.ledger.decision import decide, settled_parts
from bot.ledger.model import Decision, Grant, GrantStanding, Limit, Rule, Shipped, Standing, Terms, View, Who, Window
from bot.ledger.past_jobs import Opening, PastJob
from bot.ledger.terms import terms

NOT_REHEARSED = frozenset({"paused", "blocked", "age", "words"})
NARROWING = frozenset({"budget", "allowance", "ceiling", "at_once", "modes", "resolutions", "access", "approval"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A rule to set, or to clear if `value` is None."""

    subject: str
    name: str
    value: Any
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A past job and the terms under which it is asked for again."""

    job: PastJob
    terms: Terms


@dataclass(frozen=True, slots=True)
class Outcome:
    """The ids of the jobs that were refused, and of those that had to wait for approval."""

    refused: frozenset[str]
    waiting: frozenset[str]


@dataclass(frozen=True, slots=True)
class Affected:
    """How many jobs, what they cost, and of how many members."""

    jobs: int
    microusd: int
    members: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a change would have done to the jobs since a moment: refused some, and made others wait."""

    since: float
    refused: Affected
    waiting: Affected

    @property
    def is_harmless(self) -> bool:
        """Whether it would have changed nothing for anybody."""
        return not self.refused.jobs and not self.waiting.jobs


def may_narrow(changes: Iterable[Change]) -> bool:
    """Return whether one of the changes is of a kind that can refuse a job, or make it wait."""
    return any(one.name.partition(":")[0] in NARROWING for one in changes)


def changed_rules(rules: Iterable[Rule], changes: Iterable[Change]) -> tuple[Rule, ...]:
    """Return the rules as they would be after the changes, which have no expiry."""
    new = {(one.subject, one.name): one.value for one in changes}
    kept = [rule for rule in rules if (rule.subject, rule.name) not in new]
    return (*kept, *(Rule(*key, value) for key, value in new.items() if value is not None))


def trials(
    jobs: Sequence[PastJob], rules: Iterable[Rule], *, shipped: Shipped, kept: Sequence[Window] = ()
) -> tuple[Trial, ...]:
    """Return each job with the terms that the rules give its member in its channel at its time."""
    by_subject: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        if rule.name not in NOT_REHEARSED:
            # Whether any channel is allowed matters in every channel.
            by_subject["server" if rule.name == "access" else rule.subject].append(rule)
    shipped = replace(shipped, total_cap_microusd=None)
    found: list[Trial] = []
    for job in jobs:
        applying = [rule for subject in _subjects(job.who) for rule in by_subject.get(subject, ())]
        said = terms(applying, job.who, now=job.at, shipped=shipped, kept=kept)
        found.append(Trial(job, said if job.query.mode else replace(said, modes=None, resolutions=None)))
    return tuple(found)


def _subjects(who: Who) -> Iterable[str]:
    """Yield the subjects whose rules bind a member's job: a server can have thousands of others."""
    return ("server", *(f"role:{one}" for one in who.role_ids), f"channel:{who.channel_id}", f"member:{who.member_id}")


def begun_before(
    tried: Iterable[Trial], grants: Mapping[int, Sequence[Grant]], *, first_at: float
) -> frozenset[tuple[str, float]]:
    """Return the windows, as scope and beginning, on which something may have been drawn before the first job."""
    windows = {
        (scopes.counted_from(limit.scope), limit.window.starts_at)
        for trial in tried
        for limit in trial.terms.limits
        if limit.window.starts_at < first_at
    }
    return frozenset(windows | {(scopes.grant(grant.id), 0.0) for of in grants.values() for grant in of})


def replay(tried: Sequence[Trial], grants: Mapping[int, Sequence[Grant]], opening: Opening) -> Outcome:
    """Ask for every job again, oldest first, and return which were refused, and which had to wait."""
    books = _Books(opening)
    refused: set[str] = set()
    waiting: set[str] = set()
    for trial in tried:
        job, at = trial.job, trial.job.at
        books.end_until(at)
        view = View(
            terms=trial.terms,
            standings=tuple(Standing(limit, books.used(limit), 0) for limit in trial.terms.limits),
            grants=tuple(books.usable(grants.get(job.who.member_id, ()), at)),
            open_jobs=books.open_jobs[job.who.member_id],
        )
        try:
            decision = decide(view, amount_microusd=job.amount_microusd, query=job.query)
        except (NotAllowed, QuotaExceeded):
            refused.add(job.job_id)
            continue
        if decision.needs_approval:
            waiting.add(job.job_id)
        books.take(trial, decision)
    return Outcome(frozenset(refused), frozenset(waiting))


def difference(jobs: Sequence[PastJob], today: Outcome, changed: Outcome, *, since: float) -> Rehearsal:
    """Return what the change adds to what today's rules do."""
    refused = changed.refused - today.refused
    waiting = changed.waiting - today.waiting - today.refused
    return Rehearsal(since=since, refused=_affected(jobs, refused), waiting=_affected(jobs, waiting))


def _affected(jobs: Sequence[PastJob], ids: Collection[str]) -> Affected:
    meant = [job for job in jobs if job.job_id in ids]
    return Affected(len(meant), sum(job.cost_microusd for job in meant), len({job.who.member_id for job in meant}))


@dataclass(slots=True)
class _Draw:
    """What a replayed job draws on a scope now."""

    scope: str
    counted_at: float
    microusd: int


@dataclass(slots=True)
class _Books:
    """What the replayed jobs hold and have spent, as running sums of the windows that were asked for."""

    opening: Opening
    open_jobs: Counter[int] = field(default_factory=Counter[int])
    _sums: dict[str, dict[Window, int]] = field(default_factory=lambda: defaultdict(dict))
    _draws: dict[str, list[_Draw]] = field(default_factory=lambda: defaultdict(list))
    _ends: list[tuple[float, int, bool, PastJob, list[_Draw]]] = field(default_factory=list)
    _number: Iterable[int] = field(default_factory=count)

    def used(self, limit: Limit) -> int:
        """Return what is held and spent of the limit."""
        return self._used(scopes.counted_from(limit.scope), limit.window)

    def _used(self, scope: str, window: Window) -> int:
        known = self._sums[scope].get(window)
        if known is None:
            known = self.opening.get((scope, window.starts_at), 0)
            known += sum(one.microusd for one in self._draws[scope] if window.holds(one.counted_at))
            self._sums[scope][window] = known
        return known

    def usable(self, grants: Iterable[Grant], at: float) -> Iterable[GrantStanding]:
        """Yield the grants that were given and had not expired by then, with what was left of them."""
        for grant in grants:
            if grant.at <= at and (grant.expires_at is None or grant.expires_at > at):
                scope = scopes.grant(grant.id)
                used = self.opening.get((scope, 0.0), 0) + sum(one.microusd for one in self._draws[scope])
                standing = GrantStanding(grant, used, 0)
                if standing.left_microusd:
                    yield standing

    def take(self, trial: Trial, decision: Decision) -> None:
        """Draw the job's price on all its scopes, and note when that ends."""
        job = trial.job
        pools = [self._draw(scope, job, job.amount_microusd) for scope in _pools(trial.terms)]
        own = [self._draw(scopes.member(job.who.guild_id, job.who.member_id), job, decision.member_microusd)]
        own += [self._draw(scope, job, part) for scope, part in decision.from_grants]
        self.open_jobs[job.who.member_id] += _is_video(job)
        for ended_at, is_members, draws in (
            (job.server_ended_at, False, pools),
            (job.member_ended_at, True, own),
        ):
            if ended_at is not None:
                heapq.heappush(self._ends, (ended_at, next(iter(self._number)), is_members, job, draws))

    def end_until(self, at: float) -> None:
        """End every hold that had ended by then, at what was spent of it."""
        while self._ends and self._ends[0][0] <= at:
            _, _, is_members, job, draws = heapq.heappop(self._ends)
            if not is_members:
                for one in draws:
                    self._change(one, job.server_spent_microusd)
                continue
            self.open_jobs[job.who.member_id] -= _is_video(job)
            paid = settled_parts([(one.scope, one.microusd) for one in draws], job.member_spent_microusd)
            for one in draws:
                self._change(one, paid[one.scope])

    def _draw(self, scope: str, job: PastJob, microusd: int) -> _Draw:
        made = _Draw(scope, job.at, 0)
        self._draws[scope].append(made)
        self._change(made, microusd)
        return made

    def _change(self, draw: _Draw, microusd: int) -> None:
        for window in self._sums[draw.scope]:
            if window.holds(draw.counted_at):
                self._sums[draw.scope][window] += microusd - draw.microusd
        draw.microusd = microusd


def _pools(said: Terms) -> Iterable[str]:
    return (scope for scope in said.scopes if scopes.side(scope) == "server")


def _is_video(job: PastJob) -> bool:
    """Return whether it is one of the videos that its member had at once; a share of somebody's is none."""
    return not job.is_exposed and not job.query.is_share
