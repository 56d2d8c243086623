"""The best of several: drafts of one request at the cheapest resolution, then the one that is picked as asked for.

The drafts are a set of variations. The one that will be picked, the *final*, is a job of its own that does not exist
yet; its price is reserved with the drafts (`bot.ledger.reservations`) until somebody picks, or nobody does in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.catalogue.drafts import as_draft, draft_resolution, full_resolution
from bot.catalogue.price import PriceTable, Quote
from bot.catalogue.registry import build
from bot.jobs.model import VARIATIONS_MAX, VARIATIONS_MIN, Final, Job, Order, Request, Spot
from bot.jobs.picks import Pick
from bot.jobs.rerun import at_resolution
from bot.jobs.rule_query import rule_query
from bot.jobs.variations import jobs_from, variation_id, with_seed
from bot.ledger.reservations import Wish

TRIGGER = "button:pick"
_CHOICES_FROM = 10  # a command's choices 12 to 14 are drafts, as 2 to 4 are variations
# Until the drafts are made, which an approval may put off; then the pick has a time of its own.
RESERVED_S = 32 * 86_400.0


def drafts_choice(drafts: int) -> int:
    """Return the value of the choice of so many drafts, among those of variations."""
    return _CHOICES_FROM + drafts


def drafts_of(choice: int) -> int | None:
    """Return how many drafts a chosen value means; None for variations, and for what is no choice."""
    drafts = choice - _CHOICES_FROM
    return drafts if VARIATIONS_MIN <= drafts <= VARIATIONS_MAX else None


def best_of(request: Request, drafts: int, *, prices: PriceTable, is_chosen: bool, fresh_seed: int) -> Request:
    """Return the request for the best of this many drafts; the first has the seed that was asked for.

    `is_chosen` says that its member chose the resolution. Otherwise one that is no better than the drafts' gives way to
    the highest that has a price.

    Raises:
        OptionRefused: the catalogue does not have this request.
    """
    mode = request.mode
    full = full_resolution(mode.id, prices)
    if not is_chosen and full is not None and mode.options().get("resolution") == draft_resolution(mode.id, prices):
        mode = build(mode.id, {**mode.options(), "resolution": full}, mode.attached())
    return replace(request, mode=with_seed(mode, fresh_seed), drafts=drafts)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an order becomes: its jobs, what is reserved beside them, and the pick of its drafts."""

    jobs: Sequence[Job]
    reserve: Sequence[Wish] = ()
    pick: Pick | None = None


def ordered(order: Order, *, now: float) -> Ordered:
    """Return what the order becomes. The same order always becomes the same, so a repeated acceptance adds nothing.

    Raises:
        ValueError: the order has no card.
    """
    parts = order.quote.drafts
    if parts is None:
        return Ordered(jobs_from(order, now=now))
    mode, final_id = order.request.mode, variation_id(order.id, parts.number + 1)
    draft = replace(order.request, mode=as_draft(mode, parts.resolution), videos=parts.number, drafts=0)
    drafts = jobs_from(replace(order, request=draft, quote=parts.each.times(parts.number)), now=now)
    resolution = str(mode.options()["resolution"])
    final = Final(resolution=resolution, quote_microusd=parts.pick.microusd)
    wish = Wish(
        job_id=final_id,
        group_id=order.id,
        purpose="final",
        who=order.who,
        query=rule_query(mode),
        amount_microusd=parts.pick.microusd,
        reason=f"{mode.id}: {parts.pick.formula}",
        expires_at=now + RESERVED_S,
    )
    pick = Pick(
        set_id=order.id,
        final_id=final_id,
        guild_id=order.who.guild_id,
        member_id=order.who.member_id,
        final=final,
        formula=parts.pick.formula,
        prices_version=parts.pick.prices_version,
        ordered_at=now,
    )
    return Ordered(tuple(_as_one_of(job, final) for job in drafts), (wish,), pick)


def _as_one_of(job: Job, final: Final) -> Job:
    place = job.variation
    return job if place is None else replace(job, variation=replace(place, final=final))


def final_request(draft: Job, pick: Pick) -> Request:
    """Return the request for the picked draft in full, with its seed and with the prompt as fal rewrote it.

    Raises:
        OptionRefused: the catalogue no longer has this request.
    """
    return replace(at_resolution(draft, pick.final.resolution), trigger=TRIGGER)


def final_quote(pick: Pick) -> Quote:
    """Return the price that was told and reserved when the drafts were ordered, whatever it is now."""
    return Quote(microusd=pick.final.quote_microusd, formula=pick.formula, prices_version=pick.prices_version)


def spot_of(job: Job) -> Spot:
    """Return where the job's card is."""
    return Spot(job.guild_id, job.address.channel_id, job.address.message_id)
