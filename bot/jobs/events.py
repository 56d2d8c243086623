"""What happens to a job, in ordinary running and after a restart: the machine's input."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.fal.wire.types import FalStatus
from bot.jobs.model import Address, Failure, Handle, Input, PostedVideo, Result, Spot


@dataclass(frozen=True, slots=True)
class Resumed:
    """A runner task has started to drive the job: right after it was accepted, or after a restart."""


@dataclass(frozen=True, slots=True)
class Approved:
    """`by` approved the job; after `approve_by` this counts as Unapproved."""

    by: int


@dataclass(frozen=True, slots=True)
class Declined:
    """`by` declined the job."""

    by: int


@dataclass(frozen=True, slots=True)
class Unapproved:
    """Nobody approved or declined it before `approve_by`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The card at `address` asks for the approval, with its buttons."""

    address: Address


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Discord will never take the card that asks for the approval."""


@dataclass(frozen=True, slots=True)
class GuildLeft:
    """Wanda was removed from the job's server."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Every input is in fal's storage; the POST comes next."""

    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Submitted:
    """fal accepted the request."""

    handle: Handle


@dataclass(frozen=True, slots=True)
class Refused:
    """fal did not accept the request: it said so, or no connection was made."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class PutOff:
    """fal did not accept the request because its account is locked; it may accept it later."""


@dataclass(frozen=True, slots=True)
class ReplyLost:
    """The POST was sent and no readable reply came: fal may have accepted it."""


@dataclass(frozen=True, slots=True)
class Called:
    """fal has called to say that the request with this handle has ended, whether the job knew of a request or not."""

    handle: Handle


@dataclass(frozen=True, slots=True)
class StillRunning:
    """fal does not hand out the result yet."""


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
    billed_units: float | None = None


@dataclass(frozen=True, slots=True)
class LostSight:
    """fal no longer answers for the request, so whether it was made and billed is not known."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The job is past its time, and nothing carries it on any more; `failure` is why, if its state does not say it."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The member asked for a cancel."""


@dataclass(frozen=True, slots=True)
class VideoPosted:
    """The video, or its link, is in the channel at `address`; in place of a link the video is tried at `retry_at`.

    `posted` is what the card holds.
    """

    address: Address
    retry_at: float | None = None
    posted: PostedVideo | None = None


@dataclass(frozen=True, slots=True)
class VideoMailed:
    """The channel took nothing, so the video, or its link, went to the member: it is the direct message `spot`."""

    spot: Spot
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """Neither the channel nor the member could be given the video or its link; it is tried again at `retry_at`."""

    failure: Failure
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class LateTried:
    """The video of an ended job could not be brought this time either; None: it is not tried again."""

    retry_at: float | None


@dataclass(frozen=True, slots=True)
class EndShown:
    """The card says how the job ended, or Discord will never take that edit; None: the card stands where it stood."""

    address: Address | None = None


Event: TypeAlias = (
    Resumed
    | Approved
    | Declined
    | Unapproved
    | Asked
    | NotAsked
    | GuildLeft
    | Uploaded
    | Submitted
    | Refused
    | PutOff
    | ReplyLost
    | FalStatus
    | Called
    | StillRunning
    | Made
    | NotMade
    | LostSight
    | GivenUp
    | CancelAsked
    | VideoPosted
    | VideoMailed
    | Undeliverable
    | LateTried
    | EndShown
)
