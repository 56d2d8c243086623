"""Finds the next cheaper variant of a request: a lower resolution first, then a shorter video."""

from collections.abc import Iterator, Mapping

from bot.catalogue.mode import Mode
from bot.catalogue.price import PriceTable, Quote
from bot.catalogue.registry import build
from bot.errors import Refusal
from bot.media_spec import MediaFacts

LENGTHS = ("duration", "num_frames")  # every mode has one of them


def cheaper(mode: Mode, facts: Mapping[str, MediaFacts], prices: PriceTable) -> tuple[Mode, Quote] | None:
    """Return the request with the least change that costs less, and its quote; None when this is the cheapest.

    That is the dearest of the cheaper resolutions, or at the cheapest resolution the longest video that costs less.
    """
    price = mode.quote(facts, prices).microusd
    by_resolution = [
        found for found in _allowed(mode, _other_resolutions(mode), facts, prices) if found[1].microusd < price
    ]
    if by_resolution:
        return max(by_resolution, key=lambda found: found[1].microusd)
    shorter = _allowed(mode, _shorter(mode), facts, prices)
    return next((found for found in shorter if found[1].microusd < price), None)


def _other_resolutions(mode: Mode) -> Iterator[Mapping[str, object]]:
    for resolution in mode.specs()["resolution"].choices:
        yield {"resolution": resolution}


def _shorter(mode: Mode) -> Iterator[Mapping[str, object]]:
    """Yield every shorter length, the longest first."""
    name = next(name for name in LENGTHS if name in mode.specs())
    spec = mode.specs()[name]
    now: int = getattr(mode, name)
    if spec.choices:
        lengths = sorted((choice for choice in spec.choices if isinstance(choice, int)), reverse=True)
    else:
        lengths = list(range(now, int(spec.minimum or now) - 1, -1))
    for length in lengths:
        if length < now:
            yield {name: length}


def _allowed(
    mode: Mode, changes: Iterator[Mapping[str, object]], facts: Mapping[str, MediaFacts], prices: PriceTable
) -> Iterator[tuple[Mode, Quote]]:
    """Yield the changed requests that the mode's rules allow with these files, with their quotes."""
    for change in changes:
        try:
            changed = build(mode.id, {**mode.options(), **change}, mode.attached())
            changed.check(facts)
            yield changed, changed.quote(facts, prices)
        except Refusal:
            continue  # a clip to continue may be longer than this, or the resolution's price unknown
