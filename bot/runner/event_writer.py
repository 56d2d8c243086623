"""Stores the events of jobs, whatever the database does, and tells what came of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.errors import StorageError
from bot.jobs import transactions
from bot.jobs.effects import Submit
from bot.jobs.events import Asked, Event, Resumed, Uploaded, VideoPosted
from bot.jobs.model import FINISHED, Job, JobRef
from bot.runner.job_counts import count_event
from bot.runner.progress import Progress
from bot.settings import JobSettings
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
STORAGE_WAIT_S = 1.0  # the first wait for a database that does not answer; doubles up to a minute


def _ignore(_: Job) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is called when a job's new state is stored.

    `posted`: its video was posted in its channel. `ended`: it ended. `asked`: its card asks for approval. `shot`: it is
    a shot of a film, in a new state.
    """

    posted: Callable[[Job], None] = _ignore
    ended: Callable[[Job], None] = _ignore
    asked: Callable[[Job], None] = _ignore
    shot: Callable[[Job], None] = _ignore


class EventWriter:
    """Each event is stored in the turn of the job's server. `noted` is set when a member is to be told something."""

    def __init__(
        self,
        store: Store,
        progress: Progress,
        listeners: Listeners,
        settings: JobSettings,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._store = store
        self._progress = progress
        self._listeners = listeners
        self._patience_s = settings.storage_patience_s
        self._clock = clock
        self._sleep = sleep
        self._resumes = asyncio.Semaphore(settings.take_up_at_once)
        self.noted = asyncio.Event()

    async def write(self, job: Job | JobRef, event: Event) -> transactions.Advanced:
        """Store the event with one try, and tell nobody.

        Raises:
            StorageError: the database did not answer; the event may be stored.
        """
        (advanced,) = await self._write(job, (event,), now=self._clock())
        return advanced

    async def advance(self, job: Job | JobRef, *events: Event, came_at: float | None = None) -> transactions.Advanced:
        """Store the events, with retries: what happened at fal must not be lost because the database is down.

        Of several each ends the effects of the one before, and they are stored in one transaction; what follows the
        last is returned. `came_at` is when the first came, if that was before the call.

        Raises:
            StorageError: it did not answer for `storage_patience_s`.
        """
        begun_at = self._clock() if came_at is None else came_at
        give_up_at = begun_at + self._patience_s
        wait_s = STORAGE_WAIT_S
        tried_at: set[float] = set()
        while True:
            now = self._clock()
            try:
                steps = await self._stored(job, events, now)
            except StorageError as error:
                if self._clock() >= give_up_at:
                    raise
                log.info("trying again in %.0f s: %s", wait_s, error)  # /healthz warns, once for all jobs
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, 60.0)
                tried_at.add(now)
            else:
                if tried_at and not steps[-1].changed:
                    steps = (await self._kept_before(steps[0], events[0], tried_at),)
                for event, advanced in zip(events, steps, strict=False):  # what did not follow is not in `steps`
                    log.info("%s: now %s", type(event).__name__, advanced.job.state)
                    count_event(event, advanced, begun_at=begun_at, stored_at=self._clock())
                    self._tell(event, advanced)
                return steps[-1]

    async def _stored(
        self, job: Job | JobRef, events: Sequence[Event], now: float
    ) -> tuple[transactions.Advanced, ...]:
        """Store events. Resumed jobs are limited: a thousand at once after a restart would block the event loop."""
        if not isinstance(events[0], Resumed):
            return await self._write(job, events, now=now)
        async with self._resumes:
            return await self._write(job, events, now=now)

    async def _write(
        self, job: Job | JobRef, events: Sequence[Event], *, now: float
    ) -> tuple[transactions.Advanced, ...]:
        return await self._store.write(transactions.advance_by(events, job.id, now=now), guild_id=job.guild_id)

    async def _kept_before(
        self, advanced: transactions.Advanced, event: Event, tried_at: set[float]
    ) -> transactions.Advanced:
        """Return the effects of an event that an earlier try stored although the answer to its COMMIT was lost.

        The repeat changed nothing and so has no effects, and the job would stop here.
        """
        job = advanced.job
        if isinstance(event, Resumed):
            return advanced
        if isinstance(event, Uploaded) and job.state == "submitting" and job.updated_at in tried_at:
            # The intent has the time of one of our tries, so it is ours and was not followed by a POST yet. One of
            # another process may have been, and is uncertain.
            return replace(advanced, effects=(Submit(),))
        return await self.advance(advanced.job, Resumed())

    def _tell(self, event: Event, advanced: transactions.Advanced) -> None:
        job = advanced.job
        if advanced.changed and job.state in FINISHED and not job.told:
            self._listeners.ended(job)
        if job.part is not None and advanced.before != job.state:
            self._listeners.shot(job)
        if advanced.is_noted:
            self.noted.set()
        if isinstance(event, VideoPosted):
            self._listeners.posted(job)
        if isinstance(event, Asked) and advanced.changed:
            self._listeners.asked(job)
        if job.state == "cancelled" and not advanced.changed:
            self._progress.show(job)  # another process may have ended it, and its card tells progress here
