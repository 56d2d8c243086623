"""Drafts of a video: the same request at the resolution that costs least, of which one is picked and made in full.

Only the resolution differs. A shorter draft would show another movement, so that one would pick what is not made.
"""

from collections.abc import Mapping

from bot.catalogue.mode import Mode
from bot.catalogue.price import DraftsAndPick, PriceTable
from bot.catalogue.registry import build
from bot.errors import OptionRefused
from bot.media_spec import MediaFacts


def has_drafts(mode_id: str, prices: PriceTable) -> bool:
    """Return whether the mode has a resolution that costs less than another one."""
    return len(set(prices.rates(mode_id).values())) > 1


def draft_resolution(mode_id: str, prices: PriceTable) -> str | None:
    """Return the resolution that costs least, the lowest of several; None without any price."""
    rates = prices.rates(mode_id)
    return min(rates, key=lambda one: (rates[one], _lines(one)), default=None)


def full_resolution(mode_id: str, prices: PriceTable) -> str | None:
    """Return the highest resolution that has a price; None without any price."""
    return max(prices.rates(mode_id), key=_lines, default=None)


def as_draft(mode: Mode, resolution: str) -> Mode:
    """Return the request at a draft's resolution."""
    return build(mode.id, {**mode.options(), "resolution": resolution}, mode.attached())


def drafts_and_pick(mode: Mode, number: int, facts: Mapping[str, MediaFacts], prices: PriceTable) -> DraftsAndPick:
    """Return what so many drafts of the request cost, and the one that is picked.

    Raises:
        ModeOff: a price is not known.
        OptionRefused: a draft costs as much as the video itself.
    """
    pick = mode.quote(facts, prices)
    resolution = draft_resolution(mode.id, prices)
    if resolution is None or not has_drafts(mode.id, prices):
        raise OptionRefused(
            f"{mode.title} costs the same at every resolution, so drafts save nothing. "
            f"Use `variations:{number}` instead, and keep the one you like."
        )
    each = as_draft(mode, resolution).quote(facts, prices)
    if each.microusd >= pick.microusd:
        raise OptionRefused(
            f"Drafts are made at {resolution}, so choose a higher resolution for the one you pick. "
            f"To keep them all at {resolution}, use `variations:{number}`.",
            option="resolution",
        )
    return DraftsAndPick(number=number, resolution=resolution, each=each, pick=pick)


def _lines(resolution: str) -> int:
    return int(resolution.removesuffix("p"))
