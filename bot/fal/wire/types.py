"""fal's replies as plain frozen values."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

CancelAnswer: TypeAlias = Literal["removed", "requested", "already_completed", "not_found"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """A request that fal accepted: its id, and its URLs, each on a host that may be sent the key."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class FalStatus:
    """Where a request stands at fal. Failed and cancelled requests are `completed` too: only the result tells.

    So is a request of which fal says a word that it does not document.

    `position` counts the requests ahead while it is queued, None when fal does not say. `fraction` (0 to 1) is the
    progress that a runner printed last while it is running.
    """

    state: Literal["queued", "running", "completed"]
    position: int | None = None
    fraction: float | None = None


class LogLine(NamedTuple):
    """One line of a runner's log; `stamp` only tells equal lines apart."""

    stamp: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A video that fal made, at a public URL for about seven days. All but the URL may be unknown.

    `actual_prompt` is fal's rewritten prompt; `billed_units` are fal's units, not dollars.
    """

    url: str
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    seed: int | None = None
    actual_prompt: str | None = None
    billed_units: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """Where to PUT a file's bytes, and the URL that the file has afterwards."""

    upload_url: str
    file_url: str


class UnitPrice(NamedTuple):
    """fal's list price of one endpoint: for one `unit` ("second", "video", …), without resolution tiers."""

    amount: Decimal
    unit: str
    currency: str = "USD"
