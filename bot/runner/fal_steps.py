"""Performs the machine's fal effects (upload, submit, follow, fetch, cancel); each returns the event it ends in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from bot.errors import (
    FalAccountError,
    FalError,
    FalFailure,
    FalNotReady,
    FalProtocolError,
    FalRefused,
    FalReplyLost,
    FalUnreachable,
    FilesUnavailable,
    Refusal,
)
from bot.fal.client import FalClient
from bot.fal.wire.error_types import UNKNOWN
from bot.fal.wire.result import SERVER_ERROR
from bot.fal.wire.types import FalStatus, Handle, Result
from bot.files.files import Files
from bot.jobs import events
from bot.jobs.events import Event
from bot.jobs.growing_waits import GrowingWaits
from bot.jobs.model import Failure, Input, Job, mode_of, payload_of
from bot.runner.fal_account import FalAccount
from bot.runner.fal_events import billed_microusd_of, failure_of, is_locked, without_video
from bot.settings import JobSettings
from bot.turns import FairTurns

log = logging.getLogger(__name__)
T = TypeVar("T")
Met = TypeVar("Met", bound=Exception)
POLL_S_MAX = 60.0  # between two looks at a request that fal calls ended and still in progress
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """How fal calls Wanda: `url` returns the address for a job's id.

    At most `streams_max` jobs are then followed, to show their progress; the others are looked at every `look_s`
    seconds.
    """

    url: Callable[[str], str]
    streams_max: int
    look_s: float


class FalSteps:
    """No method raises for fal's errors."""

    def __init__(
        self,
        fal: FalClient,
        settings: JobSettings,
        *,
        files: Files,
        poll_s: float,
        doubt_s: float,
        clock: Callable[[], float],
        account: FalAccount,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        webhooks: Webhooks | None = None,
    ) -> None:
        """Allow `settings.submits_at_once` uploads and as many submits at once; while `account` is closed, none.

        Members and servers take turns. Both are counted apart, because an upload takes minutes and a submit seconds.
        For `doubt_s` an error that may be a passing fault of fal's own is not believed.
        """
        self._fal = fal
        self._settings = settings
        self._files = files
        self._poll_s = poll_s
        self._waits = GrowingWaits(
            whole_s=settings.paid_patience_s, least_s=poll_s, most_s=max(poll_s, settings.paid_wait_max_s)
        )
        self._doubt_s = doubt_s
        self._clock = clock
        self._sleep = sleep
        self._account = account
        self._webhooks = webhooks
        self._followed = 0
        self._uploads = FairTurns(settings.submits_at_once, name="upload")
        self.submits = FairTurns(settings.submits_at_once, name="submit")

    async def close(self) -> None:
        """End what asks fal without a job."""
        await self._account.close()

    async def upload(self, job: Job, *, on_step: Callable[[str | None], None]) -> Event:
        """Upload every input; while fal takes nothing of the account, wait for `account_patience_s`.

        Raises:
            FilesUnavailable: an input cannot be had now; the job stays as it is.
        """
        try:
            mode_of(job)
        except Refusal as refusal:
            # An older catalogue accepted the job. Found after the intent is stored, this would be `uncertain`.
            log.exception("the catalogue no longer has this request")
            return events.Refused(Failure(kind="refused", message=str(refusal)))
        await self._wait_for_account(job, on_step)
        try:
            async with asyncio.TaskGroup() as group:
                uploads = [group.create_task(self._upload(job, item, on_step)) for item in job.inputs]
        except BaseExceptionGroup as errors:
            refused, other = errors.split(FalError)
            away, defects = (None, None) if other is None else other.split(FilesUnavailable)
            if away is not None and defects is None:
                raise _first(away) from errors
            if other is not None or refused is None:
                raise
            return events.Refused(failure_of(_first(refused)))
        on_step(None)
        return events.Uploaded(tuple(upload.result() for upload in uploads))

    async def _upload(self, job: Job, item: Input, on_step: Callable[[str | None], None]) -> Input:
        if item.url is not None:
            return item
        content_type = CONTENT_TYPES.get(item.format, "application/octet-stream")
        name = f"{item.option}.{item.format}"

        async def once() -> str:
            path = await self._files.fetch(item.path, job.requester)
            return await self._fal.upload(path, file_name=name, content_type=content_type)

        try:
            return replace(item, url=await self._unlocked(job, once, on_step))
        except FileNotFoundError as error:
            log.exception("Wanda's own copy of an input is gone")
            raise FalRefused(f"the copy of {item.option} is gone", status=0) from error
        except OSError as error:  # too many open files, or a disk that has trouble: it may be read later
            reason = error.strerror or type(error).__name__
            raise FilesUnavailable(f"Wanda's own copy of an input cannot be read ({reason}).") from error

    async def submit(self, job: Job) -> Event:
        """POST the job once. The caller holds one of the `submits` since before it stored the intent.

        An account of which fal takes nothing puts the job off, until `account_patience_s` after the first time.
        """
        give_up_at = (job.put_off_at or self._clock()) + self._settings.account_patience_s
        if self._account.is_closed and self._clock() < give_up_at:
            return events.PutOff()
        endpoint = mode_of(job).endpoint
        payload = payload_of(job)
        try:
            webhook = None if self._webhooks is None else self._webhooks.url(job.id)
            handle = await self._fal.submit(endpoint, payload, webhook=webhook)
        except FalReplyLost:
            log.exception("the submit's reply was lost")
            return events.ReplyLost()
        except FalAccountError as error:
            await self._account.note(error, mode=job.mode)
            if self._clock() >= give_up_at:
                failure = failure_of(error)
                is_mode_alone = self._account.lacks_access(job.mode)
                return events.Refused(replace(failure, kind="access") if is_mode_alone else failure)
            log.warning("fal takes nothing of the account (%d); the submit is put off", error.status)
            return events.PutOff()
        except FalError as error:
            return events.Refused(failure_of(error))
        # If the database does not store the id, an operator finds the request at fal by this line.
        log.info("fal has it as request %s", handle.request_id)
        self._account.note_taken(job.mode)
        return events.Submitted(handle)

    async def _wait_for_account(self, job: Job, on_step: Callable[[str | None], None]) -> None:
        """Wait while fal takes nothing of the account, for what is left of the job's patience.

        A job that was put off waits a little although the account is open: after a top-up fal's hosts do not agree yet.
        """
        if self._account.is_closed:
            on_step("account locked")
            left_s = (job.put_off_at or self._clock()) + self._settings.account_patience_s - self._clock()
            await self._account.opened(within_s=left_s)
        elif job.put_off_at is not None:
            on_step("account locked")
            await self._sleep(self._settings.account_pause_s)

    async def _unlocked(self, job: Job, once: Callable[[], Awaitable[T]], on_step: Callable[[str | None], None]) -> T:
        """Retry an upload that fal refused because of the account, for `account_patience_s`.

        The upload's place is free during the pause, so that many jobs wait for the account at the same time.
        """
        give_up_at = self._clock() + self._settings.account_patience_s
        while True:
            try:
                async with self._uploads.turn(job.requester):
                    on_step("uploading")
                    return await once()
            except FalAccountError as error:
                await self._account.note(error)
                left_s = give_up_at - self._clock()
                if left_s <= 0:
                    raise
                log.warning("fal takes nothing of the account (%d); job %s waits", error.status, job.id)
                on_step("account locked")
                if self._account.is_closed:
                    await self._account.opened(within_s=left_s)
                else:
                    await self._sleep(self._settings.account_pause_s)

    async def follow(self, job: Job, *, on_status: Callable[[FalStatus], Awaitable[None]]) -> Event:
        """Follow the request to its end; `on_status` gets every change of its status, `completed` last.

        While the account is locked this waits and goes on: the video that is being made was paid for. At the deadline
        fal is asked for the result once more, because a machine that slept had no chance to see it.
        """
        if job.handle is None:
            return events.LostSight(Failure(kind="gone", message="no request id"))
        self._followed += 1
        try:
            return await self._answered(job, job.handle, partial(self._completed, job, job.handle, on_status))
        finally:
            self._followed -= 1

    def parks(self, job: Job) -> bool:
        """Return whether the job waits for fal's webhook: enough others are followed, and nobody wants to cancel it."""
        webhooks = self._webhooks
        return webhooks is not None and self._followed >= webhooks.streams_max and not job.cancel_requested

    def look_in_s(self, job: Job) -> float:
        """Return in how many seconds a job that waits for fal's webhook is looked at, in case that none comes."""
        left_s = max(0.0, self._left_s(job))
        return left_s if self._webhooks is None else min(self._webhooks.look_s, left_s)

    async def look(self, job: Job) -> Event | None:
        """Ask once where the request stands; None while it is under way, or fal does not say.

        As in `follow` this waits while the account is locked, and asks for the result at the deadline.
        """
        if job.handle is None:
            return events.LostSight(Failure(kind="gone", message="no request id"))
        return await self._answered(job, job.handle, partial(self._once, job, job.handle))

    async def _once(self, job: Job, handle: Handle) -> FalStatus | None:
        if self._left_s(job) <= 0:
            raise FalUnreachable("fal did not finish the request before the deadline")
        status = await self._fal.look(handle, requester=job.requester)
        return status if status is not None and status.state == "completed" else None

    async def _answered(self, job: Job, handle: Handle, ask: Callable[[], Awaitable[T]]) -> T | Event:
        """Return what `ask` returns once fal answers for the request, or that sight of it was lost."""
        since = self._clock()
        while True:
            try:
                return await ask()
            except FalUnreachable as error:
                return await self._last_word(handle, error)
            except FalError as error:
                await self._account.note(error, mode=job.mode)
                if not self._may_pass(error, since):
                    log.exception("the request can no longer be followed")
                    return events.LostSight(failure_of(error))
                if self._left_s(job) <= 0:
                    return await self._last_word(handle, error)
                log.warning("the request is followed again later: %s", error)
            await self._sleep(self._settings.account_pause_s)

    async def _last_word(self, handle: Handle, error: FalError) -> Event:
        """Return the completed status if fal has a result after all, else that sight of the request was lost."""
        log.warning("the request is past its deadline, and fal is asked once more: %s", error)
        try:
            await self._fal.result(handle)
        except FalNotReady as unfinished:
            return events.LostSight(Failure(kind="unfinished", message=str(unfinished)))
        except (FalUnreachable, FalRefused, FalProtocolError):
            log.exception("the request can no longer be followed")
            return events.LostSight(failure_of(error))
        except FalFailure:
            pass
        return FalStatus("completed")

    def _may_pass(self, error: FalError, since: float) -> bool:
        """Return whether the error may be over later: a locked account, or for `doubt_s` a request fal forgot."""
        if isinstance(error, FalAccountError):
            return is_locked(error)
        return isinstance(error, FalRefused) and self._clock() < since + self._doubt_s

    async def _completed(
        self, job: Job, handle: Handle, on_status: Callable[[FalStatus], Awaitable[None]]
    ) -> FalStatus:
        """Return the completed status.

        Raises:
            FalError: as `FalClient.follow`.
        """
        deadline_s = max(0.0, self._left_s(job))
        following = self._fal.follow(handle, requester=job.requester, deadline_s=deadline_s)
        async with aclosing(following) as statuses:
            async for status in statuses:
                await on_status(status)
                if status.state == "completed":
                    return status
        raise AssertionError("fal is followed until the request is completed or an error is raised")

    async def ask_result(self, handle: Handle) -> Result:
        """GET the result; `fetch` says what it means. Raises as `FalClient.result`."""
        return await self._fal.result(handle)

    async def fetch(
        self, job: Job, asked: Awaitable[Result] | None = None, *, on_step: Callable[[str | None], None]
    ) -> Event:
        """GET the result, again and again while fal keeps it: the video may exist and be paid for.

        Its HTTP status and body tell whether there is a video. `asked` is the first `ask_result`, where it has begun.
        """
        if job.handle is None:
            return events.LostSight(Failure(kind="gone", message="no request id"))
        begun = self._clock()
        since = job.completed_at or begun
        while True:
            answer, asked = asked or self.ask_result(job.handle), None
            try:
                result = await answer
            except FalNotReady as error:
                return await self._not_yet(job, error)
            except FalError as error:
                await self._account.note(error)
                wait_s = self._waits.wait_s(since, self._clock(), awake_since=begun)
                if wait_s is None or not self._is_doubted(error, begun):
                    return without_video(job, error)
                log.warning("fal does not hand out the result, asked again in %.0f s: %s", wait_s, error)
            else:
                return self.made(job, result)
            on_step("fal is silent")
            await self._sleep(wait_s)

    def made(self, job: Job, result: Result) -> events.Made:
        """Return what the result of the job's request means."""
        return events.Made(result, billed_microusd_of(job, result.billed_units))

    def _is_doubted(self, error: FalError, since: float) -> bool:
        """Return whether the answer may be another one later.

        A gateway's error and a refused key say nothing about the video. A 500 or a 404 without fal's own name for it
        may be a fault of the route that hands out results, or the truth.
        """
        match error:
            case FalUnreachable() | FalAccountError():
                return True
            case FalRefused():
                return self._clock() < since + self._doubt_s
            case FalFailure():
                nameless = error.kind == UNKNOWN and error.status >= SERVER_ERROR and error.billed_units is None
                return nameless and self._clock() < since + self._doubt_s
            case _:
                return False

    async def _not_yet(self, job: Job, error: FalNotReady) -> Event:
        """Follow the request again, but not after the job's deadline.

        The deadline is checked here, because following may end at once: fal says that the request is completed.
        """
        if self._left_s(job) <= 0:
            return events.LostSight(Failure(kind="unfinished", message=str(error)))
        waited_s = self._clock() - (job.submitted_at or job.created_at)
        await self._sleep(min(max(self._poll_s, waited_s / 10), POLL_S_MAX))
        return events.StillRunning()

    def _left_s(self, job: Job) -> float:
        """Return the seconds until the job is given up as uncertain; zero or less when it is."""
        return (job.submitted_at or job.created_at) + self._settings.deadline_s - self._clock()

    async def unseen(self, job: Job) -> FalStatus | None:
        """Return the status of a request that fal has begun without that anybody saw it.

        Ask before a cancel, because fal may bill what it had begun.
        """
        if self._webhooks is None or job.handle is None or job.started_at is not None:
            return None
        try:
            status = await self._fal.status(job.handle)
        except FalError as error:
            log.warning("whether fal has begun the request is not known: %s", error)
            return None
        return status if status.state == "running" else None

    async def ask_cancel(self, job: Job) -> None:
        """Ask fal to cancel; only the result tells whether it did."""
        if job.handle is None:
            return
        try:
            answer = await self._fal.cancel(job.handle)
        except FalError:
            log.warning("fal did not take the cancel", exc_info=True)
        else:
            log.info("fal answered the cancel: %s", answer)


def _first(errors: BaseExceptionGroup[Met]) -> Met:
    """Return one of the errors: the card shows one reason."""
    inner = errors.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
