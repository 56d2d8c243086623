"""From a checked command to a committed job: the quote, the budgets and the row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.catalogue.mode import Mode
from bot.catalogue.price import PriceTable
from bot.catalogue.registry import build
from bot.jobs.facts import attached_of
from bot.jobs.model import Address, Input, Job
from bot.ledger.model import Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command whose options and files were checked. `mode` is the filled-in model; nothing is held yet.

    `parent_id`, `trigger` and `notes` are the job's, when it begins with the result of another.
    """

    job_id: str
    who: Who
    mode: Mode
    inputs: tuple[Input, ...]
    address: Address
    parent_id: str | None = None
    trigger: str | None = None
    notes: tuple[str, ...] = ()


def job_from(order: Order, prices: PriceTable, *, now: float) -> Job:
    """Return the job that this order becomes, with its quote.

    Raises:
        MediaRefused: a file does not fit the mode's limits.
        ModeOff: the mode's price is unknown.
    """
    facts = {item.option: item for item in order.inputs}
    order.mode.check(facts)
    quote = order.mode.quote(facts, prices)
    return Job(
        id=order.job_id,
        guild_id=order.who.guild_id,
        member_id=order.who.member_id,
        role_ids=order.who.role_ids,
        rules_channel_id=order.who.channel_id,
        mode=order.mode.id,
        options=order.mode.options(),
        inputs=order.inputs,
        quote_microusd=quote.microusd,
        formula=quote.formula,
        prices_version=quote.prices_version,
        similar=_similar(order.mode),
        state="accepted",
        created_at=now,
        updated_at=now,
        address=order.address,
        parent_id=order.parent_id,
        trigger=order.trigger,
        notes=order.notes,
    )


def mode_of(job: Job) -> Mode:
    """Return the filled-in model of a stored job."""
    return build(job.mode, job.options, attached_of(job.inputs))


def payload_of(job: Job) -> Mapping[str, Any]:
    """Return the exact JSON for fal; every input must have its URL."""
    return mode_of(job).payload({i.option: i.url for i in job.inputs if i.url is not None})


def _similar(mode: Mode) -> str:
    """Name what decides how long a video takes, so that an estimate compares like with like."""
    resolution = getattr(mode, "resolution", None)
    return f"{mode.id}:{resolution}:{mode.output_seconds()}"
