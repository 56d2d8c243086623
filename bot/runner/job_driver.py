"""Drives one job: performs the machine's effects, stores the events that they end in, and goes on with what follows."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import assert_never

from bot.errors import DeliveryError, DiscordBusy, StorageError
from bot.fal.wire.types import FalStatus
from bot.jobs import queries, transactions
from bot.jobs.effects import (
    Ask,
    AskCancel,
    AwaitApproval,
    Deliver,
    Effect,
    Fetch,
    Follow,
    Show,
    ShowEnd,
    Submit,
    Upload,
)
from bot.jobs.events import Asked, EndShown, Event, GivenUp, NotAsked, Resumed, Unapproved, Uploaded
from bot.jobs.model import Address, Failure, Job, JobRef, LinkReason
from bot.log import job_scope
from bot.runner.ahead import Ahead
from bot.runner.cards_port import Cards, MessageRef
from bot.runner.delivery import Delivery
from bot.runner.event_writer import EventWriter
from bot.runner.fal_steps import FalSteps
from bot.runner.job_tasks import JobTasks
from bot.runner.progress import Progress
from bot.runner.wakes import Wakes
from bot.settings import JobSettings
from bot.storage.transaction import Store, alone
from bot.turns import FairTurns

log = logging.getLogger(__name__)
ENDINGS_AT_ONCE = 16  # more would wait for each other inside discord.py until they time out
DEFECT_TRIES = 3
DEFECT_WAIT_S = 5.0
RESULT_WITHIN_S = 0.5  # as long a completed request waits to be stored together with its video


class JobDriver:
    """Keeps nothing of a job that matters: it goes on from what is stored, here or in another process."""

    def __init__(
        self,
        *,
        store: Store,
        events: EventWriter,
        tasks: JobTasks,
        wakes: Wakes,
        fal_steps: FalSteps,
        cards: Cards,
        progress: Progress,
        delivery: Delivery,
        settings: JobSettings,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        discard_files: Callable[[Job], Awaitable[None]],
    ) -> None:
        """`discard_files` deletes what an ended job without a posted video does not need; it may be called again."""
        self._store = store
        self._events = events
        self._tasks = tasks
        self._wakes = wakes
        self._fal_steps = fal_steps
        self._cards = cards
        self._progress = progress
        self._delivery = delivery
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._discard_files = discard_files
        self._endings = FairTurns(ENDINGS_AT_ONCE, name="end")

    async def run(self, job: JobRef) -> None:
        """Drive the job until it ends or is parked; give it up when it is late and cannot be carried on."""
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
                await self.carry_on(await self._events.advance(job, Resumed()))
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
        job = await self._store.read(alone(queries.get(ref.id)))
        if job is None or self._tasks.is_closing:
            return
        since = job.submitted_at or max(job.created_at, job.approve_by or 0.0)
        if self._clock() < since + self._settings.deadline_s:
            return
        log.error("the job is past its deadline and cannot be carried on; it is given up")
        given_up = GivenUp(Failure(kind="defect"))
        await self.carry_on(await self._events.write(job, given_up))

    async def carry_on(self, advanced: transactions.Advanced) -> None:
        """Perform effects and store the events that they end in, until no event is left.

        Raises:
            StorageError: the database did not answer for too long; the job goes on from what is stored.
        """
        begun = Ahead(ask=self._fal_steps.ask_result, download=self._cards.fetch)
        try:
            while (event := await self._perform_all(advanced, begun)) is not None:
                begun.follow(advanced.job, event)
                if isinstance(event, Uploaded):
                    advanced = await self._ask_fal(advanced, event, begun)
                else:
                    advanced = await self._stored(advanced.job, event, begun)
                if self._tasks.is_closing:
                    return  # the state is stored, and the next start goes on from it
        finally:
            begun.cancel()

    async def _stored(self, job: Job, event: Event, begun: Ahead) -> transactions.Advanced:
        """Store the event, and in the same transaction the result of a completed request, if fal answers in time."""
        came_at = self._clock()
        result = await begun.result(within_s=RESULT_WITHIN_S)
        if result is None:
            return await self._events.advance(job, event, came_at=came_at)
        made = self._fal_steps.made(job, result)
        begun.follow(job, made)
        return await self._events.advance(job, event, made, came_at=came_at)

    async def _ask_fal(self, before: transactions.Advanced, uploaded: Uploaded, begun: Ahead) -> transactions.Advanced:
        """Store the intent, POST, and store the reply, without waiting for anything in between.

        A job that a crash catches between them is `uncertain`, so this takes as little time as possible: the place to
        submit is taken first. Until then the job is `accepted`, where a crash, a shutdown or a cancel costs nothing;
        from then on a shutdown waits for it.
        """
        async with self._fal_steps.submits.turn(before.job.requester):
            if self._tasks.is_closing:
                return before
            with self._tasks.spared(before.job.id):
                advanced = await self._events.advance(before.job, uploaded)
                event = await self._perform_all(advanced, begun)
                return advanced if event is None else await self._events.advance(advanced.job, event)

    async def _perform_all(self, advanced: transactions.Advanced, begun: Ahead) -> Event | None:
        """Perform the effects in order; returns the event of the last, if it ends in one."""
        event: Event | None = None
        for effect in advanced.effects:
            event = await self._perform(advanced, effect, begun)
        return event

    async def _perform(self, advanced: transactions.Advanced, effect: Effect, begun: Ahead) -> Event | None:
        job = advanced.job
        match effect:
            case Show():
                self._progress.show(job)
            case AskCancel():
                self._tasks.beside(job.id, self._ask_cancel(job), name=f"ask fal to cancel {job.id}")
            case Ask() | AwaitApproval():
                with self._wakes.waiting_for_approval(job.id):
                    return await (self._ask(job) if isinstance(effect, Ask) else self._await_approval(job))
            case Upload():
                return await self._fal_steps.upload(job, on_step=lambda step: self._progress.change(job, step=step))
            case Submit():
                return await self._fal_steps.submit(job)
            case Follow():
                # Nothing new happened to a job that is resumed, but fal may have called while nobody listened.
                return await self._follow(job, begun, look_first=not advanced.changed)
            case Fetch():
                return await self._fal_steps.fetch(
                    job, begun.answer, on_step=lambda step: self._progress.change(job, step=step)
                )
            case Deliver():
                return await self._deliver(job, begun.video)
            case ShowEnd():
                return await self._show_end(job)
            case _:
                assert_never(effect)
        return None

    async def _ask(self, job: Job) -> Event:
        """Make the card ask for approval, with the retries of a delivery; without it nobody could approve the job."""
        for attempt in range(self._settings.delivery_tries):
            if attempt and await self._is_decided(job, self._settings.delivery_pause_s(attempt)):
                return Resumed()
            if self._approval_left_s(job) <= 0:
                return Unapproved()
            try:
                async with self._endings.turn(job.requester):
                    ref = await self._cards.ask(job, self._progress.of(job.id))
            except DiscordBusy as error:
                log.warning("the card could not ask for approval, try %d: %s", attempt + 1, error)
            except DeliveryError as error:
                log.warning("the card cannot ask for approval: %s", error)
                break
            else:
                return Asked(self._moved(job, ref))
        return NotAsked()

    async def _await_approval(self, job: Job) -> Event:
        """Wait for a decision, which is in the stored state then, or until `approve_by`."""
        # In pieces, because a clock that is set, or a machine that slept, moves `approve_by`.
        while (left_s := self._approval_left_s(job)) > 0:
            if await self._is_decided(job, min(left_s, self._settings.recheck_s)):
                return Resumed()
        return Unapproved()

    def _approval_left_s(self, job: Job) -> float:
        return (job.approve_by or 0.0) - self._clock()

    async def _is_decided(self, job: Job, within_s: float) -> bool:
        """Return whether somebody decided, or the job ended, within this time; its new state is stored then."""
        return await self._wakes.is_woken_during(job.id, self._sleep(within_s))

    async def _follow(self, job: Job, begun: Ahead, *, look_first: bool) -> Event | None:
        """Follow the request. Every change is shown; those that change the job's state are stored first.

        Ends in Resumed when fal calls before that: the stored state says how to go on. Ends in nothing where fal calls
        and enough others are followed: the job is parked.
        """
        with self._wakes.looking_at(job.id):
            typical_s = await self._typical_s(job)
        is_parked = self._fal_steps.parks(job)
        self._progress.change(job, typical_s=typical_s, step=None, is_parked=is_parked)
        if is_parked:
            return await self._park(job, look_first=look_first)
        current = job

        async def on_status(status: FalStatus) -> None:
            nonlocal current
            if status.state == "completed":
                begun.follow(current, status)
                await asyncio.sleep(0)  # so that fal is asked before the stream is closed, which takes as long
                return
            if status.state != current.state:
                current = (await self._events.advance(job, status)).job
            self._progress.change(current, position=status.position, fraction=status.fraction)

        if self._wakes.was_woken(job.id):
            return Resumed()
        following = self._fal_steps.follow(job, on_status=on_status)
        return await self._wakes.until_woken(job.id, following) or self._resumed_if_woken(job)

    async def _park(self, job: Job, *, look_first: bool) -> Event | None:
        """Leave the job to fal's webhook, without a task; or return what is to be done instead."""
        event: Event | None = None
        if look_first:
            with self._wakes.looking_at(job.id):
                event = await self._wakes.until_woken(job.id, self._fal_steps.look(job))
        event = event or self._resumed_if_woken(job)
        if event is None:
            self._tasks.park(job, for_s=self._fal_steps.look_in_s(job))
        return event

    def _resumed_if_woken(self, job: Job) -> Event | None:
        return Resumed() if self._wakes.was_woken(job.id) else None

    async def _ask_cancel(self, job: Job) -> None:
        """Ask fal to cancel the request, and store before that whether fal had begun it."""
        if (status := await self._fal_steps.unseen(job)) is not None:
            await self._events.advance(job, status)
        await self._fal_steps.ask_cancel(job)

    async def _deliver(self, job: Job, video: Awaitable[LinkReason | None] | None) -> Event:
        """Bring the video to its member; `video` is its download, where that has begun."""
        self._progress.change(job, step="posting")
        return await self._delivery.deliver(job, video)

    async def _show_end(self, job: Job) -> Event:
        """Make the card say how the job ended, with the same retries as a delivery."""
        await self._discard_files(job)
        for attempt in range(self._settings.delivery_tries):
            if attempt:
                await self._sleep(self._settings.delivery_pause_s(attempt))
            try:
                async with self._endings.turn(job.requester):
                    ref = await self._cards.finish(job, self._progress.of(job.id))
            except DiscordBusy as error:
                log.warning("the card could not say how the job ended, try %d: %s", attempt + 1, error)
            else:
                return EndShown(ref and self._moved(job, ref))
        return EndShown()

    def _moved(self, job: Job, ref: MessageRef) -> Address:
        return job.address.moved_to(ref.channel_id, ref.message_id, now=self._clock())

    async def _typical_s(self, job: Job) -> float | None:
        """Return how long jobs like this take; None, so no estimate on the card, if the database does not answer."""
        try:
            return await self._store.read(alone(queries.typical_seconds(job.similar)))
        except StorageError as error:
            log.warning("past jobs could not be read for the estimate: %s", error)
            return None
