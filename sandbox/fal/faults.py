"""Planned faults, from `POST /sandbox/faults`."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.fal.endpoints import ENDPOINTS
from sandbox.fal.errors import LOCKED, FalReply, error_reply

__all__ = ["FalFault", "FalFaults", "Forgery", "InvalidFault", "Point"]

Point: TypeAlias = Literal[
    "submit",
    "status",
    "stream",
    "result",
    "cancel",
    "upload",
    "cdn",
    "requeue",
    "webhook",
    "requests",
    "billing",
    "account",
    "pricing",
    "schema",
]
# What is wrong with a webhook: another key's signature, an old one, none; another request's id, or no notice at all.
Forgery: TypeAlias = Literal["signature", "timestamp", "unsigned", "request", "body"]
FAULTS_MAX = 1000
ACCOUNT_POINTS = frozenset({"submit", "upload"})


class FalFault(BaseModel):
    """One planned fault; it applies to the next `times` requests at its point.

    `status` with `body` replaces the answer. `error_type` answers with that error; at `result` the request itself fails
    with it, for good. `lose_reply` carries the request out and closes the connection without an answer, `cut` closes it
    in the middle of the answer, `delay_s` delays it. `billable_units` replaces what the header of a result says;
    `bomb_mib` sends a little gzip that grows to that many MiB. `requeue` moves a running request back to IN_QUEUE for a
    moment. At `webhook` one call is `forged`, sent `copies` times, has a `payload_error`, is late by `delay_s`, or is
    never sent (`lose_reply`).
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    at: Point
    status: int | None = Field(default=None, ge=100, le=599)
    body: Any = None
    headers: dict[str, str] = {}
    error_type: str | None = None
    times: int = Field(default=1, ge=1, le=1_000_000)
    lose_reply: bool = False
    cut: bool = False
    delay_s: float = Field(default=0, ge=0, le=3600)
    billable_units: str | None = Field(default=None, pattern=r"^[^\r\n]*$", max_length=1000)
    bomb_mib: int = Field(default=0, ge=0, le=4096)
    locked: bool = False
    forged: Forgery | None = None
    copies: int = Field(default=1, ge=1, le=100)
    payload_error: bool = False
    endpoint: str | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "FalFault":
        """Refuse a fault that would do nothing, which is a mistake in a test."""
        active = (self.status, self.body, self.error_type, self.locked, self.lose_reply, self.cut, self.delay_s)
        on_the_wire = (self.billable_units is not None, self.bomb_mib)
        of_webhooks = (self.forged, self.copies > 1, self.payload_error)
        if any(of_webhooks) and self.at != "webhook":
            raise ValueError("forged, copies and payload_error are of webhooks")
        if not any((*active, *on_the_wire, *of_webhooks)) and self.at != "requeue":
            raise ValueError("say what goes wrong: status, body, error_type, lose_reply, cut, delay_s, locked, …")
        if self.endpoint is not None and self.endpoint not in ENDPOINTS:
            raise ValueError(f"unknown endpoint {self.endpoint}")
        return self

    @property
    def reply(self) -> FalReply | None:
        """The answer that replaces the real one; None if the real one is sent."""
        if self.locked:
            return LOCKED
        if self.error_type is not None:
            base = error_reply(self.error_type, self.status)
            return base if self.body is None else FalReply(base.status, self.body, base.headers)
        if self.status is None and self.body is None:
            return None
        status = self.status or 500
        body = {"detail": f"Planned by /sandbox/faults: {status}"} if self.body is None else self.body
        return FalReply(status, body, self.headers)

    @property
    def fails_the_job(self) -> bool:
        """Whether the request itself fails, and not only one GET of its result."""
        return self.at == "result" and self.error_type is not None


class InvalidFault(Exception):  # noqa: N818 - it names what happened to a control request
    """The body of a control request is not a valid fault."""


def _with_point(body: Any) -> Any:
    """Return the body with its `at`: `lose_reply` and `locked` apply to the submit by default."""
    if isinstance(body, dict) and "at" not in body and ("lose_reply" in body or "locked" in body):
        return {"at": "submit", **body}  # pyright: ignore[reportUnknownVariableType]
    return body  # pyright: ignore[reportUnknownVariableType] - JSON, which pydantic reads next


class FalFaults:
    """The planned faults, oldest first, and whether the account is locked."""

    def __init__(self) -> None:
        self._faults: list[FalFault] = []
        self.locked = False

    def __iter__(self) -> Iterator[FalFault]:
        return iter(self._faults)

    def plan(self, body: Any) -> FalFault | None:
        """Add a fault. `{"locked": true}` without `at` locks the account until `{"locked": false}`, and returns None.

        Raises:
            Refused: it is not a fault, or there are too many.
        """
        if isinstance(body, dict) and set[Any](body) == {"locked"}:  # pyright: ignore[reportUnknownArgumentType]
            self.locked = body["locked"] is True
            return None
        if len(self._faults) >= FAULTS_MAX:
            raise InvalidFault(f"there are {FAULTS_MAX} faults already")
        try:
            fault = FalFault.model_validate(_with_point(body))
        except ValidationError as error:
            raise InvalidFault(f"not a fault (`at` is one of {', '.join(get_args(Point))}): {error}") from error
        self._faults.append(fault)
        return fault

    def drop(self, fault: FalFault) -> None:
        """Remove one planned fault, if it is still there."""
        self._faults = [one for one in self._faults if one is not fault]

    def clear(self) -> None:
        """Remove every fault, and unlock the account."""
        self._faults.clear()
        self.locked = False

    def take(self, at: Point, endpoint: str | None = None) -> FalFault | None:
        """Return the oldest fault for this point, counted as used."""
        if self.locked and at in ACCOUNT_POINTS:
            return FalFault(at=at, locked=True)
        return self._use(lambda fault: fault.at == at and not fault.fails_the_job, endpoint)

    def take_failure(self, endpoint: str) -> FalReply | None:
        """Return the planned failure of the next finished request of this endpoint; None if it succeeds."""
        fault = self._use(lambda fault: fault.fails_the_job, endpoint)
        return None if fault is None else fault.reply

    def take_requeue(self, endpoint: str) -> bool:
        """Return whether the next running request of this endpoint loses its runner."""
        return self._use(lambda fault: fault.at == "requeue", endpoint) is not None

    def _use(self, fits: Callable[[FalFault], bool], endpoint: str | None) -> FalFault | None:
        """Return the oldest matching fault, counted as used."""
        for n, fault in enumerate(self._faults):
            if fits(fault) and fault.endpoint in {None, endpoint}:
                fault.times -= 1
                if fault.times == 0:
                    del self._faults[n]
                return fault
        return None
