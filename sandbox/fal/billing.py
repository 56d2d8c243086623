"""What the account is billed: one event for each request that cost something, as changed by `POST /sandbox/bill`.

https://docs.fal.ai/platform-apis/v1/models/billing-events
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.fal.endpoints import ENDPOINTS
from sandbox.fal.queue import FalJob, FalQueue
from sandbox.fal.runner import FalSettings

__all__ = ["BillChange", "BillingEvent", "Bills"]

NANO = 10**9
CHANGES_MAX = 10_000


class BillChange(BaseModel):
    """The body of `POST /sandbox/bill`: what is odd about one request's bill; what is left out stays as it is.

    `nano_usd` replaces what it cost, also of a request that is free by itself. `further_nano_usd` are further events
    of the same request, each a second after the one before. `is_missing` leaves its events out until it is False again,
    and `is_unlisted` the request itself. With `endpoint` it is a request of another program, which ended `ago_s` ago.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    request: str = Field(min_length=1, max_length=128)
    nano_usd: int | None = Field(default=None, ge=-(10**18), le=10**18)
    further_nano_usd: list[int] | None = Field(default=None, max_length=100)
    is_missing: bool | None = None
    is_unlisted: bool | None = None
    endpoint: str | None = None
    ago_s: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _is_known(self) -> "BillChange":
        if self.endpoint is not None and self.nano_usd is None:
            raise ValueError("another program's request needs nano_usd")
        return self


@dataclass(frozen=True, slots=True)
class BillingEvent:
    """One event; `at` is in Unix seconds, amounts are in dollars before and after the discount."""

    request_id: str
    endpoint: str
    at: float
    units: Decimal
    unit_price: Decimal
    subtotal: Decimal
    discount_percent: Decimal
    nano_usd: int

    def shown(self, *, as_text: bool, at: str) -> dict[str, Any]:
        """Return it as fal shows it, with numbers or with decimals in quotes."""
        total = Decimal(self.nano_usd) / NANO
        read = str if as_text else float
        return {
            "request_id": self.request_id,
            "endpoint_id": self.endpoint,
            "timestamp": at,
            "output_units": read(self.units),
            "unit_price": read(self.unit_price),
            "percent_discount": read(self.discount_percent),
            "cost_subtotal": read(self.subtotal),
            "cost_discount": read(self.subtotal - total),
            "cost_total": read(total),
            "cost_estimate_nano_usd": str(self.nano_usd) if as_text else self.nano_usd,
        }


@dataclass(slots=True)
class _Odd:
    """What was changed about one request."""

    nano_usd: int | None = None
    further_nano_usd: tuple[int, ...] = ()
    is_missing: bool = False
    is_unlisted: bool = False
    endpoint: str | None = None
    at: float = 0.0


class Bills:
    """The account's bill."""

    def __init__(self, queue: FalQueue, settings: FalSettings) -> None:
        self._queue = queue
        self._settings = settings
        self._odd: dict[str, _Odd] = {}

    def change(self, change: BillChange, *, now: float) -> None:
        """Change one request's bill.

        Raises:
            ValueError: there is no such request, or too much was changed.
        """
        odd = self._odd.get(change.request)
        if odd is None:
            if change.endpoint is None and change.request not in self._queue.jobs:
                raise ValueError(f"there is no request {change.request}; another program's needs its endpoint")
            if len(self._odd) >= CHANGES_MAX:
                raise ValueError(f"{CHANGES_MAX} bills are changed already")
            odd = self._odd[change.request] = _Odd(endpoint=change.endpoint, at=now - change.ago_s)
        for name in ("nano_usd", "is_missing", "is_unlisted"):
            if (value := getattr(change, name)) is not None:
                setattr(odd, name, value)
        if change.further_nano_usd is not None:
            odd.further_nano_usd = tuple(change.further_nano_usd)

    def is_unlisted(self, request_id: str) -> bool:
        """Return whether the list of requests leaves it out."""
        odd = self._odd.get(request_id)
        return odd is not None and odd.is_unlisted

    def events(self, *, with_missing: bool = False) -> list[BillingEvent]:
        """Return every event, oldest first."""
        found: list[BillingEvent] = []
        for job in self._queue.jobs.values():
            if job.completed_at is not None:
                found += self._of_job(job, job.completed_at, with_missing=with_missing)
        for request_id, odd in self._odd.items():
            if odd.endpoint is not None and (with_missing or not odd.is_missing):
                found += self._amounts(request_id, odd.endpoint, odd.at, Decimal(0), odd)
        return sorted(found, key=lambda one: (one.at, one.request_id))

    def _of_job(self, job: FalJob, ended_at: float, *, with_missing: bool) -> Iterable[BillingEvent]:
        odd = self._odd.get(job.id) or _Odd()
        units = Decimal(str(job.billed_units or 0))
        if odd.is_missing and not with_missing:
            return []
        return self._amounts(job.id, job.endpoint, ended_at, units, odd) if units or odd.nano_usd is not None else []

    def _amounts(self, request_id: str, endpoint: str, at: float, units: Decimal, odd: _Odd) -> Iterable[BillingEvent]:
        known = ENDPOINTS.get(endpoint)
        price = Decimal(str(known.unit_price_usd)) if known is not None else Decimal(0)
        discount = Decimal(str(self._settings.discount_percent))
        subtotal = units * price
        nano = int((subtotal * (100 - discount) / 100 * NANO).to_integral_value())
        first = nano if odd.nano_usd is None else odd.nano_usd
        for n, amount in enumerate((first, *odd.further_nano_usd)):
            yield BillingEvent(request_id, endpoint, at + n, units, price, subtotal, discount, amount)
