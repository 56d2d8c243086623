"""Brings a made video to its member: into its channel, else by direct message, else later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.errors import CardGone, DeliveryError, DiscordBusy, StorageError
from bot.jobs import events, queries
from bot.jobs.events import Event
from bot.jobs.growing_waits import GrowingWaits
from bot.jobs.model import PASSING, Failure, Job, LinkReason, Spot
from bot.log import job_scope
from bot.runner.cards_port import Cards, Posted
from bot.settings import JobSettings
from bot.sharding import ShardsNow
from bot.storage.transaction import Store
from bot.turns import FairTurns

log = logging.getLogger(__name__)
LATE_AT_ONCE = 32  # videos that are tried again at the same time
LATE_MAX = 1000  # videos that are tried again or wait for their turn


class Delivery:
    """Every try ends in an event of the machine."""

    def __init__(
        self,
        cards: Cards,
        settings: JobSettings,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._cards = cards
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._awake_since = clock()
        self._turns = FairTurns(settings.deliveries_at_once, name="deliver")
        self._waits = GrowingWaits(
            whole_s=settings.paid_patience_s, least_s=settings.paid_wait_s, most_s=settings.paid_wait_max_s
        )

    async def deliver(self, job: Job, video: Awaitable[LinkReason | None] | None = None) -> Event:
        """Post the video, or fal's link while the video cannot be had, with retries: it was paid for.

        `video` is a download of it that has begun, as `Cards.fetch`.
        """
        if video is not None:
            posted = await self._cards.deliver_arriving(job, self._turns.turn(job.requester))
            if posted is not None:
                return self._posted(job, posted)
        if await self._prepared(job, video) == "unplayable":
            return events.Undeliverable(Failure(kind="unplayable"), self._retry_at(job))
        for attempt in range(self._settings.delivery_tries):
            if attempt:
                await self._sleep(self._settings.delivery_pause_s(attempt))
                await self._cards.prepare(job)
            try:
                async with self._turns.turn(job.requester):
                    posted = await self._cards.deliver(job)
            except DiscordBusy as error:
                log.warning("the video could not be posted, try %d: %s", attempt + 1, error)
            except DeliveryError as error:
                log.warning("the video cannot be posted in its channel: %s", error)
                break
            else:
                return self._posted(job, posted)
        return await self._mailed(job)

    async def _prepared(self, job: Job, video: Awaitable[LinkReason | None] | None) -> LinkReason | None:
        """Have the video on disk, or return why it is not; passing trouble is waited out for `link_after_s`."""
        since = max(job.updated_at, self._awake_since)
        begun = None if video is None else await video
        while True:
            reason, begun = begun or await self._cards.prepare(job), None
            now = self._clock()
            wait_s = self._waits.wait_s(since, now)
            is_passing = reason in PASSING and reason != "unplayable"
            if not is_passing or wait_s is None or now >= since + self._settings.link_after_s:
                return reason
            await self._sleep(wait_s)

    async def prepare_late(self, job: Job) -> LinkReason | None:
        """Try once to have the video of an ended job on disk, or return why it is not."""
        return await self._cards.prepare(job)

    def put_off(self, job: Job) -> events.LateTried:
        """Return that the video of an ended job could not be brought this time."""
        return events.LateTried(self._retry_at(job))

    async def deliver_late(self, job: Job, reason: LinkReason | None) -> Event:
        """Try once to bring the video of an ended job, in place of its link or at all, after `prepare_late`."""
        if reason is not None and (reason in PASSING or job.state == "done"):
            return events.LateTried(self._retry_at(job) if reason in PASSING else None)
        try:
            if job.mailed is not None:
                mailed = await self._cards.mail(job, video_only=True)
                return events.VideoMailed(_spot_of(mailed))
            async with self._turns.turn(job.requester):
                bring = self._cards.replace_link if job.state == "done" else self._cards.deliver
                return self._posted(job, await bring(job))
        except CardGone as error:
            log.info("the video is not brought any more: %s", error)
            return events.LateTried(None)
        except DiscordBusy as error:
            log.warning("the video could not be brought: %s", error)
            return events.LateTried(self._retry_at(job))
        except DeliveryError as error:
            log.warning("the video cannot be posted in its channel: %s", error)
        # A link in the channel is enough where the video is refused; a member without either is written to.
        return events.LateTried(self._retry_at(job)) if job.state == "done" else await self._mailed(job)

    def _posted(self, job: Job, posted: Posted) -> events.VideoPosted:
        address = job.address.moved_to(posted.ref.channel_id, posted.ref.message_id, now=self._clock())
        retry_at = self._retry_at(job) if posted.reason in PASSING else None
        return events.VideoPosted(address, retry_at, posted.video)

    async def _mailed(self, job: Job) -> Event:
        """Send the video by direct message, because its channel does not take it."""
        try:
            mailed = await self._cards.mail(job)
        except DeliveryError as error:
            log.warning("the video cannot be sent by direct message either: %s", error)
            return events.Undeliverable(Failure(kind="undeliverable"), self._retry_at(job))
        return events.VideoMailed(_spot_of(mailed), self._retry_at(job) if mailed.reason in PASSING else None)

    def _retry_at(self, job: Job) -> float | None:
        now = self._clock()
        return self._waits.next_at(job.completed_at or now, now, awake_since=self._awake_since)


def _spot_of(mailed: Posted) -> Spot:
    return Spot(0, mailed.ref.channel_id, mailed.ref.message_id)


class LateVideos:
    """Tries again to bring videos of ended jobs, while fal keeps them; `store_event` stores what came of it.

    `forget_files` removes the files of a job that was deleted during a try.
    """

    def __init__(
        self,
        store: Store,
        delivery: Delivery,
        shards: ShardsNow,
        *,
        store_event: Callable[[Job, Event], Awaitable[None]],
        forget_files: Callable[[str], Awaitable[None]],
        every_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._shards = shards
        self._store_event = store_event
        self._forget_files = forget_files
        self._every_s = every_s
        self._clock = clock
        self._sleep = sleep
        self._turns = FairTurns(LATE_AT_ONCE, name="late")
        self._tries: dict[str, asyncio.Task[None]] = {}

    async def keep_trying(self) -> None:
        """Look for due videos for ever; cancelled, it ends what it began."""
        try:
            while True:
                await self._sleep(self._every_s)
                await self._begin_due()
        finally:
            tries = list(self._tries.values())
            for task in tries:
                task.cancel()
            await asyncio.gather(*tries, return_exceptions=True)

    async def _begin_due(self) -> None:
        try:
            due = await self._store.read(queries.late_jobs(self._clock(), self._shards(), limit=LATE_MAX))
        except StorageError:
            log.warning("late videos could not be looked for; this is tried again", exc_info=True)
            return
        for job in due:
            if job.id not in self._tries and len(self._tries) < LATE_MAX:
                self._tries[job.id] = task = asyncio.create_task(self._try(job), name=f"late video of job {job.id}")
                task.add_done_callback(lambda _, job_id=job.id: self._tries.pop(job_id, None))

    async def _try(self, job: Job) -> None:
        with job_scope(job.id):
            await self._try_in_turn(job)

    async def _try_in_turn(self, job: Job) -> None:
        try:
            async with self._turns.turn(job.requester):
                await self._bring(job.id)
        except StorageError:
            log.warning("what became of a late video could not be stored; it is tried again", exc_info=True)
        except Exception:
            log.exception("a defect kept the late video of job %s from being brought; it is tried again", job.id)
            with suppress(StorageError):
                await self._store_event(job, self._delivery.put_off(job))

    async def _bring(self, job_id: str) -> None:
        """Try once, unless the video is deleted: before the try, or while it is fetched and made to fit."""
        job = await self._awaited(job_id)
        if job is None:
            return
        reason = await self._delivery.prepare_late(job)
        if await self._awaited(job_id) is None:
            return
        event = await self._delivery.deliver_late(job, reason)
        if await self._awaited(job_id) is not None:
            await self._store_event(job, event)

    async def _awaited(self, job_id: str) -> Job | None:
        """Return the job if its video is still to be brought; if it was deleted, what a try fetched for it goes too."""
        state, job = await self._store.read(queries.find(job_id))
        if state is None:
            await self._forget_files(job_id)
        return None if job is None or job.late_at is None else job
