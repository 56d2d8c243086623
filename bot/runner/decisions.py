"""What people decide about unfinished jobs: to cancel, to approve and to decline them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from bot.errors import Refusal, StorageError
from bot.jobs import effects, events, queries, transactions
from bot.jobs.approval import approve_all, check_may_decide
from bot.jobs.machine import is_cancellable
from bot.jobs.model import FINISHED, Job
from bot.jobs.places import Places
from bot.jobs.rule_query import who_of
from bot.ledger.model import Shipped
from bot.ledger.rules import terms_of
from bot.runner.acceptance import Acceptance
from bot.runner.job_driver import JobDriver
from bot.runner.job_tasks import JobTasks
from bot.runner.wakes import Wakes
from bot.sharding import ShardsNow
from bot.storage.transaction import Notify, Store, Transaction, alone

SOME_CANCELLED = (
    "Wanda cancelled what wasn't started and asked fal to stop the rest. "
    "A video that's already made is still posted and charged."
)


class Decisions:
    """Stores each decision, wakes the jobs that it is about, and answers whoever decided."""

    def __init__(
        self,
        *,
        store: Store,
        tasks: JobTasks,
        wakes: Wakes,
        driver: JobDriver,
        acceptance: Acceptance,
        shipped: Shipped,
        places: Places,
        shards: ShardsNow,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._wakes = wakes
        self._driver = driver
        self._acceptance = acceptance
        self._shipped = shipped
        self._places = places
        self._shards = shards
        self._clock = clock

    async def cancel(self, job_id: str, *, member_id: int) -> str:
        """Cancel the job if that is still possible; returns the sentence for the member who asked.

        Another process's job is cancelled as well: that process is told, and goes by what is stored.

        Raises:
            StorageError: the database did not answer; the job goes on.
        """
        if self._tasks.is_closing:
            return "Wanda is restarting, and your video goes on. Try again in a minute."
        job = await self._store.read(alone(queries.get(job_id)))
        if job is None:
            return "Wanda no longer knows this video, so there's nothing to cancel."
        if job.member_id != member_id:
            return f"Only <@{job.member_id}> can cancel this video."
        advanced = await self._store.write(self._cancelling(job), guild_id=job.guild_id)
        if not advanced.changed:
            return _too_late(advanced.job)
        self._carry_on(job, advanced)
        if advanced.job.state == "cancelled":
            return "Cancelled. You weren't charged."
        return "Wanda asked fal to stop. If the video is already made, it's still posted and charged."

    def _cancelling(self, job: Job) -> Transaction[transactions.Advanced]:
        advanced = yield from transactions.advance(job.id, events.CancelAsked(), now=self._clock())
        if advanced.changed and advanced.job.state not in FINISHED and not self._shards().owns(job.guild_id):
            yield Notify(job.id)  # its owner may have parked it, and would look at it much later
        return advanced

    def _carry_on(self, before: Job, advanced: transactions.Advanced) -> None:
        """Have the cancelled job's task go on, or do beside it what the cancel asks for."""
        is_over_unapproved = before.state == "waiting" and advanced.job.state == "cancelled"
        if is_over_unapproved or before.id in self._tasks.parked or before.id in self._wakes.looking:
            self._tasks.wake(before)  # a parked job is followed from now on
            return
        if not self._shards().owns(before.guild_id):  # who drives it shows it; here nobody would end its progress
            advanced = replace(advanced, effects=tuple(one for one in advanced.effects if one != effects.Show()))
        self._tasks.beside(before.id, self._driver.carry_on(advanced), name=f"cancel {before.id}")

    async def cancel_set(self, set_id: str, *, member_id: int) -> str:
        """Cancel what is unfinished of a set; returns the sentence for the member who asked.

        Raises:
            StorageError: the database did not answer; what was not cancelled goes on.
        """
        jobs = await self._store.read(queries.jobs_of_set(set_id))
        open_jobs = [job for job in jobs if job.state not in FINISHED and is_cancellable(job)]
        if not open_jobs:
            return "These videos are all made or over, so there's nothing to cancel."
        said = [await self.cancel(job.id, member_id=member_id) for job in open_jobs]
        return said[-1] if len(set(said)) == 1 else SOME_CANCELLED

    async def decide(
        self,
        job_id: str,
        *,
        guild_id: int | None,
        member_id: int,
        role_ids: Collection[int],
        manages: bool,
        approve: bool,
    ) -> str:
        """Approve or decline a waiting job with its set; returns the sentence for whoever decided.

        `manages` is Manage Server.

        Raises:
            StorageError: the database did not answer; the job waits on.
        """
        if self._tasks.is_closing:
            return "Wanda is restarting, and the video keeps waiting. Try again in a minute."
        job = await self._store.read(alone(queries.get(job_id)))
        if job is None or job.guild_id != guild_id:
            return "Wanda no longer knows this video, so there's nothing to decide."
        event = events.Approved(member_id) if approve else events.Declined(member_id)
        jobs = await self._jobs_of_order(job)
        try:
            if approve:
                self._acceptance.refuse_when_off({each.mode for each in jobs})
            terms = await self._store.read(terms_of(who_of(job), at=self._clock(), shipped=self._shipped))
            check_may_decide(job, terms, member_id=member_id, role_ids=role_ids, manages=manages, approve=approve)
            with self._tasks.beginning(len(jobs) if approve else 0) as running:
                deciding = self._decision([each.id for each in jobs], event, running)
                advanced = await self._store.write(deciding, guild_id=job.guild_id)
        except Refusal as refusal:
            return str(refusal)
        except StorageError:
            for each in jobs:
                self._tasks.wake(each)  # the decision may be stored although the answer to its COMMIT was lost
            raise
        decided = [one.job for one in advanced if one.changed]
        for one in decided:
            self._tasks.wake(one)
        return _decided(decided, approve=approve)

    async def _jobs_of_order(self, job: Job) -> Sequence[Job]:
        """Return the jobs that were ordered at once with this one, and itself."""
        return (job,) if job.variation is None else await self._store.read(queries.jobs_of_set(job.set_id))

    def _decision(
        self, job_ids: Sequence[str], event: events.Approved | events.Declined, running: int
    ) -> Transaction[tuple[transactions.Advanced, ...]]:
        now = self._clock()
        if isinstance(event, events.Approved):
            return approve_all(job_ids, event, shipped=self._shipped, places=self._places, now=now, running=running)
        return transactions.advance_all(job_ids, event, now=now)


def _decided(jobs: Sequence[Job], *, approve: bool) -> str:
    if not jobs:
        return "This video isn't waiting for approval any more."
    if not approve:
        return "Declined. Nobody was charged."
    if jobs[0].state != "accepted":
        return "This video waited too long for an answer and won't be made. Nobody was charged."
    if jobs[0].part is not None:
        return "Approved. The film is on its way."
    return "Approved. The video is on its way." if len(jobs) == 1 else "Approved. The videos are on their way."


def _too_late(job: Job) -> str:
    if job.state in FINISHED:
        return "This video is already over, so there's nothing to cancel."
    if not is_cancellable(job):
        return "This video is already made and about to be posted, so it's too late to cancel."
    return "Wanda has already asked fal to stop. The card will show how it ends."
