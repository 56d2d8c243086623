"""What fal says, as plain frozen values; `bot.jobs` turns them into its own."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol, TypeAlias

CancelAnswer: TypeAlias = Literal["removed", "requested", "already_completed", "not_found"]


class Urls(Protocol):
    """A request's id and fal's own URLs for it: `Submitted`, and `bot.jobs.model.Handle` as well."""

    @property
    def request_id(self) -> str:
        """The name that fal gave the request."""
        ...

    @property
    def status_url(self) -> str:
        """Where its status, and below it the stream, is asked for."""
        ...

    @property
    def response_url(self) -> str:
        """Where its result is fetched."""
        ...

    @property
    def cancel_url(self) -> str:
        """Where it is taken back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """fal has the request; every URL is on a host that the key may go to. `position` counts the requests ahead."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """Waiting in fal's queue; `position` counts all requests ahead, None when fal does not say."""

    position: int | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """Being rendered; `logs` are the newest lines known, `fraction` (0 to 1) is what the newest of them tells."""

    logs: tuple[str, ...] = ()
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """fal is done with it, well or badly: only the result tells. `inference_s` is the time a runner worked on it."""

    error: str | None = None
    error_type: str | None = None
    inference_s: float | None = None


Change: TypeAlias = Queued | Running | Completed


class LogLine(NamedTuple):
    """One line of a runner's log; the stamp is only good for telling two equal lines apart."""

    stamp: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One status document, before it is compared with the last one."""

    state: Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    position: int | None = None
    logs: tuple[LogLine, ...] = ()
    error: str | None = None
    error_type: str | None = None
    inference_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A video that fal made, at a public URL for about seven days. All but the URL may be unknown.

    `actual_prompt` is fal's rewritten prompt; `billed_units` are fal's units, not dollars.
    """

    url: str
    content_type: str | None = None
    file_name: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    seed: int | None = None
    actual_prompt: str | None = None
    billed_units: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """Where a file's bytes are put, and the URL that it has afterwards."""

    upload_url: str
    file_url: str


class UnitPrice(NamedTuple):
    """fal's list price of one endpoint: dollars for one `unit` ("second", "video", …), without resolution tiers."""

    usd: Decimal
    unit: str
