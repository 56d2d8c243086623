"""What the runner asks of fal, each answered by the event that it means for the job."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Literal, TypeVar

from bot.errors import (
    FalAccountError,
    FalError,
    FalFailure,
    FalNotReady,
    FalProtocolError,
    FalRefused,
    FalReplyLost,
    FalUnreachable,
    Refusal,
)
from bot.fal.client import FalClient
from bot.fal.wire.types import Completed, Queued, Result, Running
from bot.jobs import machine
from bot.jobs.model import Failure, Handle, Input, Job, Live
from bot.jobs.order import mode_of, payload_of
from bot.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")
SERVER_ERROR = 500
CONFIRMATIONS = 2  # repeats of a result that blames nobody
UNPROCESSABLE = 422
CLIENT_CLOSED = 499
FORBIDDEN = 403  # what fal answers while an account is locked; it clears unevenly for minutes after a top-up
CONTENT_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
}


class FalSteps:
    """fal, seen from a job. No method raises for what fal does; each returns the event that it means."""

    def __init__(
        self,
        fal: FalClient,
        settings: Settings,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """There are `settings.submits_at_once` places to upload from, and as many to submit from.

        A file takes minutes and a POST seconds, so they do not wait for each other.
        """
        self._fal = fal
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._uploads = asyncio.Semaphore(settings.submits_at_once)
        self.submits = asyncio.Semaphore(settings.submits_at_once)

    async def upload(self, job: Job, *, on_step: Callable[[str | None], None]) -> machine.Event:
        """Put every input into fal's storage, waiting a bounded time while the account is locked."""
        try:
            mode_of(job)
        except Refusal as refusal:
            # Accepted by an older catalogue. Found out only after the intent was written, it would be `uncertain`.
            log.exception("the catalogue no longer has this request")
            return machine.Refused(Failure(kind="refused", message=str(refusal)))
        if job.put_off_at is not None:
            on_step("account locked")
            await self._sleep(self._settings.account_pause_s)
        try:
            async with asyncio.TaskGroup() as group:
                uploads = [group.create_task(self._upload(job, item, on_step)) for item in job.inputs]
        except BaseExceptionGroup as errors:
            refused, other = errors.split(FalError)
            if other is not None or refused is None:
                raise
            return machine.Refused(_failure(_first(refused)))
        on_step(None)
        return machine.Uploaded(tuple(upload.result() for upload in uploads))

    async def _upload(self, job: Job, item: Input, on_step: Callable[[str | None], None]) -> Input:
        if item.url is not None:
            return item
        path = self._settings.data_dir / item.path
        content_type = CONTENT_TYPES.get(item.format, "application/octet-stream")
        name = f"{item.option}.{item.format}"

        async def once() -> str:
            return await self._fal.upload(path, file_name=name, content_type=content_type)

        try:
            return replace(item, url=await self._past_the_lock(job, once, on_step))
        except OSError as error:
            log.exception("Wanda's own copy of an input is gone")
            raise FalRefused(f"the copy of {item.option} cannot be read", status=0) from error

    async def submit(self, job: Job) -> machine.Event:
        """POST the job once; the caller holds one of the `submits`, taken before the intent was written.

        A locked account puts the job off, for at most `account_patience_s` after the first time.
        """
        endpoint = mode_of(job).endpoint
        payload = payload_of(job)

        try:
            submitted = await self._fal.submit(endpoint, payload)
        except FalReplyLost:
            log.exception("the submit's reply was lost")
            return machine.ReplyLost()
        except FalAccountError as error:
            now = self._clock()
            if error.status != FORBIDDEN or now >= (job.put_off_at or now) + self._settings.account_patience_s:
                return machine.Refused(_failure(error))
            log.warning("fal's account is locked; the submit is put off")
            return machine.PutOff()
        except FalError as error:
            return machine.Refused(_failure(error))
        # Should it be lost on its way into the database, the operator finds the request at fal by this line.
        log.info("fal has it as request %s", submitted.request_id)
        return machine.FalAccepted(
            Handle(
                request_id=submitted.request_id,
                status_url=submitted.status_url,
                response_url=submitted.response_url,
                cancel_url=submitted.cancel_url,
            )
        )

    async def _past_the_lock(
        self, job: Job, once: Callable[[], Awaitable[T]], on_step: Callable[[str | None], None]
    ) -> T:
        """Repeat what a locked account refused (403), until it goes through or `account_patience_s` is over.

        The place is given back while it waits, so that jobs wait for the account beside each other, not in turn.
        """
        give_up_at = self._clock() + self._settings.account_patience_s
        while True:
            try:
                async with self._uploads:
                    on_step("uploading")
                    return await once()
            except FalAccountError as error:
                if error.status != FORBIDDEN or self._clock() >= give_up_at:
                    raise
                log.warning("fal's account is locked; job %s waits", job.id)
                on_step("account locked")
                await self._sleep(self._settings.account_pause_s)

    async def follow(self, job: Job) -> AsyncIterator[machine.Event | Live]:
        """Yield what the request's status means: Live for the card, an event where the job's state changes."""
        if job.handle is None:
            yield machine.LostSight(Failure(kind="gone", message="no request id"))
            return
        try:
            async for seen in self._follow_past_the_lock(job, job.handle):
                yield seen
        except FalError as error:
            log.exception("the request can no longer be followed")
            yield machine.LostSight(_failure(error))

    async def _follow_past_the_lock(self, job: Job, handle: Handle) -> AsyncIterator[machine.Event | Live]:
        """Follow, and wait while the account is locked: a video that is being made meanwhile was paid for."""
        while True:
            try:
                async for seen in self._follow(job, handle):
                    yield seen
            except FalAccountError as error:
                if error.status != FORBIDDEN or self._left_s(job) <= 0:
                    raise
                log.warning("fal's account is locked; its request is looked at again later")
                await self._sleep(self._settings.account_pause_s)
            else:
                return

    async def _follow(self, job: Job, handle: Handle) -> AsyncIterator[machine.Event | Live]:
        """Follow the request's status once."""
        state = job.state
        statuses = self._fal.follow(handle, deadline_s=max(0.0, self._left_s(job)))
        async with aclosing(statuses):
            async for status in statuses:
                match status:
                    case Queued(position):
                        if state == "running":
                            yield machine.Requeued()
                        state = "queued"
                        yield Live(position=position)
                    case Running():
                        if state == "queued":
                            yield machine.Started()
                        state = "running"
                        yield Live(fraction=status.fraction)
                    case Completed():
                        yield machine.FalFinished()
                        return

    async def fetch(self, job: Job) -> machine.Event:
        """GET the result, whose HTTP status decides whether there is a video."""
        if job.handle is None:
            return machine.LostSight(Failure(kind="gone", message="no request id"))
        try:
            result = await self._confirmed(job.handle)
        except (FalNotReady, FalUnreachable) as error:
            return await self._not_yet(job, error)
        except FalFailure as failure:
            cost = _billed_microusd(job, failure.billed_units)
            return machine.NotMade(replace(_failure(failure), billed=_billed(failure, job)), cost)
        except FalAccountError as error:
            if error.status == FORBIDDEN:
                return await self._not_yet(job, error)
            return machine.LostSight(_failure(error))
        except FalError as error:
            log.exception("the result cannot be fetched")
            return machine.LostSight(_failure(error))
        cost = _billed_microusd(job, result.billed_units)
        if cost is not None and cost != job.quote_microusd:
            log.warning("fal billed %d micro-dollars for a quote of %d", cost, job.quote_microusd)
        return machine.Made(result, cost)

    async def _confirmed(self, handle: Handle) -> Result:
        """Return the result; a 5xx that names no error of fal's may be a gateway's, and is asked for again.

        Raises:
            FalError: as `FalClient.result`.
        """
        for _ in range(CONFIRMATIONS):
            try:
                return await self._fal.result(handle)
            except FalFailure as failure:
                if failure.kind != "unknown" or failure.status < SERVER_ERROR:
                    raise
                log.warning("the result says %s without fal's own name for it; asking again", failure.status)
                await self._sleep(self._settings.fal_poll_min_s)
        return await self._fal.result(handle)

    async def _not_yet(self, job: Job, error: FalError) -> machine.Event:
        """Go on asking, as the video may be there and paid for; paced, and not beyond the job's deadline.

        Following would not find the deadline over: fal says at once that the request is completed.
        """
        log.warning("fal does not hand out the result yet: %s", error)
        if self._left_s(job) <= 0:
            return machine.LostSight(Failure(kind="unreachable", message=str(error)))
        await self._sleep(self._settings.fal_poll_min_s)
        return machine.StillRunning()

    def _left_s(self, job: Job) -> float:
        """Return the seconds until the job is given up as uncertain; not above zero when they are over."""
        return (job.submitted_at or job.created_at) + self._settings.job_deadline_s - self._clock()

    async def ask_cancel(self, job: Job) -> None:
        """Ask fal to cancel. Whatever it answers, the result decides."""
        if job.handle is None:
            return
        try:
            answer = await self._fal.cancel(job.handle)
        except FalError:
            log.warning("fal did not take the cancel", exc_info=True)
        else:
            log.info("fal answered the cancel: %s", answer)


def _first(errors: BaseExceptionGroup[FalError]) -> FalError:
    """Return one of the errors, as one sentence is what the member is told."""
    inner = errors.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _failure(error: FalError) -> Failure:
    """Say in the job's own terms what went wrong."""
    match error:
        case FalFailure():
            return Failure(
                kind=error.kind,
                status=error.status,
                message=error.message,
                location=error.location,
                context=error.context,
            )
        case FalAccountError():
            return Failure(kind="account", status=error.status, message=str(error))
        case FalRefused():
            return Failure(kind="refused", status=error.status, message=str(error))
        case FalUnreachable():
            return Failure(kind="unreachable", message=str(error))
        case FalProtocolError():
            return Failure(kind="gone", message=str(error))
        case _:
            return Failure(kind="lost", message=str(error))


def _billed(failure: FalFailure, job: Job) -> Literal["no", "yes", "perhaps"]:
    """Say whether a failed attempt was billed: as fal reports it, else by what its documents leave open.

    5xx answers and requests that never started are free; a refusal by the model (422) "may still be charged", and what
    a cancel of a running request costs is nowhere said.
    """
    if failure.billed_units is not None:
        return "yes" if failure.billed_units > 0 else "no"
    if failure.status == UNPROCESSABLE:
        return "perhaps"
    return "perhaps" if failure.status == CLIENT_CLOSED and job.started_at is not None else "no"


def _billed_microusd(job: Job, units: float | None) -> int | None:
    """Return what fal's billable units cost, or None when it did not report any."""
    if units is None:
        return None
    return mode_of(job).billed_microusd(units, {item.option: item for item in job.inputs}, job.quote_microusd)
