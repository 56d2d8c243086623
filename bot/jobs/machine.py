"""A job's life as a pure function: (job, event) -> (job, effects).

Everything that happens to a job is one of the events of `bot.jobs.events`. The money effects of `bot.jobs.effects` are
carried out in the same transaction that stores the new state; the runner performs the others. At most one effect, the
last, ends in another event. An event that does not fit the state (a cancel that comes too late, a reply for a job that
was cancelled) changes nothing and has no effects.
"""

from dataclasses import replace
from typing import TypeAlias, assert_never

from bot.fal.wire.result import UNPROCESSABLE
from bot.fal.wire.types import FalStatus
from bot.jobs.effects import (
    Ask,
    AskCancel,
    AwaitApproval,
    Deliver,
    Effect,
    Expose,
    Fetch,
    Follow,
    MoneyEffect,
    Release,
    Settle,
    Show,
    ShowEnd,
    Submit,
    Upload,
)
from bot.jobs.events import (
    Approved,
    Asked,
    Called,
    CancelAsked,
    Declined,
    EndShown,
    Event,
    GivenUp,
    GuildLeft,
    LateTried,
    LostSight,
    Made,
    NotAsked,
    NotMade,
    PutOff,
    Refused,
    ReplyLost,
    Resumed,
    StillRunning,
    Submitted,
    Unapproved,
    Undeliverable,
    Uploaded,
    VideoMailed,
    VideoPosted,
)
from bot.jobs.model import FINISHED, MADE, Failure, Handle, Job, State

Step: TypeAlias = tuple[Job, tuple[MoneyEffect | Effect, ...]]


def is_cancellable(job: Job) -> bool:
    """Return whether a cancel can still save the job's cost; true also after fal was asked to cancel."""
    return job.state not in FINISHED and job.state not in MADE


def step(job: Job, event: Event, *, now: float) -> Step:
    """Return the job after `event`, and the effects. `now` is in Unix seconds."""
    after, effects = _react(job, event, now)
    # Never backwards, although a clock can be set back: a card ignores states older than the one it shows.
    return (job, effects) if after is job else (replace(after, updated_at=max(now, job.updated_at)), effects)


def _react(job: Job, event: Event, now: float) -> Step:
    if isinstance(event, Resumed | CancelAsked | GivenUp):
        return _in_any_state(job, event)
    match job.state:
        case "waiting":
            return _when_waiting(job, event, now)
        case "accepted":
            return _when_accepted(job, event)
        case "submitting":
            return _when_submitting(job, event, now)
        case "queued" | "running":
            return _when_followed(job, event, now)
        case "fetching":
            return _when_fetching(job, event)
        case "delivering":
            return _when_delivering(job, event)
        case "done" | "failed" | "cancelled" | "uncertain":
            return _when_ended(job, event, now)
        case _:
            assert_never(job.state)


def _in_any_state(job: Job, event: Resumed | CancelAsked | GivenUp) -> Step:
    match event:
        case Resumed():
            return _resumed(job)
        case CancelAsked():
            return _cancel_asked(job)
        case GivenUp():
            return _given_up(job, event.failure)


def _resumed(job: Job) -> Step:
    match job.state:
        case "waiting":
            return job, (Show(), AwaitApproval()) if job.asked else (Ask(),)
        case "accepted":
            return job, (Show(), Upload())
        case "submitting":
            # The intent is stored and no reply is, so fal may have accepted the POST: it is not repeated.
            return _uncertain(job, Failure(kind="lost"))
        case "queued" | "running":
            return job, (Show(), *_asked_again(job), Follow())
        case "fetching":
            return job, (Show(), Fetch())
        case "delivering":
            return job, (Show(), Deliver())
        case "done" | "failed" | "cancelled" | "uncertain":
            return job, (() if job.told else (ShowEnd(),))
        case _:
            assert_never(job.state)


def _given_up(job: Job, failure: Failure) -> Step:
    """End the job by what is known of it, so that its hold ends too; of an ended job, count its end as shown."""
    match job.state:
        case "waiting":
            return _unapproved(job)
        case "accepted":
            return _failed(job, failure)
        case "submitting":
            return _uncertain(job, Failure(kind="lost"))
        case "queued" | "running" | "fetching":
            return _uncertain(job, failure)
        case "delivering":
            # Its time to be posted at once is over; a week of late tries begins.
            failure = Failure(kind="undeliverable", charged=True)
            return replace(job, state="failed", failure=failure, late_at=job.updated_at), (ShowEnd(),)
        case "done" | "failed" | "cancelled" | "uncertain":
            return (job if job.told else replace(job, told=True)), ()
        case _:
            assert_never(job.state)


def _cancel_asked(job: Job) -> Step:
    """Cancel at once while fal has no request; after that ask fal, and let the result decide."""
    if job.cancel_requested or not is_cancellable(job):
        return job, ()
    if job.state in {"waiting", "accepted"}:
        after = replace(job, state="cancelled", cancel_requested=True, charged_microusd=0)
        return after, (Release("cancelled before fal was asked"), ShowEnd())
    asked = replace(job, cancel_requested=True)
    return asked, (Show(), AskCancel()) if job.handle else (Show(),)


def _when_waiting(job: Job, event: Event, now: float) -> Step:
    if isinstance(event, Approved) and (job.approve_by is None or now < job.approve_by):
        return replace(job, state="accepted", approved_by=event.by), (Show(), Upload())
    if isinstance(event, Asked):
        return replace(job, asked=True, address=event.address), (AwaitApproval(),)
    if isinstance(event, NotAsked):
        return _not_begun(job, Failure(kind="unasked"), Release("its card could not ask for approval"))
    if isinstance(event, GuildLeft):
        return _guild_left(job)
    if isinstance(event, Declined):
        return _not_begun(job, Failure(kind="declined"), Release("declined", declined_by=event.by))
    if isinstance(event, Approved | Unapproved):
        return _unapproved(job)
    return job, ()


def _unapproved(job: Job) -> Step:
    return _not_begun(job, Failure(kind="unapproved"), Release("nobody approved it in time"))


def _not_begun(job: Job, failure: Failure, release: Release) -> Step:
    """End a job that was not approved, and release its hold."""
    return replace(job, state="cancelled", failure=failure, charged_microusd=0), (release, ShowEnd())


def _when_accepted(job: Job, event: Event) -> Step:
    if isinstance(event, Uploaded):
        return replace(job, state="submitting", inputs=event.inputs), (Submit(),)
    if isinstance(event, Refused):
        return _failed(job, event.failure)
    if isinstance(event, GuildLeft):
        return _guild_left(job)
    return job, ()


def _guild_left(job: Job) -> Step:
    return _not_begun(job, Failure(kind="removed"), Release("Wanda was removed from the server"))


def _when_submitting(job: Job, event: Event, now: float) -> Step:
    if isinstance(event, Submitted):
        after = replace(job, state="queued", handle=event.handle, submitted_at=now)
        return after, (Show(), *_asked_again(job), Follow())
    if isinstance(event, Called):  # fal was quicker than its reply to the POST
        after = replace(job, state="fetching", handle=event.handle, submitted_at=now, completed_at=now)
        return after, (Show(), Fetch())
    if isinstance(event, Refused):
        return _failed(job, event.failure)
    if isinstance(event, PutOff):
        return _put_off(job, now)
    if isinstance(event, ReplyLost):
        return _uncertain(job, Failure(kind="lost"))
    return job, ()


def _put_off(job: Job, now: float) -> Step:
    """Go back to `accepted`, where a crash or a cancel costs nothing. The inputs keep their URLs."""
    if job.cancel_requested:
        return replace(job, state="cancelled", charged_microusd=0), (Release("cancelled before fal took it"), ShowEnd())
    return replace(job, state="accepted", put_off_at=job.put_off_at or now), (Upload(),)


def _when_followed(job: Job, event: Event, now: float) -> Step:
    if isinstance(event, FalStatus):
        return _followed(job, event, now)
    if isinstance(event, Called) and _is_its(job, event.handle):
        return _followed(job, FalStatus("completed"), now)
    if isinstance(event, LostSight):
        return _uncertain(job, event.failure)
    return job, ()


def _followed(job: Job, status: FalStatus, now: float) -> Step:
    match status.state:
        case "running" if job.state == "queued":
            return replace(job, state="running", started_at=now), (Show(),)
        case "queued" if job.state == "running":  # fal retries it on another runner
            return replace(job, state="queued", started_at=None), (Show(),)
        case "completed":
            return replace(job, state="fetching", completed_at=now), (Show(), Fetch())
        case _:
            return job, ()


def _when_fetching(job: Job, event: Event) -> Step:
    if isinstance(event, Made):
        billed, charged = _costs(job, event.cost_microusd)
        how = "at the quote" if event.cost_microusd is None or billed > charged else "at what fal billed"
        after = replace(job, state="delivering", result=event.result, charged_microusd=charged)
        units = _units_text(event.result.billed_units)
        return after, (Settle(billed, f"the video was made, settled {how}", units=units), Show(), Deliver())
    if isinstance(event, NotMade):
        return _not_made(job, event)
    if isinstance(event, StillRunning):
        return replace(job, state="running", completed_at=None), (Show(), Follow())
    if isinstance(event, LostSight):
        return _uncertain(job, event.failure)
    return job, ()


def _when_delivering(job: Job, event: Event) -> Step:
    if isinstance(event, VideoPosted):
        return _posted(job, event), ()
    if isinstance(event, VideoMailed):
        return _mailed(job, event), (ShowEnd(),)
    if isinstance(event, Undeliverable):
        # It was made and settled. The file stays in the data folder, and fal's link on the card.
        failure = replace(event.failure, charged=True)
        return replace(job, state="failed", failure=failure, late_at=event.retry_at), (ShowEnd(),)
    return job, ()


def _posted(job: Job, event: VideoPosted) -> Job:
    ended = replace(job, state="done", failure=None, told=True)
    return replace(ended, address=event.address, posted=event.posted, late_at=event.retry_at)


def _mailed(job: Job, event: VideoMailed) -> Job:
    return replace(job, state="done", failure=None, mailed=event.spot, late_at=event.retry_at)


def _when_ended(job: Job, event: Event, now: float) -> Step:
    """Take up that the end was shown, that fal has an uncertain job after all, or what became of a late video."""
    if job.state == "uncertain" and isinstance(event, Called | Submitted):
        return _revived(job, event, now)
    if isinstance(event, EndShown) and not job.told:
        return replace(job, told=True, address=event.address or job.address), ()
    if job.late_at is None or not isinstance(event, VideoPosted | VideoMailed | Undeliverable | LateTried):
        return job, ()
    # The try may have fetched the video again after the job's files were removed, so they are removed again.
    tried = replace(job, files_gone_at=None)
    match event:
        case VideoPosted():
            return _posted(tried, event), ()
        case VideoMailed():
            return replace(_mailed(tried, event), told=True), ()
        case Undeliverable() | LateTried():
            return replace(tried, late_at=event.retry_at), ()


def _revived(job: Job, event: Called | Submitted, now: float) -> Step:
    """Take an uncertain job up again, because fal has its request after all: its webhook or its late reply says so.

    Its hold has ended for the member and is exposed for the server; the result settles or releases what is open of it.
    """
    if not _is_its(job, event.handle):
        return job, ()
    handle, since = job.handle or event.handle, job.submitted_at or now
    known = replace(job, handle=handle, submitted_at=since, failure=None, charged_microusd=None)
    again = replace(known, told=False, files_gone_at=None, revived_at=now)
    if isinstance(event, Called):
        return replace(again, state="fetching", completed_at=now), (Show(), Fetch())
    return replace(again, state="queued", submitted_at=now), (Show(), *_asked_again(job), Follow())


def _is_its(job: Job, handle: Handle) -> bool:
    """Return whether the request can be the job's: it is the one that the job knows, or the job knows none."""
    return job.handle is None or job.handle.request_id == handle.request_id


def _asked_again(job: Job) -> tuple[AskCancel, ...]:
    """Return what asks fal for a cancel that the member asked for before fal had the request."""
    return (AskCancel(),) if job.cancel_requested else ()


def _not_made(job: Job, event: NotMade) -> Step:
    """End without a video: release what fal did not bill, settle the rest by the server's policy."""
    failure = event.failure
    state: State = "cancelled" if failure.kind == "client_cancelled" else "failed"
    is_fruitless = _is_fruitless(job, failure)
    if failure.billed == "no":
        after = replace(job, state=state, failure=failure, charged_microusd=0)
        why = f"no video, and not billed: {failure.kind}"
        return after, (Release(why, is_fruitless=is_fruitless), ShowEnd())
    billed, charged = _costs(job, event.cost_microusd)
    units = _units_text(event.billed_units)
    why = f"no video ({failure.kind}), {'billed' if failure.billed == 'yes' else 'perhaps billed'}, policy {job.policy}"
    if job.policy == "absorb":
        told = replace(failure, absorbed_microusd=charged)
        after = replace(job, state=state, failure=told, charged_microusd=0)
        settle = Settle(billed, why, "server", units=units, is_fruitless=is_fruitless)
        return after, (settle, ShowEnd())
    after = replace(job, state=state, failure=replace(failure, charged=True), charged_microusd=charged)
    return after, (Settle(billed, why, units=units, is_fruitless=is_fruitless), ShowEnd())


def _is_fruitless(job: Job, failure: Failure) -> bool:
    """Return whether fal began the job, and the member cancelled it or fal refused what they asked for.

    A refusal by the model has status 422 (https://docs.fal.ai/errors); fal's own trouble has others.
    """
    if failure.kind == "client_cancelled":
        return job.started_at is not None or failure.billed != "no"
    return failure.status == UNPROCESSABLE


def _costs(job: Job, cost_microusd: int | None) -> tuple[int, int]:
    """Return what was billed, and what of it is charged: never more than was quoted, which is what the job holds."""
    billed = job.quote_microusd if cost_microusd is None else cost_microusd
    return billed, min(billed, job.quote_microusd)


def _units_text(units: float | None) -> str:
    return "" if units is None else f"{units:.6f}".rstrip("0").rstrip(".")


def _failed(job: Job, failure: Failure) -> Step:
    """End a job that fal did not accept, and release its hold."""
    after = replace(job, state="failed", failure=failure, charged_microusd=0)
    return after, (Release(f"no video: {failure.kind}"), ShowEnd())


def _uncertain(job: Job, failure: Failure) -> Step:
    """End without knowing: the member is not charged, and the possible cost stays on the server's books."""
    after = replace(job, state="uncertain", failure=failure, charged_microusd=0)
    return after, (Expose(f"fal may charge this: {failure.kind}"), ShowEnd())
