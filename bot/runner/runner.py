"""Accepts jobs and drives each to its end.

One task drives one job; one that only waits for fal's webhook has none (`bot.runner.parked`). Everything that matters
is in the job's row; what a task knows beyond it is only shown on the card. So a process may die at any line, and the
next start continues with the same code.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from bot.errors import StorageError
from bot.jobs import acceptance, queries
from bot.jobs.events import Event
from bot.jobs.model import Job, JobRef, Live, Order
from bot.jobs.places import FileBounds, Places
from bot.ledger.model import Shipped
from bot.ledger.reservations import Wish
from bot.log import job_scope
from bot.runner.acceptance import Acceptance
from bot.runner.cards_port import Cards
from bot.runner.decisions import Decisions
from bot.runner.delivery import Delivery, LateVideos
from bot.runner.event_writer import EventWriter, Listeners
from bot.runner.fal_steps import FalSteps
from bot.runner.files_port import FilesOfJobs
from bot.runner.job_driver import JobDriver
from bot.runner.job_tasks import JobTasks
from bot.runner.progress import Progress
from bot.runner.sweep import Sweep
from bot.runner.wakes import Wakes
from bot.settings import JobSettings
from bot.sharding import Shards, ShardsNow, every_shard
from bot.storage.transaction import Store, Transaction
from bot.units import MB

T = TypeVar("T")
log = logging.getLogger(__name__)
POSTED_AGE_MAX_S, POSTED_MAX = 3600.0, 100  # videos posted before a restart whose parent's card can still be edited


class Runner:
    """The face of this package for unfinished jobs: it builds the parts and passes calls on to them."""

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
        listeners: Listeners,
        files: FilesOfJobs,
        check_open: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`shards` are those whose jobs it drives; more may come, see `take_up`.

        `check_open` raises `Closed` for a mode that is off.
        """
        self._store = store
        self._fal_steps = fal_steps
        self.shipped = shipped
        self.check_open = check_open
        self._settings = settings
        self.places = places_of(settings)
        self._clock = clock
        self._shards = shards
        self._listeners = listeners
        self._loops: list[asyncio.Task[None]] = []
        self._wakes = Wakes()
        self._progress = Progress(cards)
        self._tasks = JobTasks(self._run, self._wakes, on_over=self._progress.forget)
        self._events = EventWriter(store, self._progress, listeners, settings, clock=clock, sleep=sleep)
        delivery = Delivery(cards, settings, clock=clock, sleep=sleep)
        self._driver = JobDriver(
            store=store,
            events=self._events,
            tasks=self._tasks,
            wakes=self._wakes,
            fal_steps=fal_steps,
            cards=cards,
            progress=self._progress,
            delivery=delivery,
            settings=settings,
            clock=clock,
            sleep=sleep,
            discard_files=files.discard,
        )
        self._acceptance = Acceptance(
            store=store,
            tasks=self._tasks,
            files=files,
            shipped=shipped,
            places=self.places,
            check_open=check_open,
            clock=clock,
        )
        self._decisions = Decisions(
            store=store,
            tasks=self._tasks,
            wakes=self._wakes,
            driver=self._driver,
            acceptance=self._acceptance,
            shipped=shipped,
            places=self.places,
            shards=shards,
            clock=clock,
        )
        self._sweep = Sweep(
            store=store,
            events=self._events,
            tasks=self._tasks,
            wakes=self._wakes,
            refused=self._acceptance.refused,
            settings=settings,
            shards=shards,
            clock=clock,
            sleep=sleep,
        )
        self._late_videos = LateVideos(
            store,
            delivery,
            shards,
            store_event=self._store_late,
            forget_files=files.forget,
            every_s=settings.late_look_s,
            clock=clock,
            sleep=sleep,
        )
        self.warned = self._acceptance.warned
        self.noted = self._events.noted

    async def start(self) -> int:
        """Take up the shards that it has, and look for stopped jobs from then on; returns as `take_up`.

        Raises:
            StorageError: the database did not answer.
        """
        resumed = await self.take_up(self._shards())
        self._loops = [
            asyncio.create_task(self._sweep.keep_sweeping(), name="unfinished jobs"),
            asyncio.create_task(self._late_videos.keep_trying(), name="late videos"),
        ]
        return resumed

    async def take_up(self, shards: Shards) -> int:
        """Resume every unfinished job of these shards, which have no other owner; returns how many there are.

        Raises:
            StorageError: the database did not answer; it may be called again.
        """
        jobs = await self._store.read(queries.unfinished_jobs(shards))
        for job in jobs:
            self._tasks.drive(job)
        self._sweep.awoke()
        await self._report_posted(shards)
        return len(jobs)

    async def _report_posted(self, shards: Shards) -> None:
        """Tell of recent videos again: the last process may have ended before it took effect."""
        since = self._clock() - POSTED_AGE_MAX_S
        for job in await self._store.read(queries.posted_since(since, shards, limit=POSTED_MAX)):
            self._listeners.posted(job)

    async def accept(self, order: Order) -> Job:
        """Accept an order; as `Acceptance.accept`."""
        return await self._acceptance.accept(order)

    async def accept_all(
        self, jobs: Sequence[Job], *, reserve: Sequence[Wish] = (), beside: acceptance.Beside | None = None
    ) -> Job:
        """Accept the jobs of one order; as `Acceptance.accept_all`."""
        return await self._acceptance.accept_all(jobs, reserve=reserve, beside=beside)

    async def accept_reserved(self, job: Job) -> Job:
        """Accept a job whose hold was reserved; as `Acceptance.accept_reserved`."""
        return await self._acceptance.accept_reserved(job)

    async def accept_by(
        self,
        accept: Callable[[int], Transaction[T]],
        job_in: Callable[[T], Job | None],
        guild_id: int,
        *,
        keep: Job | None = None,
    ) -> T:
        """Run a transaction that may accept a job; as `Acceptance.accept_by`."""
        return await self._acceptance.accept_by(accept, job_in, guild_id, keep=keep)

    def refuse(self, job_id: str) -> None:
        """Have a job cancelled that turns up although its member was refused; as `Acceptance.refuse`."""
        self._acceptance.refuse(job_id)

    async def cancel(self, job_id: str, *, member_id: int) -> str:
        """Cancel a job if that is still possible; as `Decisions.cancel`."""
        return await self._decisions.cancel(job_id, member_id=member_id)

    async def cancel_set(self, set_id: str, *, member_id: int) -> str:
        """Cancel what is unfinished of a set; as `Decisions.cancel_set`."""
        return await self._decisions.cancel_set(set_id, member_id=member_id)

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
        """Approve or decline a waiting job with its set; as `Decisions.decide`."""
        return await self._decisions.decide(
            job_id, guild_id=guild_id, member_id=member_id, role_ids=role_ids, manages=manages, approve=approve
        )

    def heard(self, job_id: str) -> None:
        """Carry on with a job whose state was stored by a webhook or by another process; "" stands for all.

        It may be another process's job, or one that is uncertain and has no task.
        """
        if not self._tasks.is_closing and not self._tasks.wake_known(job_id):
            work = self._take_up(job_id) if job_id else self.sweep()
            self._tasks.beside(job_id, work, name=f"carry on with {job_id or 'some'}")

    async def _take_up(self, job_id: str) -> None:
        """Drive a job that is unfinished, if it is this process's."""
        try:
            job = await self._store.read(queries.get(job_id))
        except StorageError as error:
            log.warning("job %s goes on at the next sweep: %s", job_id, error)
            return
        if job is not None and not job.told and self._shards().owns(job.guild_id):
            self._tasks.drive(job)

    async def sweep(self) -> None:
        """See to it that every unfinished job ends; as `Sweep.sweep`."""
        await self._sweep.sweep()

    async def stop(self) -> None:
        """Accept nothing new, wait for POSTs under way, and cancel the rest; ends within `shutdown_timeout_s`."""
        await self._tasks.stop(self._loops, within_s=self._settings.shutdown_timeout_s)
        await self._fal_steps.close()

    def live_of(self, job_id: str) -> Live:
        """Return the progress of a running job; that of any other is empty."""
        return self._progress.of(job_id)

    async def _run(self, job: JobRef) -> None:
        await self._driver.run(job)

    async def _store_late(self, job: Job, event: Event) -> None:
        """Store what became of a late video, and have its card say so if it must."""
        with job_scope(job.id):
            advanced = await self._events.advance(job, event)
            log.info("the late video of job %s: %s", job.id, type(event).__name__)
            if advanced.effects:
                self._tasks.wake(job)


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
