"""Drives jobs: stores each event, performs the machine's effects, and takes the next event from them.

One task drives one job; one that only waits for fal's webhook has none (`bot.runner.parked`). Everything that matters
is in the job's row; what a task knows beyond it is only shown on the card. So a process may die at any line, and the
next start continues with the same code.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, assert_never

from bot.errors import (
    Busy,
    DeliveryError,
    DiscordBusy,
    FilesUnavailable,
    NotReserved,
    Refusal,
    StorageError,
    WandaError,
)
from bot.fal.wire.types import FalStatus
from bot.jobs import lifetime, machine, pick_rows, queries, transactions
from bot.jobs.approval import approve_all, check_may_decide
from bot.jobs.best_of import ordered
from bot.jobs.machine import Event, is_cancellable
from bot.jobs.model import FINISHED, Address, Failure, Job, JobRef, LinkReason, Live, Order
from bot.jobs.picks import Pick
from bot.jobs.places import FileBounds, Places
from bot.ledger import reservations
from bot.ledger.model import Shipped
from bot.ledger.reservations import Wish
from bot.ledger.rules import terms_of
from bot.log import job_scope
from bot.runner import ahead
from bot.runner.ahead import Ahead
from bot.runner.cards_port import Cards, MessageRef
from bot.runner.delivery import Delivery, LateVideos
from bot.runner.fal_steps import FalSteps
from bot.runner.job_counts import count_accepted, count_event
from bot.runner.parked import Parked
from bot.settings import JobSettings
from bot.sharding import Shards, ShardsNow, every_shard
from bot.storage.transaction import Store, Transaction, alone
from bot.turns import FairTurns
from bot.units import MB

T = TypeVar("T")
log = logging.getLogger(__name__)
STORAGE_WAIT_S = 1.0  # the first wait for a database that does not answer; doubles up to a minute
ENDINGS_AT_ONCE = 16  # more would wait for each other inside discord.py until they time out
POSTED_AGE_MAX_S, POSTED_MAX = 3600.0, 100  # videos posted before a restart whose parent's card can still be edited
SLEPT_S = 30.0  # a wait that lasts so much longer than it should means that the machine slept
WAKE_GRACE_S = 600.0  # after a start or a sleep, in which jobs past their time are asked about before they are ended
DEFECT_TRIES = 3
DEFECT_WAIT_S = 5.0
_NOTHING_AHEAD = Ahead()
SOME_CANCELLED = (
    "Wanda cancelled what wasn't started and asked fal to stop the rest. "
    "A video that's already made is still posted and charged."
)


class Runner:
    """Accepts jobs and drives each to its end."""

    def __init__(
        self,
        *,
        store: Store,
        fal_steps: FalSteps,
        cards: Cards,
        shipped: Shipped,
        settings: JobSettings,
        clock: Callable[[], float],
        shards: ShardsNow = every_shard,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_posted: Callable[[Job], None] | None = None,
        on_ended: Callable[[Job], None] | None = None,
        on_asked: Callable[[Job], None] | None = None,
        on_shot: Callable[[Job], None] | None = None,
        keep_files: Callable[[Sequence[Job]], Awaitable[None]] | None = None,
        discard_files: Callable[[Job], Awaitable[None]] | None = None,
        forget_files: Callable[[str], Awaitable[None]] | None = None,
        check_open: Callable[[str], None] | None = None,
    ) -> None:
        """`shards` are those whose jobs it drives; more may come, see `take_up`.

        `on_posted` is called for every video that was posted in its channel, `on_ended` for every job that ended.

        `on_asked` is called for every job whose card asks for approval, `on_shot` for every shot of a film in a new
        state.
        `keep_files` keeps the files of an order before its jobs are accepted, a copy for each. `discard_files` deletes
        the files that a job which ended without a posted video does not need; it may be called again. `forget_files`
        deletes all files of a job that was deleted itself. `check_open` raises `Closed` for a mode that is off.
        """
        self._store = store
        self._fal_steps = fal_steps
        self._cards = cards
        self.shipped = shipped
        self._settings = settings
        self.places = places_of(settings)
        self._clock = clock
        self._shards = shards
        self._sleep = sleep
        self._on_posted = on_posted
        self._on_ended = on_ended
        self._on_asked = on_asked
        self._on_shot = on_shot
        self._keep_files = keep_files
        self._discard_files = discard_files
        self._forget_files = forget_files
        self._check_open = check_open
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._side_tasks: dict[asyncio.Task[None], str] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._live: dict[str, Live] = {}
        self._critical: set[str] = set()
        self._waiting: set[str] = set()  # for approval; each has its task
        self._begins = 0
        self._refused: deque[str] = deque(maxlen=settings.in_flight_max)
        self._decided: dict[str, asyncio.Event] = {}
        self._following: dict[str, asyncio.Timeout] = {}
        self._parked = Parked(self._drive)
        self._looking: set[str] = set()  # jobs about to be followed or parked, which a cancel has begin anew
        self._closing = False
        self._awake_at = 0.0
        self.warned = asyncio.Event()
        self.noted = asyncio.Event()
        self._delivery = Delivery(cards, settings, clock=clock, sleep=sleep)
        self._late_videos = LateVideos(
            store,
            self._delivery,
            shards,
            store_event=self._store_late,
            forget_files=forget_files,
            every_s=settings.late_look_s,
            clock=clock,
            sleep=sleep,
        )
        self._resumes = asyncio.Semaphore(settings.take_up_at_once)
        self._endings = FairTurns(ENDINGS_AT_ONCE, name="end")

    async def start(self) -> int:
        """Take up the shards that it has, and look for stopped jobs from then on; returns as `take_up`.

        Raises:
            StorageError: the database did not answer.
        """
        resumed = await self.take_up(self._shards())
        self._loops = [
            asyncio.create_task(self._keep_sweeping(), name="unfinished jobs"),
            asyncio.create_task(self._late_videos.keep_trying(), name="late videos"),
        ]
        return resumed

    async def take_up(self, shards: Shards) -> int:
        """Resume every unfinished job of these shards, which have no other owner; returns how many there are.

        Raises:
            StorageError: the database did not answer; it may be called again.
        """
        jobs = await self._store.read(transactions.unfinished_jobs(shards))
        for job in jobs:
            self._drive(job)
        self._awake_at = self._clock()
        await self._report_posted(shards)
        return len(jobs)

    async def _report_posted(self, shards: Shards) -> None:
        """Call `on_posted` again for recent videos: the last process may have ended before it took effect."""
        if self._on_posted is not None:
            since = self._clock() - POSTED_AGE_MAX_S
            for job in await self._store.read(queries.posted_since(since, shards, limit=POSTED_MAX)):
                self._on_posted(job)

    async def accept(self, order: Order) -> Job:
        """Hold the quote and commit the order's job, or all jobs of its set, then drive them; returns the first.

        Raises:
            Refusal: nothing was held, nothing was stored.
            StorageError: the database or the files did not answer; nothing was held.
        """
        parts = ordered(order, now=self._clock())
        beside = None if parts.pick is None else partial(_add_pick, parts.pick)
        return await self.accept_all(parts.jobs, reserve=parts.reserve, beside=beside)

    async def accept_all(
        self, jobs: Sequence[Job], *, reserve: Sequence[Wish] = (), beside: transactions.Beside | None = None
    ) -> Job:
        """Hold the quotes of these jobs of one order, and of what is reserved for it, commit the jobs and drive them.

        `beside` is stored with them, as `transactions.accept_all` does. Returns the first; raises as `accept`.
        """
        self._refuse_when_closing()
        self._refuse_when_off({*(job.mode for job in jobs), *(wish.query.mode for wish in reserve)})
        await self._keep(jobs)
        try:
            with self._beginning(len(jobs)) as running:
                accepting = transactions.accept_all(
                    jobs, self.shipped, self.places, running=running, reserve=reserve, beside=beside
                )
                accepted = await self._store.write(accepting, guild_id=jobs[0].guild_id)
        except StorageError:
            if not await self._are_kept(jobs):
                await self._forget_files_of(jobs[1:])
                raise
            return self._begin(jobs)
        except Refusal:
            await self._forget_files_of(jobs[1:])
            raise
        if any(one.held.warnings for one in accepted):
            self.warned.set()
        return self._begin([one.job for one in accepted])

    async def accept_reserved(self, job: Job) -> Job:
        """Commit a job whose hold was reserved, and drive it; returns it as it is stored.

        Raises:
            Busy: there is no place for it now; it stays reserved.
            NotReserved: nothing is reserved for it, and no such job was accepted.
            StorageError: the database or the files did not answer; it may be called again.
        """

        def accept(running: int) -> Transaction[Job]:
            return transactions.accept_reserved(job, self.shipped, self.places, now=self._clock(), running=running)

        try:
            return await self.accept_by(accept, lambda stored: stored, job.guild_id, keep=job)
        except (StorageError, NotReserved):
            known = await self._store.read(transactions.get(job.id))
            if known is None:
                raise
            self._drive(known)  # an earlier try was committed although its answer was lost
            return known

    async def accept_by(
        self,
        accept: Callable[[int], Transaction[T]],
        job_in: Callable[[T], Job | None],
        guild_id: int,
        *,
        keep: Job | None = None,
    ) -> T:
        """Run a transaction that may accept one job, and drive that; `accept` gets how many other jobs run.

        The files of `keep` are kept first.

        Raises:
            Busy: Wanda is stopping; and what the transaction raises.
            StorageError: the database or the files did not answer; what it did may be stored.
        """
        self._refuse_when_closing()
        if keep is not None:
            await self._keep((keep,))
        with self._beginning(1) as running:
            answer = await self._store.write(accept(running), guild_id=guild_id)
        job = job_in(answer)
        if job is not None:
            self._begin((job,))
        return answer

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise Busy("Wanda is restarting. You weren't charged; try again in a minute.")

    def _refuse_when_off(self, modes: Collection[str]) -> None:
        if self._check_open is not None:
            for mode in sorted(modes):
                self._check_open(mode)

    async def _keep(self, jobs: Sequence[Job]) -> None:
        """Keep the files first: if the process ends here they are orphans, and no job is ever without its files."""
        try:
            if self._keep_files is not None:
                await self._keep_files(jobs)
        except WandaError:
            await self._forget_files_of(jobs[1:])
            raise

    def _begin(self, jobs: Sequence[Job]) -> Job:
        count_accepted(jobs)
        for job in jobs:
            self._drive(job)
        return jobs[0]

    async def _forget_files_of(self, jobs: Sequence[Job]) -> None:
        """Delete the files of jobs that were not accepted; those of the first are its order's."""
        for job in jobs:
            if self._forget_files is not None:
                with suppress(FilesUnavailable):  # what stays is an orphan
                    await self._forget_files(job.id)

    async def _are_kept(self, jobs: Sequence[Job]) -> bool:
        """Return whether the jobs of one order were committed although the answer to their COMMIT was lost.

        If the database does not answer this either, the member reads that all of them were refused, so each is
        cancelled if it turns up later.
        """
        try:
            return await self._store.read(transactions.get(jobs[0].id)) is not None
        except StorageError:
            self._refused.extend(job.id for job in jobs)
            return False

    async def cancel(self, job_id: str, *, member_id: int) -> str:
        """Cancel the job if that is still possible; returns the sentence for the member who asked.

        Another process's job is cancelled as well: that process goes by what is stored.

        Raises:
            StorageError: the database did not answer; the job goes on.
        """
        if self._closing:
            return "Wanda is restarting, and your video goes on. Try again in a minute."
        job = await self._store.read(alone(transactions.get(job_id)))
        if job is None:
            return "Wanda no longer knows this video, so there's nothing to cancel."
        if job.member_id != member_id:
            return f"Only <@{job.member_id}> can cancel this video."
        advanced = await self._write(job, machine.CancelAsked(), now=self._clock())
        if not advanced.changed:
            return _too_late(advanced.job)
        if job.state == "waiting" and advanced.job.state == "cancelled":
            self._wake(job)
        elif job_id in self._parked or job_id in self._looking:
            self._wake(job)  # from now on it is followed
        else:
            if not self._shards().owns(job.guild_id):  # who drives it shows it; here nobody would end its progress
                advanced = replace(advanced, effects=tuple(one for one in advanced.effects if one != machine.Show()))
            self._side_task(job_id, self._carry_on(advanced), name=f"cancel {job_id}")
        if advanced.job.state == "cancelled":
            return "Cancelled. You weren't charged."
        return "Wanda asked fal to stop. If the video is already made, it's still posted and charged."

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
        if self._closing:
            return "Wanda is restarting, and the video keeps waiting. Try again in a minute."
        job = await self._store.read(alone(transactions.get(job_id)))
        if job is None or job.guild_id != guild_id:
            return "Wanda no longer knows this video, so there's nothing to decide."
        event = machine.Approved(member_id) if approve else machine.Declined(member_id)
        jobs = await self._jobs_of_order(job)
        try:
            if approve:
                self._refuse_when_off({each.mode for each in jobs})
            terms = await self._store.read(terms_of(transactions.who_of(job), at=self._clock(), shipped=self.shipped))
            check_may_decide(job, terms, member_id=member_id, role_ids=role_ids, manages=manages, approve=approve)
            with self._beginning(len(jobs) if approve else 0) as running:
                deciding = self._decision([each.id for each in jobs], event, running)
                advanced = await self._store.write(deciding, guild_id=job.guild_id)
        except Refusal as refusal:
            return str(refusal)
        except StorageError:
            for each in jobs:
                self._wake(each)  # the decision may be stored although the answer to its COMMIT was lost
            raise
        decided = [one.job for one in advanced if one.changed]
        for one in decided:
            self._wake(one)
        return _decided(decided, approve=approve)

    async def _jobs_of_order(self, job: Job) -> Sequence[Job]:
        """Return the jobs that were ordered at once with this one, and itself."""
        return (job,) if job.variation is None else await self._store.read(queries.jobs_of_set(job.set_id))

    def _decision(
        self, job_ids: Sequence[str], event: machine.Approved | machine.Declined, running: int
    ) -> Transaction[tuple[transactions.Advanced, ...]]:
        now = self._clock()
        if isinstance(event, machine.Approved):
            return approve_all(job_ids, event, shipped=self.shipped, places=self.places, now=now, running=running)
        return transactions.advance_all(job_ids, event, now=now)

    async def stop(self) -> None:
        """Accept nothing new, wait for POSTs under way, and cancel the rest; ends within `shutdown_timeout_s`."""
        self._closing = True
        self._parked.clear()
        for loop in self._loops:
            loop.cancel()
        for job_id, task in self._tasks.items():
            if job_id not in self._critical:
                task.cancel()
        for task in self._side_tasks:
            task.cancel()
        pending = {*self._tasks.values(), *self._side_tasks, *self._loops}
        if pending:
            _, late = await asyncio.wait(pending, timeout=self._settings.shutdown_timeout_s * 0.6)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=self._settings.shutdown_timeout_s * 0.2)
        await self._fal_steps.close()

    @contextmanager
    def _beginning(self, jobs: int) -> Generator[int]:
        """Count these jobs as running during the block, which stores that they begin; yields how many others run.

        Those that wait for approval do not; after a start they count until they have been taken up.
        """
        running = len(self._tasks) + len(self._parked) - len(self._waiting) + self._begins
        self._begins += jobs
        try:
            yield running
        finally:
            self._begins -= jobs

    def _drive(self, job: Job | JobRef) -> None:
        """Start the job's task, unless it has one or Wanda is stopping; then the next start does."""
        if self._closing or job.id in self._tasks:
            return
        self._parked.take(job.id)
        ref = JobRef(job.id, job.guild_id)  # the task does not keep the whole job
        task = asyncio.create_task(self._run(ref), name=f"job {ref.id}")
        self._tasks[ref.id] = task
        task.add_done_callback(partial(self._forget, ref))

    def called(self, job_id: str) -> None:
        """Carry on with a job whose state was stored because fal called; "" stands for all jobs.

        It may be another process's job, or one that is uncertain and has no task.
        """
        if not self._closing and not self._wake_task(job_id):
            work = self._take_up(job_id) if job_id else self.sweep()
            self._side_task(job_id, work, name=f"fal called for {job_id or 'some'}")

    async def _take_up(self, job_id: str) -> None:
        """Drive a job that is unfinished, if it is this process's."""
        try:
            job = await self._store.read(transactions.get(job_id))
        except StorageError as error:
            log.warning("job %s goes on at the next sweep: %s", job_id, error)
            return
        if job is not None and not job.told and self._shards().owns(job.guild_id):
            self._drive(job)

    def _wake(self, job: Job | JobRef) -> None:
        """Wake the job's task after an approval, a decline, a cancel or a webhook, or start one.

        The stored state decides what happens next.
        """
        if not self._wake_task(job.id):
            self._drive(job)

    def _wake_task(self, job_id: str) -> bool:
        """Wake the job's task, if it has one: it stops waiting for an approval, or following fal's request.

        It is not cancelled, because it may be in a POST by now. A parked job gets a task.
        """
        if (parked := self._parked.take(job_id)) is not None:
            self._drive(parked)
            return True
        if job_id not in self._tasks:
            return False
        self._waiting.discard(job_id)
        self._decided.setdefault(job_id, asyncio.Event()).set()
        if (following := self._following.pop(job_id, None)) is not None:
            following.reschedule(0.0)
        return True

    def _forget(self, job: JobRef, task: asyncio.Task[None]) -> None:
        if self._tasks.get(job.id) is not task:
            return  # it was parked, and may have its next task by now
        del self._tasks[job.id]
        self._live.pop(job.id, None)
        decided = self._decided.pop(job.id, None)
        if decided is not None and decided.is_set():
            self._drive(job)  # the task stopped waiting before it saw the decision

    def _side_task(self, job_id: str, work: Coroutine[Any, Any, None], *, name: str) -> None:
        task = asyncio.create_task(_in_scope(job_id, work), name=name)
        self._side_tasks[task] = job_id
        task.add_done_callback(self._side_tasks.pop)

    async def _keep_sweeping(self) -> None:
        while True:
            before = self._clock()
            await self._sleep(self._settings.recheck_s)
            if self._clock() - before > self._settings.recheck_s + SLEPT_S:
                self._awake_at = self._clock()
            await self.sweep()

    async def sweep(self) -> None:
        """See to it that every unfinished job ends. Never raises: what goes wrong is tried again by the next sweep.

        Jobs of servers that removed Wanda end before fal is asked, jobs past their longest life end by force, and the
        others have a task again.
        """
        try:
            await self._end_in_guilds_left()
            await self._end_overdue()
            await self._release_reserved()
            await self._wake_called()
            await self._resume_stopped()
        except Exception:
            log.exception("unfinished jobs could not be swept; this is tried again later")

    async def _end_in_guilds_left(self) -> None:
        for job in await self._store.read(lifetime.jobs_of_guilds_left(self._shards())):
            left = await self._write(job, machine.GuildLeft(), now=self._clock())
            if left.changed:
                with job_scope(job.id):
                    log.info("job %s ended: Wanda was removed from its server", job.id)
                self._restart(job)

    async def _end_overdue(self) -> None:
        overdue, unreadable = await self._store.read(
            lifetime.overdue_jobs(
                self._shards(),
                now=self._clock(),
                spared_until=self._awake_at + WAKE_GRACE_S,
                deadline_s=self._settings.deadline_s,
                paid_patience_s=self._settings.paid_patience_s,
                overdue_s=self._settings.overdue_s,
            )
        )
        given_up = machine.GivenUp(Failure(kind="unreachable"))
        for job in overdue:
            advanced = await self._write(job, given_up, now=self._clock())
            with job_scope(job.id):
                log.error("job %s was past its longest life and is now %s", job.id, advanced.job.state)
            self._restart(job)
        for job in unreadable:
            await self._store.write(lifetime.end_unreadable(job.id, now=self._clock()), guild_id=job.guild_id)
            with job_scope(job.id):
                log.error("job %s cannot be read and was ended; its row is kept as it is", job.id)

    async def _release_reserved(self) -> None:
        for one in await self._store.read(reservations.reservations_over(self._shards(), now=self._clock())):
            over = reservations.release(one.job_id, at=self._clock(), reason="what it was reserved for is over")
            if await self._store.write(over, guild_id=one.guild_id):
                log.info("what was reserved for job %s of %s was released", one.job_id, one.group_id)

    def _restart(self, job: JobRef) -> None:
        """Cancel the job's task, whatever it waits for, and have another one go on from the stored state."""
        task = self._tasks.get(job.id)
        self._wake(job)
        if task is not None and job.id not in self._critical:
            task.cancel()

    async def _wake_called(self) -> None:
        """Wake jobs that still wait for fal although it has called: the word of the process that took it was lost."""
        if self._following or len(self._parked):
            for job in await self._store.read(transactions.fetching_jobs(self._shards())):
                if job.id in self._following or job.id in self._parked:
                    log.info("job %s waits for fal no more: fal has called", job.id)
                    self._wake(job)

    async def _resume_stopped(self) -> None:
        """Drive unfinished jobs without a task: the database did not answer for too long, or a bug stopped them."""
        jobs = await self._store.read(transactions.unfinished_jobs(self._shards()))
        goes_on = {*self._tasks, *self._parked, *self._side_tasks.values()}
        for job in jobs:
            if job.id in goes_on:
                continue
            with job_scope(job.id):
                log.warning("job %s has no task; it is resumed", job.id)
            if job.id in self._refused:
                await self._write(job, machine.CancelAsked(), now=self._clock())
            self._drive(job)

    async def _run(self, job: JobRef) -> None:
        """Drive the job to its end; give it up when it is past its deadline and cannot be carried on."""
        with job_scope(job.id):
            if not await self._carried_on(job):
                try:
                    await self._give_up_if_late(job)
                except Exception:
                    log.exception("the job could not be given up; this is tried again later")

    async def _carried_on(self, job: JobRef) -> bool:
        """Return whether the job was driven on; after an unexpected error, this is tried `DEFECT_TRIES` times."""
        for attempt in range(DEFECT_TRIES):
            try:
                await self._carry_on(await self._advance(job, machine.Resumed()))
            except StorageError as error:
                log.error("the job is resumed later, because its storage fails for too long: %s", error)  # noqa: TRY400 - no defect
                return False
            except Exception:
                log.exception("an unexpected error stopped the job, try %d of %d", attempt + 1, DEFECT_TRIES)
                await self._sleep(DEFECT_WAIT_S)
            else:
                return True
        return False

    async def _give_up_if_late(self, ref: JobRef) -> None:
        """End a job that is past its deadline, so that no defect holds money for ever.

        Until then it is resumed again and again: the next version of Wanda may have the mend.
        """
        job = await self._store.read(alone(transactions.get(ref.id)))
        if job is None or self._closing:
            return
        since = job.submitted_at or max(job.created_at, job.approve_by or 0.0)
        if self._clock() < since + self._settings.deadline_s:
            return
        log.error("the job is past its deadline and cannot be carried on; it is given up")
        given_up = machine.GivenUp(Failure(kind="defect"))
        await self._carry_on(await self._write(job, given_up, now=self._clock()))

    async def _carry_on(self, advanced: transactions.Advanced) -> None:
        """Perform effects and store the events that they end in, until no event is left."""
        begun = Ahead()
        try:
            while (event := await self._perform_all(advanced, begun)) is not None:
                begun.cancel()
                begun = ahead.begin(advanced.job, event, ask=self._fal_steps.ask_result, download=self._cards.fetch)
                if isinstance(event, machine.Uploaded):
                    advanced = await self._ask_fal(advanced, event)
                else:
                    advanced = await self._advance(advanced.job, event)
                if self._closing:
                    return  # the state is stored, and the next start goes on from it
        finally:
            begun.cancel()

    async def _ask_fal(self, before: transactions.Advanced, uploaded: machine.Uploaded) -> transactions.Advanced:
        """Store the intent, POST, and store the reply, without waiting for anything in between.

        A job that a crash catches between them is `uncertain`, so this takes as little time as possible: the place to
        submit is taken first. Until then the job is `accepted`, where a crash, a shutdown or a cancel costs nothing;
        from then on a shutdown waits for it.
        """
        job_id = before.job.id
        async with self._fal_steps.submits.turn(before.job.requester):
            if self._closing:
                return before
            self._critical.add(job_id)
            try:
                advanced = await self._advance(before.job, uploaded)
                event = await self._perform_all(advanced)
                return advanced if event is None else await self._advance(advanced.job, event)
            finally:
                self._critical.discard(job_id)

    async def _advance(self, job: Job | JobRef, event: Event) -> transactions.Advanced:
        """Store the event, with retries: what happened at fal must not be lost because the database is down.

        Raises:
            StorageError: it did not answer for `storage_patience_s`.
        """
        begun_at = self._clock()
        give_up_at = begun_at + self._settings.storage_patience_s
        wait_s = STORAGE_WAIT_S
        tried_at: set[float] = set()
        while True:
            now = self._clock()
            try:
                advanced = await self._stored(job, event, now)
            except StorageError as error:
                if self._clock() >= give_up_at:
                    raise
                log.info("trying again in %.0f s: %s", wait_s, error)  # /healthz warns, once for all jobs
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, 60.0)
                tried_at.add(now)
            else:
                if tried_at and not advanced.changed:
                    advanced = await self._kept_before(advanced, event, tried_at)
                log.info("%s: now %s", type(event).__name__, advanced.job.state)
                count_event(event, advanced, begun_at=begun_at, stored_at=self._clock())
                self._tell(event, advanced)
                if advanced.job.state == "cancelled" and not advanced.changed:
                    self._show(advanced.job)  # another process may have ended it, and its card tells progress here
                return advanced

    def _tell(self, event: Event, advanced: transactions.Advanced) -> None:
        """Call whoever wants to know of this event."""
        job = advanced.job
        if advanced.changed and job.state in FINISHED and not job.told and self._on_ended:
            self._on_ended(job)
        if job.part is not None and advanced.before != job.state and self._on_shot:
            self._on_shot(job)
        if advanced.is_noted:
            self.noted.set()
        if isinstance(event, machine.VideoPosted) and self._on_posted is not None:
            self._on_posted(job)
        if isinstance(event, machine.Asked) and advanced.changed and self._on_asked is not None:
            self._on_asked(job)

    async def _stored(self, job: Job | JobRef, event: Event, now: float) -> transactions.Advanced:
        """Store the event. Resumed jobs are limited: a thousand at once after a restart would block the event loop."""
        if not isinstance(event, machine.Resumed):
            return await self._write(job, event, now=now)
        async with self._resumes:
            return await self._write(job, event, now=now)

    async def _write(self, job: Job | JobRef, event: Event, *, now: float) -> transactions.Advanced:
        """Store the event in the turn of the job's server."""
        return await self._store.write(transactions.advance(job.id, event, now=now), guild_id=job.guild_id)

    async def _kept_before(
        self, advanced: transactions.Advanced, event: Event, tried_at: set[float]
    ) -> transactions.Advanced:
        """Return the effects of an event that an earlier try stored although the answer to its COMMIT was lost.

        The repeat changed nothing and so has no effects, and the job would stop here.
        """
        job = advanced.job
        if isinstance(event, machine.Resumed):
            return advanced
        if isinstance(event, machine.Uploaded) and job.state == "submitting" and job.updated_at in tried_at:
            # The intent has the time of one of our tries, so it is ours and was not followed by a POST yet. One of
            # another process may have been, and is uncertain.
            return replace(advanced, effects=(machine.Submit(),))
        return await self._advance(advanced.job, machine.Resumed())

    async def _ask(self, job: Job) -> Event:
        """Make the card ask for approval, with the retries of a delivery; without it nobody could approve the job."""
        for attempt in range(self._settings.delivery_tries):
            if attempt and await self._is_decided(job, self._settings.delivery_pause_s(attempt)):
                return machine.Resumed()
            if self._approval_left_s(job) <= 0:
                return machine.Unapproved()
            try:
                async with self._endings.turn(job.requester):
                    ref = await self._cards.ask(job, self._live.get(job.id, Live()))
            except DiscordBusy as error:
                log.warning("the card could not ask for approval, try %d: %s", attempt + 1, error)
            except DeliveryError as error:
                log.warning("the card cannot ask for approval: %s", error)
                break
            else:
                return machine.Asked(self._moved(job, ref))
        return machine.NotAsked()

    def _moved(self, job: Job, ref: MessageRef) -> Address:
        return job.address.moved_to(ref.channel_id, ref.message_id, now=self._clock())

    async def _await_approval(self, job: Job) -> Event:
        """Wait for a decision, which is in the stored state then, or until `approve_by`."""
        # In pieces, because a clock that is set, or a machine that slept, moves `approve_by`.
        while (left_s := self._approval_left_s(job)) > 0:
            if await self._is_decided(job, min(left_s, self._settings.recheck_s)):
                return machine.Resumed()
        return machine.Unapproved()

    def _approval_left_s(self, job: Job) -> float:
        return (job.approve_by or 0.0) - self._clock()

    async def _is_decided(self, job: Job, within_s: float) -> bool:
        """Return whether somebody decided, or the job ended, within this time; its new state is stored then."""
        decided = self._decided.setdefault(job.id, asyncio.Event())
        too_late = asyncio.ensure_future(self._sleep(within_s))
        pressed = asyncio.ensure_future(decided.wait())
        try:
            await asyncio.wait({too_late, pressed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            too_late.cancel()
            pressed.cancel()
        return self._was_woken(job.id)

    async def _perform_all(self, advanced: transactions.Advanced, begun: Ahead = _NOTHING_AHEAD) -> Event | None:
        """Perform the effects in order; returns the event of the last, if it ends in one."""
        event: Event | None = None
        for effect in advanced.effects:
            event = await self._perform(advanced, effect, begun)
        return event

    async def _perform(self, advanced: transactions.Advanced, effect: machine.Effect, begun: Ahead) -> Event | None:
        job = advanced.job
        match effect:
            case machine.Show():
                self._show(job)
            case machine.AskCancel():
                self._side_task(job.id, self._ask_cancel(job), name=f"ask fal to cancel {job.id}")
            case machine.Ask() | machine.AwaitApproval():
                self._waiting.add(job.id)
                try:
                    return await (self._ask(job) if isinstance(effect, machine.Ask) else self._await_approval(job))
                finally:
                    self._waiting.discard(job.id)
            case machine.Upload():
                return await self._fal_steps.upload(job, on_step=lambda step: self._show_live(job, step=step))
            case machine.Submit():
                return await self._fal_steps.submit(job)
            case machine.Follow():
                # Nothing new happened to a job that is resumed, but fal may have called while nobody listened.
                return await self._follow(job, look_first=not advanced.changed)
            case machine.Fetch():
                return await self._fal_steps.fetch(
                    job, begun.answer, on_step=lambda step: self._show_live(job, step=step)
                )
            case machine.Deliver():
                return await self._deliver(job, begun.video)
            case machine.ShowEnd():
                return await self._show_end(job)
            case _:
                assert_never(effect)
        return None

    async def _follow(self, job: Job, *, look_first: bool) -> Event | None:
        """Follow the request. Every change is shown; those that change the job's state are stored first.

        Ends in Resumed when fal calls before that: the stored state says how to go on. Ends in nothing where fal calls
        and enough others are followed: the job is parked.
        """
        self._looking.add(job.id)
        try:
            typical_s = await self._typical_s(job)
        finally:
            self._looking.discard(job.id)
        is_parked = self._fal_steps.parks(job)
        self._show_live(job, typical_s=typical_s, step=None, is_parked=is_parked)
        if is_parked:
            return await self._park(job, look_first=look_first)
        current = job

        async def on_status(status: FalStatus) -> None:
            nonlocal current
            if status.state != current.state:
                current = (await self._advance(job, status)).job
            self._show_live(current, position=status.position, fraction=status.fraction)

        if self._was_woken(job.id):
            return machine.Resumed()
        return await self._until_woken(job, self._fal_steps.follow(job, on_status=on_status))

    async def _park(self, job: Job, *, look_first: bool) -> Event | None:
        """Leave the job to fal's webhook, without a task; or return what is to be done instead."""
        event: Event | None = None
        if look_first:
            self._looking.add(job.id)
            try:
                event = await self._until_woken(job, self._fal_steps.look(job))
            finally:
                self._looking.discard(job.id)
        if event is None and self._was_woken(job.id):
            return machine.Resumed()
        if event is None and not self._closing:
            self._tasks.pop(job.id, None)  # it has nothing left to do, and the job may be driven again at once
            self._parked.park(JobRef(job.id, job.guild_id), for_s=self._fal_steps.look_in_s(job))
        return event

    async def _until_woken(self, job: Job, asking: Awaitable[Event | None]) -> Event | None:
        """Return what fal's answers come to, or Resumed when the job is woken before."""
        following = self._following[job.id] = asyncio.timeout(None)
        try:
            async with following:
                return await asking
        except TimeoutError:
            if not following.expired():
                raise
            self._was_woken(job.id)
            return machine.Resumed()
        finally:
            self._following.pop(job.id, None)

    def _was_woken(self, job_id: str) -> bool:
        """Return whether the job's task was woken since it last looked."""
        decided = self._decided.get(job_id)
        was_set = decided is not None and decided.is_set()
        if decided is not None:
            decided.clear()
        return was_set

    async def _ask_cancel(self, job: Job) -> None:
        """Ask fal to cancel the request, and store before that whether fal had begun it."""
        if (status := await self._fal_steps.unseen(job)) is not None:
            await self._advance(job, status)
        await self._fal_steps.ask_cancel(job)

    async def _deliver(self, job: Job, video: Awaitable[LinkReason | None] | None) -> Event:
        """Bring the video to its member; `video` is its download, where that has begun."""
        self._show_live(job, step="posting")
        return await self._delivery.deliver(job, video)

    async def _store_late(self, job: Job, event: Event) -> None:
        """Store what became of a late video, and have its card say so if it must."""
        with job_scope(job.id):
            advanced = await self._advance(job, event)
            log.info("the late video of job %s: %s", job.id, type(event).__name__)
            if advanced.effects:
                self._wake(job)

    async def _show_end(self, job: Job) -> Event:
        """Make the card say how the job ended, with the same retries as a delivery."""
        if self._discard_files is not None:
            await self._discard_files(job)
        for attempt in range(self._settings.delivery_tries):
            if attempt:
                await self._sleep(self._settings.delivery_pause_s(attempt))
            try:
                async with self._endings.turn(job.requester):
                    ref = await self._cards.finish(job, self._live.get(job.id, Live()))
            except DiscordBusy as error:
                log.warning("the card could not say how the job ended, try %d: %s", attempt + 1, error)
            else:
                return machine.EndShown(ref and self._moved(job, ref))
        return machine.EndShown()

    def _show(self, job: Job) -> None:
        self._cards.show(job, self._live.get(job.id, Live()))

    def live_of(self, job_id: str) -> Live:
        """Return the progress of a running job; that of any other is empty."""
        return self._live.get(job_id, Live())

    def _show_live(self, job: Job, **known: Any) -> None:
        """Change what is known only while the job runs, and show it."""
        self._live[job.id] = replace(self._live.get(job.id, Live()), **known)
        self._show(job)

    async def _typical_s(self, job: Job) -> float | None:
        """Return how long jobs like this take; None, so no estimate on the card, if the database does not answer."""
        try:
            return await self._store.read(alone(transactions.typical_seconds(job.similar)))
        except StorageError as error:
            log.warning("past jobs could not be read for the estimate: %s", error)
            return None


def _add_pick(pick: Pick, _: tuple[transactions.Accepted, ...]) -> Transaction[None]:
    return pick_rows.add(pick)


async def _in_scope(job_id: str, work: Coroutine[Any, Any, None]) -> None:
    """Do work for one job, or for all where the id is empty."""
    with job_scope(job_id) if job_id else nullcontext():
        await work


def places_of(settings: JobSettings) -> Places:
    """Return the bounds on unfinished jobs from the settings."""
    return Places(
        running_max=settings.in_flight_max,
        running_in_server_max=settings.in_flight_in_server_max,
        running_of_member_max=settings.in_flight_of_member_max,
        waiting_in_server_max=settings.waiting_in_server_max,
        waiting_of_member_max=settings.waiting_of_member_max,
        files=file_bounds_of(settings),
    )


def file_bounds_of(settings: JobSettings) -> FileBounds:
    """Return the bounds on files that wait on disk from the settings."""
    return FileBounds(
        of_member_bytes=settings.waiting_mb_of_member_max * MB, in_server_bytes=settings.waiting_mb_in_server_max * MB
    )


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
