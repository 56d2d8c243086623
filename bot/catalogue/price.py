"""Prices in integer micro-dollars: the price table with its version, and the quote.

Rounding: only a probed length can be a fraction. It is taken as the decimal that it prints as and rounded up to a whole
microsecond; the price is rounded up to a whole micro-dollar. So a quote is never below the formula's value, and at most
one micro-dollar (plus the rounded microsecond) above it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Self

from bot.errors import ModeOff
from bot.money import MICROUSD_PER_USD, dollars

MICROSECONDS_PER_S = 1_000_000
NO_BASES: Mapping[str, Decimal] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What `videos` videos cost together, the formula in words, and the version of the price table.

    They are equal, unless they are `drafts` with the one of them that will be picked and made in full.
    """

    microusd: int
    formula: str
    prices_version: str
    videos: int = 1
    drafts: "DraftsAndPick | None" = None

    @property
    def begun(self) -> int:
        """How many of them begin at once: what is picked later does not."""
        return self.videos if self.drafts is None else self.drafts.number

    def times(self, videos: int) -> Self:
        """Return what this many videos like this one cost together."""
        if videos == 1:
            return self
        formula = f"{_times(videos)}{self.formula}"
        return replace(self, microusd=self.microusd * videos, formula=formula, videos=videos)

    def of_one(self) -> Self:
        """Return what one of the videos costs."""
        formula = self.formula.removeprefix(_times(self.videos))
        return replace(self, microusd=self.microusd // self.videos, formula=formula, videos=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftsAndPick:
    """So many drafts at a cheaper resolution, what each costs, and what the one that is picked costs in full."""

    number: int
    resolution: str
    each: Quote
    pick: Quote

    def quote(self) -> Quote:
        """Return what all of it costs together."""
        return Quote(
            microusd=self.each.microusd * self.number + self.pick.microusd,
            formula=f"{self.number} drafts × {dollars(self.each.microusd)} + the pick {dollars(self.pick.microusd)}",
            prices_version=self.pick.prices_version,
            videos=self.number + 1,
            drafts=self,
        )


def _times(videos: int) -> str:
    return f"{videos} videos × "


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """A mode's shipped prices: micro-dollars per unit by resolution, and where and when they were read.

    `unit_microusd` is fal's base price of one billable unit. Only Wan 2.1's page says how resolutions count in units;
    for the other modes it is inferred.
    """

    microusd: Mapping[str, int]
    unit_microusd: int
    unit: str
    source: str
    read_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Every known rate, by mode id and resolution. `version` changes whenever any rate does."""

    version: str
    rows: Mapping[tuple[str, str], int]

    @classmethod
    def of(
        cls,
        shipped: Mapping[str, Rates],
        stated: Mapping[str, Mapping[str, Decimal | None]],
        bases: Mapping[str, Decimal] = NO_BASES,
    ) -> Self:
        """Return the table of the `shipped` rates by mode id; the modes in `stated` have those dollars instead.

        A mode in `bases` has another base price: its shipped rates move with it, and no stated one is below that. A
        resolution whose stated price is missing, None or zero gets no row: it is off, never free.
        """
        rows: dict[tuple[str, str], int] = {}
        for mode_id, rates in shipped.items():
            least = _moved(rates, bases[mode_id]) if mode_id in bases else None
            chosen: Mapping[str, int | None] = rates.microusd if least is None else least
            if mode_id in stated:
                chosen = {resolution: _microusd(stated[mode_id].get(resolution)) for resolution in rates.microusd}
                if least is not None:
                    chosen = {one: rate and max(rate, least[one]) for one, rate in chosen.items()}
            rows |= {
                (mode_id, resolution): rate for resolution, rate in chosen.items() if rate is not None and rate > 0
            }
        text = json.dumps([[*key, rate] for key, rate in sorted(rows.items())])
        newest = max(rates.read_on for rates in shipped.values())
        return cls(version=f"{newest}-{hashlib.sha256(text.encode()).hexdigest()[:8]}", rows=rows)

    def rates(self, mode_id: str) -> dict[str, int]:
        """Return the known rates of a mode by resolution."""
        return {resolution: rate for (owner, resolution), rate in self.rows.items() if owner == mode_id}

    def rate(self, mode_id: str, resolution: str, *, title: str) -> int:
        """Return the micro-dollars that one unit of the mode costs.

        Raises:
            ModeOff: the table has no such rate; an unknown price is never free.
        """
        rate = self.rows.get((mode_id, resolution))
        if rate is not None:
            return rate
        known = list(self.rates(mode_id))
        if known:
            raise ModeOff(
                f"{title} is off at {resolution}, because its price there isn't known. "
                f"Choose {' or '.join(known)} and try again."
            )
        raise ModeOff(
            f"{title} is off, because its price isn't known. "
            "Choose another mode, or ask whoever runs Wanda to set the price."
        )


def _moved(rates: Rates, base_usd: Decimal) -> dict[str, int]:
    """Return the rates as if they had been read with this base price."""
    moved = Fraction(base_usd) * MICROUSD_PER_USD / rates.unit_microusd
    return {resolution: ceiling(rate * moved) for resolution, rate in rates.microusd.items()}


def _microusd(usd: Decimal | None) -> int | None:
    return None if usd is None else ceiling(Fraction(usd) * MICROUSD_PER_USD)


def ceiling(amount: Fraction) -> int:
    """Return the smallest integer that is not below `amount`."""
    return -(-amount.numerator // amount.denominator)


def microseconds(seconds: float) -> int:
    """Return `seconds` as the decimal that it prints as, in whole microseconds, rounded up."""
    return ceiling(Fraction(repr(seconds)) * MICROSECONDS_PER_S)


def seconds_text(duration_us: int) -> str:
    """Return `duration_us` microseconds as seconds without trailing zeros: "8", "2.5"."""
    whole, rest = divmod(duration_us, MICROSECONDS_PER_S)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
