"""A job's life as a pure function: (job, event) -> (job, effects).

Everything that happens to a job, in ordinary running and after a restart, is one of the events below. The money
effects are carried out in the same transaction that stores the new state; the others are the runner's to perform, and
at most one of them, the last, is work that ends in another event. An event that does not fit the state (a cancel that
comes too late, a reply for a job that was taken back) changes nothing and asks for nothing.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, assert_never

from bot.jobs.facts import is_cancellable
from bot.jobs.model import Address, Failure, Handle, Input, Job, Result, State


@dataclass(frozen=True, slots=True)
class Resumed:
    """Somebody has this job in hand: right after it was accepted, or after a restart."""


@dataclass(frozen=True, slots=True)
class Approved:
    """Somebody who may has said yes; after `approve_by` it is too late for that."""

    by: int


@dataclass(frozen=True, slots=True)
class Declined:
    """Somebody who may has said no."""

    by: int


@dataclass(frozen=True, slots=True)
class Unapproved:
    """Nobody has said anything in time."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Every input is in fal's storage; the POST comes next."""

    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class FalAccepted:
    """fal accepted the request."""

    handle: Handle


@dataclass(frozen=True, slots=True)
class Refused:
    """fal's answer, or the lack of any connection, proves that nothing was asked of it."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class PutOff:
    """fal's answer proves that nothing was asked of it, because its account is locked; later it may take it."""


@dataclass(frozen=True, slots=True)
class ReplyLost:
    """The POST went out and no readable answer came: fal may have accepted it."""


@dataclass(frozen=True, slots=True)
class Started:
    """fal says IN_PROGRESS."""


@dataclass(frozen=True, slots=True)
class Requeued:
    """fal put it back into its queue."""


@dataclass(frozen=True, slots=True)
class FalFinished:
    """fal says COMPLETED, which failed and cancelled requests are too."""


@dataclass(frozen=True, slots=True)
class StillRunning:
    """The result was asked for too early."""


@dataclass(frozen=True, slots=True)
class Made:
    """The result is a video; `cost_microusd` is what fal billed for it, or None when fal did not say."""

    result: Result
    cost_microusd: int | None = None


@dataclass(frozen=True, slots=True)
class NotMade:
    """The result says that there is no video; `cost_microusd` is what fal billed for the attempt, if it said."""

    failure: Failure
    cost_microusd: int | None = None


@dataclass(frozen=True, slots=True)
class LostSight:
    """fal can no longer be asked about the request, so what became of it, and of its price, is not known."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The owner wants it taken back."""


@dataclass(frozen=True, slots=True)
class VideoPosted:
    """The video, or its link, stands in the channel at `address`."""

    address: Address


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """Discord takes neither the video nor the link, after every bounded retry."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class EndShown:
    """The card says how the job ended."""


Event: TypeAlias = (
    Resumed
    | Approved
    | Declined
    | Unapproved
    | Uploaded
    | FalAccepted
    | Refused
    | PutOff
    | ReplyLost
    | Started
    | Requeued
    | FalFinished
    | StillRunning
    | Made
    | NotMade
    | LostSight
    | CancelAsked
    | VideoPosted
    | Undeliverable
    | EndShown
)


@dataclass(frozen=True, slots=True)
class Settle:
    """End the hold: this much was spent, by everyone it was held against or by the server's side alone."""

    amount_microusd: int
    reason: str
    payers: Literal["everyone", "server"] = "everyone"


@dataclass(frozen=True, slots=True)
class Release:
    """End the hold: nothing was spent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expose:
    """End the member's hold and keep the server's, because fal may yet charge it."""

    reason: str


MoneyEffect: TypeAlias = Settle | Release | Expose


@dataclass(frozen=True, slots=True)
class Show:
    """Have the card tell the new state, soon."""


@dataclass(frozen=True, slots=True)
class AwaitApproval:
    """Wait until `approve_by`; ends as Unapproved, unless somebody decides first."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Put the inputs into fal's storage; ends as Uploaded or Refused."""


@dataclass(frozen=True, slots=True)
class Submit:
    """POST once; ends as Submitted, Refused, PutOff or ReplyLost."""


@dataclass(frozen=True, slots=True)
class AskCancel:
    """Ask fal to cancel; the result decides whether it did."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Follow the request's status; ends as Completed or LostSight."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """GET the result; ends as Made, NotMade, StillRunning or LostSight."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Put the video on the card; ends as Posted or Undeliverable."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Make the card say how it ended; ends as Told."""


Effect: TypeAlias = Show | AwaitApproval | Upload | Submit | AskCancel | Follow | Fetch | Deliver | Tell
Step: TypeAlias = tuple[Job, tuple[MoneyEffect | Effect, ...]]


def step(job: Job, event: Event, *, now: float) -> Step:
    """Return the job after `event`, and what is to be done about it. `now` is in Unix seconds."""
    after, effects = _react(job, event, now)
    # Never backwards: a card ignores what is older than what it shows, and a clock can be put back.
    return (job, effects) if after is job else (replace(after, updated_at=max(now, job.updated_at)), effects)


def _react(job: Job, event: Event, now: float) -> Step:
    """Choose by the job's state; each state knows the events that fit it."""
    if isinstance(event, Resumed):
        return _resumed(job)
    if isinstance(event, CancelAsked):
        return _cancel_asked(job)
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
            return (replace(job, told=True), ()) if isinstance(event, EndShown) and not job.told else (job, ())
        case _:
            assert_never(job.state)


def _resumed(job: Job) -> Step:
    """Take up the work where the state says it was left."""
    match job.state:
        case "waiting":
            return job, (Show(), AwaitApproval())
        case "accepted":
            return job, (Show(), Upload())
        case "submitting":
            # The intent was written and no answer was stored, so the POST may have reached fal: never again.
            return _uncertain(job, Failure(kind="lost"))
        case "queued" | "running":
            return job, (Show(), *((AskCancel(),) if job.cancel_requested else ()), Follow())
        case "fetching":
            return job, (Show(), Fetch())
        case "delivering":
            return job, (Show(), Deliver())
        case "done" | "failed" | "cancelled" | "uncertain":
            return job, (() if job.told else (Tell(),))
        case _:
            assert_never(job.state)


def _cancel_asked(job: Job) -> Step:
    """Take it back while that is free; once fal has it, ask fal and let the result decide."""
    if job.cancel_requested or not is_cancellable(job):
        return job, ()
    if job.state in {"waiting", "accepted"}:
        after = replace(job, state="cancelled", cancel_requested=True, charged_microusd=0)
        return after, (Release("cancelled before fal was asked"), Tell())
    asked = replace(job, cancel_requested=True)
    return asked, (Show(), AskCancel()) if job.handle else (Show(),)


def _when_waiting(job: Job, event: Event, now: float) -> Step:
    if isinstance(event, Approved) and (job.approve_by is None or now < job.approve_by):
        return replace(job, state="accepted", approved_by=event.by), (Show(), Upload())
    if isinstance(event, Declined):
        return _not_begun(job, Failure(kind="declined"), f"declined by {event.by}")
    if isinstance(event, Approved | Unapproved):
        return _not_begun(job, Failure(kind="unapproved"), "nobody approved it in time")
    return job, ()


def _not_begun(job: Job, failure: Failure, reason: str) -> Step:
    """End a job that never reached fal: the whole hold is free again."""
    return replace(job, state="cancelled", failure=failure, charged_microusd=0), (Release(reason), Tell())


def _when_accepted(job: Job, event: Event) -> Step:
    if isinstance(event, Uploaded):
        return replace(job, state="submitting", inputs=event.inputs), (Submit(),)
    if isinstance(event, Refused):
        return _failed(job, event.failure)
    return job, ()


def _when_submitting(job: Job, event: Event, now: float) -> Step:
    if isinstance(event, FalAccepted):
        after = replace(job, state="queued", handle=event.handle, submitted_at=now)
        return after, (Show(), *((AskCancel(),) if job.cancel_requested else ()), Follow())
    if isinstance(event, Refused):
        return _failed(job, event.failure)
    if isinstance(event, PutOff):
        return _put_off(job, now)
    if isinstance(event, ReplyLost):
        return _uncertain(job, Failure(kind="lost"))
    return job, ()


def _put_off(job: Job, now: float) -> Step:
    """Wait as an accepted job, which a crash or a cancel costs nothing; its inputs keep their URLs."""
    if job.cancel_requested:
        return replace(job, state="cancelled", charged_microusd=0), (Release("cancelled before fal took it"), Tell())
    return replace(job, state="accepted", put_off_at=job.put_off_at or now), (Upload(),)


def _when_followed(job: Job, event: Event, now: float) -> Step:
    if isinstance(event, Started) and job.state == "queued":
        return replace(job, state="running", started_at=now), (Show(),)
    if isinstance(event, Requeued) and job.state == "running":
        return replace(job, state="queued", started_at=None), (Show(),)
    if isinstance(event, FalFinished):
        return replace(job, state="fetching", completed_at=now), (Show(), Fetch())
    if isinstance(event, LostSight):
        return _uncertain(job, event.failure)
    return job, ()


def _when_fetching(job: Job, event: Event) -> Step:
    if isinstance(event, Made):
        cost = job.quote_microusd if event.cost_microusd is None else event.cost_microusd
        how = "at the quote" if event.cost_microusd is None else "at what fal billed"
        after = replace(job, state="delivering", result=event.result, charged_microusd=cost)
        return after, (Settle(cost, f"the video was made, settled {how}"), Show(), Deliver())
    if isinstance(event, NotMade):
        return _not_made(job, event)
    if isinstance(event, StillRunning):
        return replace(job, state="running", completed_at=None), (Show(), Follow())
    if isinstance(event, LostSight):
        return _uncertain(job, event.failure)
    return job, ()


def _when_delivering(job: Job, event: Event) -> Step:
    if isinstance(event, VideoPosted):
        return replace(job, state="done", address=event.address, told=True), ()
    if isinstance(event, Undeliverable):
        # The video was made and settled; it stays in Wanda's data folder and at fal's link.
        return replace(job, state="failed", failure=replace(event.failure, charged=True)), (Tell(),)
    return job, ()


def _not_made(job: Job, event: NotMade) -> Step:
    """End without a video: what fal did not bill is released, the rest is settled by the server's policy."""
    failure = event.failure
    state: State = "cancelled" if failure.kind == "client_cancelled" else "failed"
    if failure.billed == "no":
        after = replace(job, state=state, failure=failure, charged_microusd=0)
        return after, (Release(f"no video, and not billed: {failure.kind}"), Tell())
    cost = job.quote_microusd if event.cost_microusd is None else event.cost_microusd
    why = f"no video ({failure.kind}), {'billed' if failure.billed == 'yes' else 'perhaps billed'}, policy {job.policy}"
    if job.policy == "absorb":
        told = replace(failure, absorbed_microusd=cost)
        return replace(job, state=state, failure=told, charged_microusd=0), (Settle(cost, why, "server"), Tell())
    told = replace(failure, charged=True)
    return replace(job, state=state, failure=told, charged_microusd=cost), (Settle(cost, why), Tell())


def _failed(job: Job, failure: Failure) -> Step:
    """End a job that fal never took: nothing was spent."""
    after = replace(job, state="failed", failure=failure, charged_microusd=0)
    return after, (Release(f"no video: {failure.kind}"), Tell())


def _uncertain(job: Job, failure: Failure) -> Step:
    """End without knowing: the member is not charged, the server keeps the possible cost on its books."""
    after = replace(job, state="uncertain", failure=failure, charged_microusd=0)
    return after, (Expose(f"fal may charge this: {failure.kind}"), Tell())
