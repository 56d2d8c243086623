"""Random histories of jobs: members, approvers, fal, the operator and Discord, compared with the ledger's model.

`JobMachine` adds to `History` everything that moves a job's money. The model knows nothing of states and effects: what
an event does to a hold follows from what fal was asked and said.
"""

import sys
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from bot.cli.ledger import closing
from bot.errors import Busy, NotAllowed, OptionRefused
from bot.fal.wire.result import billed_units
from bot.fal.wire.types import FalStatus
from bot.jobs import acceptance, erasure, events, leaving, lifetime, queries, transactions
from bot.jobs.approval import approve_all, check_may_decide
from bot.jobs.events import Event
from bot.jobs.model import FINISHED, Failure, Job
from bot.jobs.places import FileBounds, Places
from bot.jobs.rule_query import who_of
from bot.ledger import rules
from bot.ledger.exposures import open_exposures
from bot.ledger.model import Held
from bot.ledger.pseudonyms import unname
from bot.storage.transaction import Many, One, Transaction
from tests.support.histories import AMOUNTS, ASKERS, GUILDS, MEMBERS, NUMBERS, STARTS, ZONES, History
from tests.support.job_samples import ADDRESS, HANDLE, RESULT, a_job
from tests.support.naive_ledger import Asker

AMOUNT_MAX = 10**12
DEADLINE_S, PATIENCE_S, OVERDUE_S = 6 * 3600.0, 86400.0, 86400.0
ADMIN = 9
PLACES = Places(
    running_max=10_000,
    running_in_server_max=8,
    running_of_member_max=5,
    waiting_in_server_max=5,
    waiting_of_member_max=4,
    files=FileBounds(of_member_bytes=0, in_server_bytes=0),
)
# What fal's header says it billed; the price of a unit is $0.000010.
UNITS = st.sampled_from(
    ["", "0", "1", "2.5", "6", "999999", "1_000", "1e3", "1e300", "-1", "NaN", "inf", "9" * 13, "9" * 400, "٣", "0x5"]
)
KINDS_OF_FAILURE = st.sampled_from(
    [("content_policy_violation", 422), ("client_cancelled", 499), ("internal_error", 500), ("timeout", 504)]
)
REFUSED = events.Refused(Failure(kind="account", status=403))
GIVEN_UP = events.GivenUp(Failure(kind="defect"))
LOST = events.LostSight(Failure(kind="unreachable"))
Outcome: TypeAlias = tuple[str, Any]
OUTCOMES = st.one_of(
    st.tuples(st.just("made"), UNITS),
    st.tuples(st.just("not made"), st.tuples(KINDS_OF_FAILURE, st.sampled_from(["no", "yes", "perhaps"]), UNITS)),
    st.tuples(st.sampled_from(["lost", "refused", "put off", "reply lost", "crash", "given up"]), st.none()),
)
Video: TypeAlias = tuple[int, Outcome | None, bool]
VIDEOS = st.lists(st.tuples(AMOUNTS, st.none() | OUTCOMES, st.booleans()), min_size=1, max_size=6)
ODD_EVENTS: st.SearchStrategy[Event] = st.sampled_from(
    [
        events.Resumed(),
        events.CancelAsked(),
        events.Unapproved(),
        events.NotAsked(),
        events.Asked(ADDRESS),
        events.GuildLeft(),
        GIVEN_UP,
        events.Called(HANDLE),
        events.Called(replace(HANDLE, request_id="r-2")),
        events.Submitted(HANDLE),
        events.StillRunning(),
        events.PutOff(),
        events.ReplyLost(),
        events.EndShown(),
        events.VideoPosted(ADDRESS),
        events.Undeliverable(Failure(kind="undeliverable")),
        FalStatus(state="queued"),
        REFUSED,
        LOST,
    ]
)
RULES_OF_FAILURES = st.sampled_from(
    [
        ("policy", "charge"),
        ("policy", "absorb"),
        ("absorbed", 0),
        ("absorbed", 30),
        ("approval", {"above_microusd": 20, "role_id": 1, "wait_s": 3600.0}),
        ("approval", {"above_microusd": 0, "role_id": None, "wait_s": 86400.0, "own": True}),
    ]
)


class JobMachine(History):
    """Random jobs, from the order to the operator's closing; the model and the database agree after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}  # as they are stored
        self.deleted: list[str] = []  # what is left of these is in the books alone
        self.unreadable: set[str] = set()
        self.differences: dict[str, tuple[int, int]] = {}

    @initialize(start=st.sampled_from(STARTS), first=VIDEOS, second=VIDEOS, approval=st.booleans())
    def begin(self, start: tuple[str, str], first: list[Video], second: list[Video], *, approval: bool) -> None:
        """Begin with videos of both members of the first server, in any state."""
        super().begin(start)
        if approval:
            self.change(1, "server", "approval", {"above_microusd": 20, "role_id": 1, "wait_s": 3600.0}, None)
        for member, videos in ((1, first), (2, second)):
            self.order(Asker(1, member, 1, ()), videos, "a")

    @rule(guild=st.sampled_from(GUILDS), zone=st.sampled_from(ZONES))
    def the_timezone_changes(self, guild: int, zone: str) -> None:
        """An admin moves the server to another timezone."""
        self.change(guild, "server", "timezone", zone, None)

    @rule(asker=ASKERS, videos=VIDEOS, mode=st.sampled_from("aaab"))
    def order(self, asker: Asker, videos: list[Video], mode: str) -> None:
        """A member orders videos, one after the other, and each may come to its outcome at once."""
        for amount, outcome, ends in videos:
            job_id = self.accept(self.asker(asker), amount, mode)
            if job_id is not None and outcome is not None:
                self.come_to(job_id, outcome, ends=ends)

    @rule(asker=ASKERS, videos=VIDEOS, wait=st.sampled_from([60.0, 3600.0, 86400.0, 90000.0]))
    def order_and_close_later(self, asker: Asker, videos: list[Video], wait: float) -> None:
        """A member's videos become uncertain, and the operator closes all of them some time later."""
        for amount, _, ends in videos:
            job_id = self.accept(self.asker(asker), amount, "a")
            if job_id is not None:
                self.come_to(job_id, ("lost", None), ends=ends)
        self.model.now += wait
        for one in self.run(open_exposures(limit=10_000)):
            if one.job_id in self.model.askers:
                self.close(one.job_id, one.amount_microusd)

    def accept(self, asker: Asker, amount: int, mode: str) -> str | None:
        """Accept a job as in the model, and return its id; it starts or waits as the server's rule says."""
        number = len(self.model.askers)
        job = a_job(
            id=f"{self.base:016x}{number:016x}",
            guild_id=asker.guild,
            member_id=asker.member,
            role_ids=asker.roles,
            rules_channel_id=asker.channel,
            mode=mode,
            options={},
            inputs=(),
            quote_microusd=amount,
            created_at=self.model.now,
            updated_at=self.model.now,
        )

        def holding() -> Transaction[Held]:
            accepted = yield from acceptance.accept(job, self.shipped, PLACES)
            self.jobs[job.id] = accepted.job
            return accepted.held

        approval = self.model.rule(asker.guild, "server", "approval")
        waits = approval is not None and amount > approval["above_microusd"]
        if self.compare_hold(job.id, asker, amount, mode, holding(), full=self.is_full(asker, waits=waits)) is None:
            assert job.id not in self.jobs
            return None
        stored = self.jobs[job.id]
        bound = self.model.rule(asker.guild, "server", "absorbed")
        assert stored.state == ("waiting" if waits else "accepted")
        assert stored.policy == (self.model.rule(asker.guild, "server", "policy") or "absorb")
        assert stored.absorbed_daily_microusd == (self.caps.absorbed if bound is None else bound)
        return job.id

    def is_full(self, asker: Asker, *, waits: bool, videos: int = 1) -> bool:
        """Return whether so many more would be more unfinished jobs of this kind than member or server may have."""
        here = [job for job in self.jobs.values() if job.guild_id == asker.guild and not job.told]
        alike = [job.member_id for job in here if (job.state == "waiting") == waits]
        of_member, in_server = (
            (PLACES.waiting_of_member_max, PLACES.waiting_in_server_max)
            if waits
            else (PLACES.running_of_member_max, PLACES.running_in_server_max)
        )
        return alike.count(asker.member) + videos > of_member or len(alike) + videos > in_server

    @rule(guild=st.sampled_from(GUILDS), what=RULES_OF_FAILURES)
    def set_a_rule_of_failures(self, guild: int, what: tuple[str, Any]) -> None:
        """Say who pays for failed videos and how much of them, and what needs an approval."""
        self.change(guild, "server", *what, expires_in=None)

    def pick(self, number: int) -> str | None:
        """Return the id of one of the stored jobs that can be read."""
        known = sorted(self.jobs.keys() - self.unreadable)
        return known[number % len(known)] if known else None

    @rule(number=NUMBERS, outcome=OUTCOMES, ends=st.booleans())
    def a_job_comes_to(self, number: int, outcome: Outcome, *, ends: bool) -> None:
        """A job that was left in some state comes to an outcome."""
        job_id = self.pick(number)
        if job_id is not None:
            self.come_to(job_id, outcome, ends=ends)

    def come_to(self, job_id: str, outcome: Outcome, *, ends: bool) -> None:
        """Let the job go on as usual until this can happen to it, and happen; then its card may show the end."""
        what, said = outcome
        until = {"refused": "submitting", "put off": "submitting", "reply lost": "submitting", "crash": "submitting"}
        self.go_on(job_id, until.get(what, "fetching"))
        self.advance(job_id, self.event(what, said))
        if ends:
            self.go_on(job_id, "")

    def event(self, what: str, said: Any) -> Event:
        """Return the event of an outcome."""
        match what:
            case "made":
                units = billed_units({"X-Fal-Billable-Units": said})
                return events.Made(replace(RESULT, billed_units=units), cost_of(units))
            case "not made":
                (kind, status), billed, header = said
                units = billed_units({"X-Fal-Billable-Units": header})
                return events.NotMade(Failure(kind=kind, status=status, billed=billed), cost_of(units), units)
            case _:
                return {
                    "lost": LOST,
                    "refused": REFUSED,
                    "put off": events.PutOff(),
                    "reply lost": events.ReplyLost(),
                    "crash": events.Resumed(),
                    "given up": GIVEN_UP,
                }[what]

    def go_on(self, job_id: str, until: str) -> None:
        """Let everything go well until the job is in this state, has ended and says so, or is refused its approval."""
        while (job := self.jobs[job_id]).state != until and not job.told:
            match job.state:
                case "waiting":
                    if not self.decide(job_id, self.base + ADMIN, manages=True, role_ids=(), approve=True):
                        return
                case "accepted":
                    self.advance(job_id, events.Uploaded(inputs=()))
                case "submitting":
                    self.advance(job_id, events.Submitted(HANDLE))
                case "queued":
                    self.advance(job_id, FalStatus(state="running"))
                case "running":
                    self.advance(job_id, FalStatus(state="completed"))
                case "fetching":
                    self.advance(job_id, events.Made(RESULT))
                case "delivering":
                    self.advance(job_id, events.VideoPosted(ADDRESS))
                case _:
                    self.advance(job_id, events.EndShown())

    @rule(
        number=NUMBERS,
        lost=st.sampled_from(["reply lost", "crash", "lost"]),
        closed=st.none() | st.sampled_from([0, 1, 30, 10**18]),
        by=st.sampled_from([events.Called(HANDLE), events.Submitted(HANDLE)]),
        outcome=OUTCOMES,
    )
    def fal_has_it_after_all(self, number: int, lost: str, closed: int | None, by: Event, outcome: Outcome) -> None:
        """An uncertain job, perhaps closed by the operator, goes on with a late webhook or reply to its end."""
        job_id = self.pick(number)
        if job_id is None or self.jobs[job_id].told:
            return
        self.come_to(job_id, (lost, None), ends=True)
        if closed is not None:
            self.close(job_id, closed)
        self.advance(job_id, by)
        self.come_to(job_id, outcome, ends=True)

    @rule(number=NUMBERS, event=ODD_EVENTS, until=st.sampled_from(["", "submitting", "running", "delivering"]))
    def something_happens(self, number: int, event: Event, until: str) -> None:
        """Anything happens to a job at any time, perhaps for the second time."""
        job_id = self.pick(number)
        if job_id is not None:
            if until:
                self.go_on(job_id, until)
            self.advance(job_id, event)

    @rule(number=NUMBERS, event=ODD_EVENTS, statements=st.integers(0, 14))
    def a_crash_before_the_commit(self, number: int, event: Event, statements: int) -> None:
        """A crash while an event is stored leaves the job and its money as they were."""
        job_id = self.pick(number)
        if job_id is not None:
            self.crash(transactions.advance(job_id, event, now=self.model.now), statements)
            assert self.run(queries.get(job_id)) == self.jobs[job_id]

    @rule(number=NUMBERS, by=st.sampled_from([1, 2, ADMIN]), role=st.sampled_from([(), (1,)]), approve=st.booleans())
    def somebody_decides(self, number: int, by: int, role: tuple[int, ...], *, approve: bool) -> None:
        """A member presses Approve or Decline on a job."""
        job_id = self.pick(number)
        if job_id is not None:
            self.decide(job_id, self.base + by, manages=by == ADMIN, role_ids=role, approve=approve)

    @rule(what=st.sampled_from([("server", "paused"), ("member:1", "blocked"), ("channel:1", "access")]))
    def an_admin_approves_what_is_stopped(self, what: tuple[str, str]) -> None:
        """A pause, a block or a closed channel stops approvals too, until it is taken back."""
        subject, name = what
        self.change(1, subject, name, "deny" if name == "access" else "stop", None)
        for job_id in sorted(self.jobs.keys() - self.unreadable):
            self.decide(job_id, self.base + ADMIN, manages=True, role_ids=(), approve=True)
        self.take_back(self.base + 1, self.own(subject), name)

    def decide(self, job_id: str, by: int, *, manages: bool, role_ids: tuple[int, ...], approve: bool) -> bool:
        """Approve or decline a job if the rules allow it; return whether they did."""
        job, guild = self.jobs[job_id], self.jobs[job_id].guild_id
        if job.state != "waiting":
            return False
        said: dict[str, Any] = self.model.rule(guild, "server", "approval") or {}
        may = manages or said.get("role_id") in role_ids
        may = may and not (approve and by == job.member_id and not said.get("own", False))
        terms = self.run(rules.terms_of(who_of(job), at=self.model.now, shipped=self.shipped))
        try:
            check_may_decide(job, terms, member_id=by, role_ids=role_ids, manages=manages, approve=approve)
        except NotAllowed:
            assert not may
            return False
        assert may
        event = events.Approved(by) if approve else events.Declined(by)
        if isinstance(event, events.Approved) and (job.approve_by is None or self.model.now < job.approve_by):
            asker = self.model.askers[job_id]
            closed = self.model.forbidden(asker, 0, "a") in {"blocked", "paused", "channel"}
            closed = closed or self.is_full(asker, waits=False)
            approving = approve_all((job_id,), event, shipped=self.shipped, places=PLACES, now=self.model.now)
            try:
                (advanced,) = self.run(approving)
            except (NotAllowed, Busy):
                assert closed
                assert self.run(queries.get(job_id)) == job
                return False
            assert not closed
            self.jobs[job_id] = advanced.job
            return True
        self.advance(job_id, event)
        return True

    def advance(self, job_id: str, event: Event) -> None:
        """Apply an event, and move the money in the model as the event's sense says."""
        before = self.jobs[job_id]
        after = self.run(transactions.advance(job_id, event, now=self.model.now)).job
        self.jobs[job_id] = after
        over = FINISHED | {"delivering"}
        if before.state in over or after.state not in over:
            assert self.run(queries.get(job_id)) == after
            return
        asked = before.state not in {"waiting", "accepted"}
        how, amount, slows = self.sense(before, event, asked=asked)
        is_open = any(one.job == job_id and one.state in {"held", "exposed"} for one in self.model.draws)
        if how in {"settle", "absorb"} and is_open and amount > before.quote_microusd:
            self.differences[job_id] = (before.quote_microusd, min(amount, AMOUNT_MAX))
        bound = before.absorbed_daily_microusd
        ended, charged, paid = self.model.end(job_id, how, amount, bound=bound, slows=slows)
        # An operator may have closed it before fal told how a job ended that was uncertain.
        assert (ended == "exposed") == (after.state == "uncertain" and is_open)
        assert (after.charged_microusd, paid <= before.quote_microusd) == (charged, True)
        if after.failure is not None:
            holds = self.model.holds_of(job_id)
            stays = [one.amount for one in self.model.draws if one.job in holds and one.state == "exposed"]
            own = sum(stays) and sum(self.members_parts(job_id, "exposed"))
            assert (after.failure.absorbed_microusd or 0, after.failure.held_microusd or 0) == (paid - charged, own)

    def members_parts(self, job_id: str, state: str) -> list[int]:
        """Return the amounts of the member's own draws in this state."""
        own = ("member:", "grant:")
        return [
            one.amount
            for one in self.model.draws
            if one.job in self.model.holds_of(job_id) and one.state == state and one.scope.startswith(own)
        ]

    def sense(self, job: Job, event: Event, *, asked: bool) -> tuple[Any, int, bool]:
        """Return how an event ends the hold: fal's own word settles or releases, and without it nobody knows."""
        if isinstance(event, events.Made):
            return "settle", job.quote_microusd if event.cost_microusd is None else event.cost_microusd, False
        if isinstance(event, events.NotMade):
            failure, cost = event.failure, event.cost_microusd
            began = job.started_at is not None or failure.billed != "no"
            slows = began if failure.kind == "client_cancelled" else failure.status == 422
            if failure.billed == "no":
                return "release", 0, slows
            policy = "settle" if job.policy == "charge" else "absorb"
            return policy, job.quote_microusd if cost is None else cost, slows
        if asked and not isinstance(event, events.Refused | events.PutOff):
            return "expose", 0, False
        return "release", 0, False

    @rule(number=NUMBERS, amount=st.sampled_from([0, 0, 1, 30, 60, 200, 10**18]))
    def the_operator_closes(self, number: int, amount: int) -> None:
        """The operator closes a job at what fal billed; only an uncertain one changes."""
        known = [*sorted(self.jobs), *self.deleted]
        if known:
            self.close(known[number % len(known)], amount)

    def close(self, job_id: str, amount: int) -> None:
        """Close a job as in the model."""
        job = self.jobs.get(job_id)
        parts = [one for one in self.model.draws if one.job == job_id and one.state == "exposed"]
        try:
            self.run(closing(job_id, amount, at=self.model.now))
        except OptionRefused:
            assert not parts
        if parts:
            held = self.model.held_of(job_id)
            bound = 0 if job is None or job_id in self.unreadable else job.absorbed_daily_microusd
            self.model.end(job_id, "absorb" if amount else "release", amount, bound=bound)
            if amount > held:
                self.differences[job_id] = (held, min(amount, AMOUNT_MAX))
        if job is not None and job_id not in self.unreadable:
            self.jobs[job_id] = self.run(queries.get(job_id))
            if parts:
                _, charged, _ = self.model.endings[job_id]
                assert self.jobs[job_id].charged_microusd == charged

    @rule(member=MEMBERS, waits=st.booleans())
    def a_member_deletes_their_data(self, member: int, *, waits: bool) -> None:
        """`/privacy delete`: refused while a video is being made, and else gone but for what was used."""
        member += self.base
        if waits:
            for job_id in [job.id for job in self.jobs.values() if job.member_id == member]:
                if job_id not in self.unreadable:
                    self.go_on(job_id, "")
        busy = any(self.pays_for(job, member) and not job.told for job in self.jobs.values())
        try:
            gone = self.run(erasure.forget_member(member, at=self.model.now))
        except Busy:
            assert busy
            return
        assert not busy
        self.forget_jobs(gone, [job.id for job in self.jobs.values() if job.member_id == member])
        for guild in GUILDS:
            self.model.forget(self.base + guild, member)
        for job_id, job in self.jobs.items():
            self.jobs[job_id] = replace(job, approved_by=None if job.approved_by == member else job.approved_by)
        self.after_forgetting(member)

    def pays_for(self, job: Job, member: int) -> bool:
        """Return whether the member pays for the job."""
        return job.member_id == member

    def after_forgetting(self, member: int) -> None:
        """Take away what else the member had."""

    def forget_jobs(self, gone: tuple[str, ...], expected: list[str]) -> None:
        """Take away deleted jobs; what they hold is in the books."""
        assert {job_id for job_id in gone if job_id in self.jobs} == set(expected)
        for job_id in expected:
            del self.jobs[job_id]
            self.deleted.append(job_id)

    @rule(guild=st.sampled_from(GUILDS), erased=st.booleans(), invited=st.booleans())
    def the_bot_is_removed(self, guild: int, *, erased: bool, invited: bool) -> None:
        """An admin removes Wanda: what fal was not asked for ends, the data goes, and she may be invited again."""
        guild_id = self.base + guild
        self.run(leaving.mark_guild_left(guild_id, at=self.model.now))
        self.sweep()
        if erased:
            for member_id in self.run(erasure.names_in(guild_id, limit=100)):
                self.run(unname(guild_id, member_id))
                self.model.forget(guild_id, member_id)
            here = [job for job in self.jobs.values() if job.guild_id == guild_id]
            if (guild_id, "server", "timezone") in self.model.rules:
                self.model.keep_windows(guild_id)
            forgotten = self.run(erasure.forget_guild(guild_id, at=self.model.now))
            self.forget_jobs(forgotten.job_ids, [job.id for job in here if job.told])
            assert forgotten.still_open == sum(not job.told for job in here)
            self.model.rules = {key: value for key, value in self.model.rules.items() if key[0] != guild_id}
            self.warned = {key for key in self.warned if key[0] != f"server:{guild_id}"}
        if invited:
            self.run(leaving.keep_guild(guild_id))

    @rule()
    def sweep(self) -> None:
        """Do what the runner's sweep does: end the jobs of servers left, the overdue ones, and the unreadable ones."""
        for job_id, _ in self.run(lifetime.jobs_of_guilds_left()):
            if job_id in self.jobs and job_id not in self.unreadable:
                self.advance(job_id, events.GuildLeft())
        overdue, unreadable = self.run(
            lifetime.overdue_jobs(
                now=self.model.now, deadline_s=DEADLINE_S, paid_patience_s=PATIENCE_S, overdue_s=OVERDUE_S
            )
        )
        for job_id, _ in overdue:
            if job_id in self.jobs:
                self.advance(job_id, GIVEN_UP)
        for job_id, _ in unreadable:
            if job_id in self.unreadable:
                self.run(lifetime.end_unreadable(job_id, now=self.model.now))
                job = self.jobs[job_id]
                free = job.state in {"waiting", "accepted"}
                if job.state not in FINISHED | {"delivering"}:
                    self.model.end(job_id, "release" if free else "expose", 0)
                self.jobs[job_id] = replace(job, told=True, state="failed" if free else "uncertain")

    @rule(number=NUMBERS)
    def a_row_becomes_unreadable(self, number: int) -> None:
        """A job's row is spoiled, as by another version; its money has to end all the same."""
        job_id = self.pick(number)
        if job_id is not None and not self.jobs[job_id].told:
            self.run(spoil(job_id))
            self.unreadable.add(job_id)

    def everything_ends(self) -> None:
        """Long after the last order sweeps alone have ended every job; once all are closed, nothing is held."""
        for _ in range(3):  # made, given up, and shown
            self.model.now += 40 * 86400.0
            self.sweep()
        assert [job.id for job in self.jobs.values() if not job.told] == []
        for one in self.run(open_exposures(limit=10_000)):
            if one.job_id in self.model.askers:
                self.close(one.job_id, one.amount_microusd // 2)
        assert [one for one in self.model.draws if one.state in {"held", "exposed"}] == []
        for guild in GUILDS:
            assert self.run(left_open(self.base + guild)) == []
            found = self.run(differences_of(self.base + guild))
            mine = {job_id for job_id, asker in self.model.askers.items() if asker.guild == self.base + guild}
            assert found == {job_id: one for job_id, one in self.differences.items() if job_id in mine}

    def teardown(self) -> None:
        """End everything, unless the history has failed before."""
        try:
            if sys.exc_info()[0] is None:
                self.everything_ends()
                self.standings_are_as_expected()
                self.books_are_right()
        finally:
            super().teardown()


def cost_of(units: float | None) -> int | None:
    """Return what these units cost at 10 micro-dollars each."""
    return None if units is None else int(units * 10)


def spoil(job_id: str) -> Transaction[None]:
    """Make a job's row unreadable."""
    yield One("UPDATE jobs SET body = $2 WHERE id = $1", (job_id, '{"id": 7}'))


def left_open(guild_id: int) -> Transaction[list[str]]:
    """Return what still holds money in a server, or spent more than it held."""
    draws = yield Many(
        "SELECT scope FROM draws WHERE guild_id = $1 AND (state IN ('held', 'exposed') "
        "OR settled_microusd > amount_microusd)",
        (guild_id,),
    )
    rows = yield Many("SELECT scope FROM budgets WHERE scope = $1 AND held_microusd <> 0", (f"server:{guild_id}",))
    return [row["scope"] for row in (*draws, *rows)]


def differences_of(guild_id: int) -> Transaction[dict[str, tuple[int, int]]]:
    """Return what was held and billed of the jobs that were billed above their hold."""
    rows = yield Many("SELECT job_id, held_microusd, billed_microusd FROM differences WHERE guild_id = $1", (guild_id,))
    return {row["job_id"]: (row["held_microusd"], row["billed_microusd"]) for row in rows}
