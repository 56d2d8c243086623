"""A request, the order that prices it, and the job that an accepted order becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.catalogue.mode import Mode
from bot.catalogue.price import PriceTable, Quote
from bot.catalogue.registry import build
from bot.jobs.facts import attached_of
from bot.jobs.model import Address, Input, Job
from bot.ledger.model import Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for: a filled-in mode and its files. `parent_id`, `trigger` and `notes` are as in `Job`.

    In a rerun `inputs` are the parent's files until they are copied for the new job.
    """

    mode: Mode
    inputs: tuple[Input, ...] = ()
    parent_id: str | None = None
    trigger: str | None = None
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Input]:
        """Return the files by option."""
        return {item.option: item for item in self.inputs}

    def check_inputs(self) -> None:
        """Check that every file is what the mode takes.

        Raises:
            MediaRefused: one is not.
        """
        self.mode.check(self.facts())

    def quote(self, prices: PriceTable) -> Quote:
        """Return the price.

        Raises:
            ModeOff: it is not known.
        """
        return self.mode.quote(self.facts(), prices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A member's request with its quote; nothing is held for it yet.

    `id` becomes the job's. The inputs were checked, and are in that job's folder. `address` is None until there is a
    card. `requested_at` is in Unix seconds.
    """

    id: str
    who: Who
    request: Request
    quote: Quote
    requested_at: float
    address: Address | None = None


def job_from(order: Order, *, now: float) -> Job:
    """Return the job that this order becomes; raises ValueError when the order has no card."""
    if order.address is None:
        raise ValueError(f"order {order.id} has no card")
    request, who = order.request, order.who
    return Job(
        id=order.id,
        guild_id=who.guild_id,
        member_id=who.member_id,
        role_ids=who.role_ids,
        rules_channel_id=who.channel_id,
        mode=request.mode.id,
        options=request.mode.options(),
        inputs=request.inputs,
        quote_microusd=order.quote.microusd,
        formula=order.quote.formula,
        prices_version=order.quote.prices_version,
        similar=_similar(request.mode),
        state="accepted",
        created_at=now,
        updated_at=now,
        address=order.address,
        parent_id=request.parent_id,
        trigger=request.trigger,
        notes=request.notes,
    )


def mode_of(job: Job) -> Mode:
    """Return the filled-in model of a stored job."""
    return build(job.mode, job.options, attached_of(job.inputs))


def payload_of(job: Job) -> Mapping[str, Any]:
    """Return the exact JSON for fal; every input must have its URL."""
    return mode_of(job).payload({i.option: i.url for i in job.inputs if i.url is not None})


def _similar(mode: Mode) -> str:
    """Return mode, resolution and length: jobs in which these are equal take about as long."""
    resolution = getattr(mode, "resolution", None)
    return f"{mode.id}:{resolution}:{mode.output_seconds()}"
