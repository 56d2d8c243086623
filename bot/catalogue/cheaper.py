"""The other resolutions and lengths of a request with their prices, the next cheaper one, and the nearest that fits."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from bot.catalogue.mode import LENGTHS, Mode
from bot.catalogue.price import PriceTable, Quote
from bot.catalogue.registry import build
from bot.errors import Refusal
from bot.media_spec import MediaFacts

CHOICES_MAX = 25  # of one select in Discord
Facts: TypeAlias = Mapping[str, MediaFacts] | None  # by option; None while the files were not read


class Variant(NamedTuple):
    """A request at some resolution and length, and what it costs."""

    mode: Mode
    quote: Quote


class Offers(NamedTuple):
    """What a member may change of a request before it is made: a cheaper setting, others, and what they asked first."""

    cheaper: Variant | None
    resolutions: tuple[Variant, ...]
    lengths: tuple[Variant, ...]
    back: Variant | None

    def priced(self, whole: "Callable[[Variant], Variant | None]") -> "Offers":
        """Return what can be changed of an order of several videos; `whole` is a variant with the price of all of them.

        It is None where the order cannot be made so.
        """
        return Offers(
            None if self.cheaper is None else whole(self.cheaper),
            tuple(one for one in map(whole, self.resolutions) if one is not None),
            tuple(one for one in map(whole, self.lengths) if one is not None),
            None if self.back is None else whole(self.back),
        )


def offers(mode: Mode, facts: Facts, prices: PriceTable, *, first: Mode | None) -> Offers:
    """Return what can be changed of the request; `first` is what was asked at first, if that was changed since."""
    return Offers(
        cheaper=cheaper(mode, facts, prices),
        resolutions=at_each_resolution(mode, facts, prices),
        lengths=at_each_length(mode, facts, prices),
        back=None if first is None or first == mode else Variant(first, first.quote(facts or {}, prices)),
    )


def cheaper(mode: Mode, facts: Facts, prices: PriceTable) -> Variant | None:
    """Return the request with the least change that costs less, and its quote; None when this is the cheapest.

    That is the dearest of the cheaper resolutions, or at the cheapest resolution the longest video that costs less.
    """
    price = mode.quote(facts or {}, prices).microusd
    by_resolution = [one for one in at_each_resolution(mode, facts, prices) if one.quote.microusd < price]
    if by_resolution:
        return max(by_resolution, key=lambda found: found.quote.microusd)
    shorter = _allowed(mode, ({length_option(mode): one} for one in _shorter_lengths(mode)), facts, prices)
    return next((found for found in shorter if found.quote.microusd < price), None)


def nearest(
    mode: Mode, facts: Facts, prices: PriceTable, *, fits: Callable[[Variant], bool], shortens: bool = True
) -> Variant | None:
    """Return the dearest variant below the request's price that `fits`, as long as possible; None if there is none.

    With `shortens` it may be shorter; it is never longer.
    """
    price, name = mode.quote(facts or {}, prices).microusd, length_option(mode)
    lengths = [getattr(mode, name), *(_shorter_lengths(mode) if shortens else ())]
    changes = ({name: length, "resolution": one} for length in lengths for one in mode.specs()["resolution"].choices)
    found = [one for one in _allowed(mode, changes, facts, prices) if one.quote.microusd < price]
    found.sort(key=lambda one: (one.quote.microusd, getattr(one.mode, name)), reverse=True)
    return next((one for one in found if fits(one)), None)


def at_each_resolution(mode: Mode, facts: Facts, prices: PriceTable) -> tuple[Variant, ...]:
    """Return the request at each resolution whose price is known, in the order of the mode's choices."""
    choices = mode.specs()["resolution"].choices
    return tuple(_allowed(mode, ({"resolution": one} for one in choices), facts, prices))


def at_each_length(mode: Mode, facts: Facts, prices: PriceTable) -> tuple[Variant, ...]:
    """Return the request at each length that the files allow, the shortest first; of many only some."""
    name, now = length_option(mode), length_of(mode)
    every = _lengths(mode)
    step = -(-len(every) // (CHOICES_MAX - 1))  # leaves a place for the request's own length
    some = sorted({*every[::step], now}) if step > 1 else every
    return tuple(_allowed(mode, ({name: one} for one in some), facts, prices))


def length_option(mode: Mode) -> str:
    """Return the name of the option that is the video's length."""
    return next(name for name in LENGTHS if name in mode.specs())


def length_of(mode: Mode) -> int:
    """Return the video's length, in the unit of its option."""
    return getattr(mode, length_option(mode))


def _lengths(mode: Mode) -> list[int]:
    """Return every length that the mode has, the shortest first."""
    spec, now = mode.specs()[length_option(mode)], length_of(mode)
    if spec.choices:
        return sorted(choice for choice in spec.choices if isinstance(choice, int))
    least, most = int(spec.minimum or now), int(spec.maximum or now)
    return list(range(least, most + 1))


def _shorter_lengths(mode: Mode) -> list[int]:
    """Return every shorter length, the longest first; all of them where the length is 0, a whole clip's."""
    now = length_of(mode)
    return [one for one in reversed(_lengths(mode)) if one and (not now or one < now)]


def _allowed(
    mode: Mode, changes: Iterable[Mapping[str, object]], facts: Facts, prices: PriceTable
) -> Iterator[Variant]:
    """Yield the changed requests that the mode's rules allow with these files, with their quotes."""
    for change in changes:
        try:
            changed = build(mode.id, {**mode.options(), **change}, mode.attached())
            if facts is not None:
                changed.check(facts)
            yield Variant(changed, changed.quote(facts or {}, prices))
        except Refusal:
            continue  # a clip to continue may be longer than this, or the resolution's price unknown
