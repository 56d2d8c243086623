"""Random histories of jobs, some of which are ordered at once: a set's holds are placed together, or none is.

In the model a set is what it is in life: so many videos ordered one after the other, and all taken back if the last
cannot be had.
"""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.catalogue.fields import Attached
from bot.catalogue.price import Quote
from bot.catalogue.registry import build
from bot.errors import Busy, NotAllowed, QuotaExceeded
from bot.jobs import acceptance, queries, transactions
from bot.jobs.events import CancelAsked
from bot.jobs.model import Job, Order, Request
from bot.jobs.variations import as_variations, jobs_from
from bot.ledger.model import Who
from tests.support.histories import AMOUNTS, ASKERS, NUMBERS
from tests.support.job_histories import OUTCOMES, PLACES, JobMachine, Outcome
from tests.support.job_samples import ADDRESS, JOB_ID, NOW
from tests.support.naive_ledger import Asker

ENDINGS = st.lists(st.tuples(st.none() | OUTCOMES, st.booleans()), min_size=4, max_size=4)
BIG = Request(mode=build("wan25-image", {"prompt": "a lake"}, {"image": Attached("a.png", 1)}))


def an_order(videos: int, each_microusd: int) -> Order:
    """Return an order of so many videos at this price each."""
    return Order(
        id=JOB_ID,
        who=Who(guild_id=1, channel_id=20, member_id=2, role_ids=()),
        request=as_variations(BIG, videos, fresh_seed=7),
        quote=Quote(microusd=each_microusd, formula="1 s × $1.00", prices_version="test").times(videos),
        requested_at=NOW,
        address=ADDRESS,
    )


class SetMachine(JobMachine):
    """Random jobs and sets of jobs."""

    @rule(asker=ASKERS, amount=AMOUNTS, videos=st.integers(2, 4), mode=st.sampled_from("aaab"), endings=ENDINGS)
    def order_a_set(
        self, asker: Asker, amount: int, videos: int, mode: str, endings: list[tuple[Outcome | None, bool]]
    ) -> None:
        """A member orders several videos at once, and each comes to its own outcome."""
        jobs = self.set_of(self.asker(asker), amount, videos, mode)
        if self.accept_set(self.asker(asker), jobs):
            for job, (outcome, ends) in zip(jobs, endings, strict=False):
                if outcome is not None:
                    self.come_to(job.id, outcome, ends=ends)

    @rule(asker=ASKERS, amount=AMOUNTS, videos=st.integers(2, 4), statements=st.integers(0, 120))
    def a_crash_in_a_set(self, asker: Asker, amount: int, videos: int, statements: int) -> None:
        """A crash while a set is accepted leaves no job and no hold of it."""
        jobs = self.set_of(self.asker(asker), amount, videos, "a")
        self.crash(acceptance.accept_all(jobs, self.shipped, PLACES), statements)
        for job in jobs:
            assert self.run(queries.get(job.id)) is None

    @rule(number=NUMBERS, statements=st.integers(0, 30))
    def a_crash_while_a_set_is_cancelled(self, number: int, statements: int) -> None:
        """A crash while several jobs are cancelled at once leaves all of them as they were."""
        job_id = self.pick(number)
        if job_id is not None:
            alike = sorted(one.id for one in self.jobs.values() if one.set_id == self.jobs[job_id].set_id)
            mine = [one for one in alike if one not in self.unreadable]
            self.crash(transactions.advance_all(mine, CancelAsked(), now=self.model.now), statements)
            for one in mine:
                assert self.run(queries.get(one)) == self.jobs[one]

    def set_of(self, asker: Asker, amount: int, videos: int, mode: str) -> tuple[Job, ...]:
        """Return the jobs of a new order of this many videos, each of which costs the amount."""
        number = len(self.model.askers)
        who = Who(guild_id=asker.guild, channel_id=asker.channel, member_id=asker.member, role_ids=asker.roles)
        order = replace(an_order(videos, amount), id=f"{self.base:016x}{number:016x}", who=who)
        return tuple(replace(job, mode=mode, options={}) for job in jobs_from(order, now=self.model.now))

    def accept_set(self, asker: Asker, jobs: tuple[Job, ...]) -> bool:
        """Accept all jobs as in the model, or none; return whether they were accepted."""
        try:
            accepted = self.run(acceptance.accept_all(jobs, self.shipped, PLACES))
        except (NotAllowed, QuotaExceeded, Busy):
            accepted = None
        approval = self.model.rule(asker.guild, "server", "approval")
        waits = approval is not None and sum(job.quote_microusd for job in jobs) > approval["above_microusd"]
        if self.model_takes(asker, jobs, waits=waits) != (accepted is not None):
            raise AssertionError("the model and the ledger differ about a set")
        if accepted is None:
            assert all(self.run(queries.get(job.id)) is None for job in jobs)
            return False
        for one in accepted:
            assert one.job.state == ("waiting" if waits else "accepted")
            self.jobs[one.job.id] = one.job
            self.warned |= {(w.limit_scope, w.starts_at, w.ends_at, w.threshold) for w in one.held.warnings}
        return True

    def model_takes(self, asker: Asker, jobs: tuple[Job, ...], *, waits: bool) -> bool:
        """Hold for all jobs in the model, or for none; return whether it takes them."""
        draws, askers = len(self.model.draws), dict(self.model.askers)
        takes = not self.is_full(asker, waits=waits, videos=len(jobs)) and all(
            self.model.hold(job.id, asker, job.quote_microusd, job.mode) == "held" for job in jobs
        )
        if not takes:
            del self.model.draws[draws:]
            self.model.askers = askers
        return takes
