"""The sweep over unfinished jobs: what only a look at the database finds out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container

from bot.jobs import lifetime, queries
from bot.jobs.events import CancelAsked, GivenUp, GuildLeft
from bot.jobs.model import Failure
from bot.ledger import reservations
from bot.log import job_scope
from bot.runner.event_writer import EventWriter
from bot.runner.job_tasks import JobTasks
from bot.runner.wakes import Wakes
from bot.settings import JobSettings
from bot.sharding import ShardsNow
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
SLEPT_S = 30.0  # a wait that lasts so much longer than it should means that the machine slept
WAKE_GRACE_S = 600.0  # after a start or a sleep, in which jobs past their time are asked about before they are ended


class Sweep:
    """Sees to it that every unfinished job of this process's shards ends."""

    def __init__(
        self,
        *,
        store: Store,
        events: EventWriter,
        tasks: JobTasks,
        wakes: Wakes,
        refused: Container[str],
        settings: JobSettings,
        shards: ShardsNow,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`refused` are jobs whose members read that they were not accepted; they are cancelled if they turn up."""
        self._store = store
        self._events = events
        self._tasks = tasks
        self._wakes = wakes
        self._refused = refused
        self._settings = settings
        self._shards = shards
        self._clock = clock
        self._sleep = sleep
        self._awake_at = 0.0

    def awoke(self) -> None:
        """Spare jobs past their time for a while: nobody could ask about them until now."""
        self._awake_at = self._clock()

    async def keep_sweeping(self) -> None:
        """Sweep every `recheck_s`, for ever."""
        while True:
            before = self._clock()
            await self._sleep(self._settings.recheck_s)
            if self._clock() - before > self._settings.recheck_s + SLEPT_S:
                self.awoke()
            await self.sweep()

    async def sweep(self) -> None:
        """Sweep once. Never raises: what goes wrong is tried again by the next sweep.

        Jobs of servers that removed Wanda end before fal is asked, jobs past their longest life end by force, and the
        others have a task again.
        """
        try:
            await self._end_in_guilds_left()
            await self.end_overdue()
            await self._release_reserved()
            await self._wake_called()
            await self._resume_stopped()
        except Exception:
            log.exception("unfinished jobs could not be swept; this is tried again later")

    async def _end_in_guilds_left(self) -> None:
        for job in await self._store.read(lifetime.jobs_of_guilds_left(self._shards())):
            left = await self._events.write(job, GuildLeft())
            if left.changed:
                with job_scope(job.id):
                    log.info("job %s ended: Wanda was removed from its server", job.id)
                self._tasks.restart(job)

    async def end_overdue(self) -> None:
        """End jobs past their longest life, and those whose rows cannot be read.

        Raises:
            StorageError: the database did not answer.
        """
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
        given_up = GivenUp(Failure(kind="unreachable"))
        for job in overdue:
            advanced = await self._events.write(job, given_up)
            with job_scope(job.id):
                log.error("job %s was past its longest life and is now %s", job.id, advanced.job.state)
            self._tasks.restart(job)
        for job in unreadable:
            await self._store.write(lifetime.end_unreadable(job.id, now=self._clock()), guild_id=job.guild_id)
            with job_scope(job.id):
                log.error("job %s cannot be read and was ended; its row is kept as it is", job.id)

    async def _release_reserved(self) -> None:
        for one in await self._store.read(reservations.reservations_over(self._shards(), now=self._clock())):
            over = reservations.release(one.job_id, at=self._clock(), reason="what it was reserved for is over")
            if await self._store.write(over, guild_id=one.guild_id):
                log.info("what was reserved for job %s of %s was released", one.job_id, one.group_id)

    async def _wake_called(self) -> None:
        """Wake jobs that still wait for fal although it has called: the word of the process that took it was lost."""
        if self._wakes.following or self._tasks.parked:
            for job in await self._store.read(queries.fetching_jobs(self._shards())):
                if job.id in self._wakes.following or job.id in self._tasks.parked:
                    log.info("job %s waits for fal no more: fal has called", job.id)
                    self._tasks.wake(job)

    async def _resume_stopped(self) -> None:
        """Drive unfinished jobs without a task: the database did not answer for too long, or a bug stopped them."""
        jobs = await self._store.read(queries.unfinished_jobs(self._shards()))
        goes_on = self._tasks.known
        for job in jobs:
            if job.id in goes_on:
                continue
            with job_scope(job.id):
                log.warning("job %s has no task; it is resumed", job.id)
            if job.id in self._refused:
                await self._events.write(job, CancelAsked())
            self._tasks.drive(job)
