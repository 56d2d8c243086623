"""What the machine wants done after an event: money is moved as it is stored, the runner does the rest."""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Settle:
    """End the hold: this much was billed, for every budget that holds it or for the server's alone.

    No more than the hold is spent; `units` are fal's billable units, for the record of what it billed above that. With
    `payers` "server" the member still pays what the server does not absorb. `is_fruitless` counts the attempt towards
    the member's wait.
    """

    amount_microusd: int
    reason: str
    payers: Literal["everyone", "server"] = "everyone"
    units: str = ""
    is_fruitless: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """End the hold: nothing was spent. `declined_by` is who did not approve the job; `is_fruitless` as in Settle."""

    reason: str
    declined_by: int | None = None
    is_fruitless: bool = False


@dataclass(frozen=True, slots=True)
class Expose:
    """Keep the server's hold, because fal may yet charge it, and end the member's unless the server absorbed enough."""

    reason: str


MoneyEffect: TypeAlias = Settle | Release | Expose


@dataclass(frozen=True, slots=True)
class Show:
    """Show the new state on the card soon."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Put the question with its buttons on the card, with retries; ends in Asked, NotAsked, Unapproved or Resumed."""


@dataclass(frozen=True, slots=True)
class AwaitApproval:
    """Wait until `approve_by`; ends in Unapproved, or in Resumed when somebody decided first."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Put the inputs into fal's storage; ends in Uploaded or Refused."""


@dataclass(frozen=True, slots=True)
class Submit:
    """POST once; ends in Submitted, Refused, PutOff or ReplyLost."""


@dataclass(frozen=True, slots=True)
class AskCancel:
    """Ask fal to cancel; only the result tells whether it did."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Follow the request; every change is a FalStatus, and it ends in a completed one or in LostSight."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """GET the result; ends in Made, NotMade, StillRunning or LostSight."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Put the video on the card; ends in VideoPosted, VideoMailed or Undeliverable."""


@dataclass(frozen=True, slots=True)
class ShowEnd:
    """Make the card say how the job ended; ends in EndShown."""


Effect: TypeAlias = Show | Ask | AwaitApproval | Upload | Submit | AskCancel | Follow | Fetch | Deliver | ShowEnd
