"""fal's price list held against Wanda's prices: what moved, and whether a mode may go on selling at its price.

The list has one base price for an endpoint, without resolutions
(https://docs.fal.ai/platform-apis/v1/models/pricing), so it is an alarm and not the table of prices. A mode is off when
its videos may cost more than what is held for them; anything else is only told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal, TypeAlias, cast

from bot.catalogue.mode import Mode
from bot.catalogue.phrases import listed, shortened
from bot.catalogue.price import PriceTable, ceiling
from bot.money import MICROUSD_PER_USD, exact_dollars

DOLLARS = "USD"
_LOOK = "Look at the model's page on fal.ai."
_IF_NOT = "If it doesn't, leave Wanda's price: below fal's you would pay the rest of every video."
Verdict: TypeAlias = Literal["fine", "told", "off"]


@dataclass(frozen=True, slots=True)
class ListPrice:
    """fal's base price of one endpoint: `amount` of `currency` for one `unit` ("second", "video", …)."""

    amount: Decimal
    unit: str
    currency: str = DOLLARS

    def __str__(self) -> str:
        in_dollars = self.currency == DOLLARS
        amount = exact_dollars(int(self.amount * MICROUSD_PER_USD)) if in_dollars else f"{self.amount} {self.currency}"
        return f"{amount} a {shortened(self.unit)}"


@dataclass(frozen=True, slots=True)
class Seen:
    """The list price of a mode when all was fine with it, and the base price that Wanda counted with then."""

    price: ListPrice
    counted_microusd: int

    def as_values(self) -> dict[str, Any]:
        """Return it as JSON values, of which `seen_from` makes an equal one."""
        price = self.price
        return {
            "amount": str(price.amount),
            "unit": price.unit,
            "currency": price.currency,
            "counted_microusd": self.counted_microusd,
        }


def seen_from(values: object) -> Seen | None:
    """Return what `as_values` returned; None for anything else."""
    if not isinstance(values, Mapping):
        return None
    found = cast("Mapping[str, Any]", values)
    try:
        price = ListPrice(Decimal(found["amount"]), str(found["unit"]), str(found["currency"]))
        return Seen(price, int(found["counted_microusd"]))
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the mode's price holds, and the sentence for the operator where it may not."""

    verdict: Verdict
    sentence: str = ""


def counted_microusd(mode: type[Mode], prices: PriceTable) -> int | None:
    """Return the base price that Wanda's prices of the mode amount to, in micro-dollars; None for a mode without any.

    The shipped prices belong to `rates.unit_microusd`. Where prices are stated, the resolution that was raised the
    least counts.
    """
    rates = mode.rates
    raised = [
        Fraction(prices.rows[mode.id, resolution], shipped)
        for resolution, shipped in rates.microusd.items()
        if (mode.id, resolution) in prices.rows
    ]
    return int(min(raised) * rates.unit_microusd) if raised else None


def judge(mode: type[Mode], price: ListPrice | None, seen: Seen | None, prices: PriceTable) -> Judgement:
    """Judge fal's list price of the mode, None where it lists none, by what was seen of it last."""
    counted = counted_microusd(mode, prices)
    if counted is None:
        return Judgement("fine")
    if price is None:
        return Judgement("told", f"fal's price list no longer has {mode.title}. Wanda counts {_ours(mode, prices)}.")
    if price.currency != DOLLARS:
        return Judgement("off", f"fal lists {mode.title} at {price}, which is no price in dollars. {_LOOK}")
    if seen is None:
        return _judge_first(mode, price, counted, prices)
    if price.unit != seen.price.unit:
        return Judgement("off", f"fal lists {mode.title} at {price} now, and {seen.price} before. {_LOOK}")
    if price.amount == seen.price.amount:
        return Judgement("fine")
    moved = f"fal lists {mode.title} at {price} now, and {seen.price} before"
    if not price.amount or not seen.price.amount:
        return Judgement("off" if price.amount else "told", f"{moved}. {_LOOK}")
    # What Wanda would count with if her price had moved as far as fal's.
    wanted = ceiling(Fraction(price.amount) / Fraction(seen.price.amount) * seen.counted_microusd)
    if wanted == counted:
        return Judgement("fine")
    if wanted > counted:
        return Judgement("off", f"{moved}, so Wanda's price is too low. {_base_price(mode, wanted)}")
    return Judgement("told", f"{moved}, so Wanda's price may be too high. {_base_price(mode, wanted)} {_IF_NOT}")


def _judge_first(mode: type[Mode], price: ListPrice, counted: int, prices: PriceTable) -> Judgement:
    """Judge the first list price that is seen: any price of a resolution may be the base that fal lists."""
    ours = _rates(mode, prices)
    listed_microusd = ceiling(Fraction(price.amount) * MICROUSD_PER_USD)
    if listed_microusd == counted or listed_microusd in ours:
        return Judgement("fine")
    sentence = f"fal lists {mode.title} at {price}, and Wanda counts {_ours(mode, prices)}."
    if listed_microusd > max(ours):
        return Judgement("off", f"{sentence} {_base_price(mode, listed_microusd)}")
    return Judgement("told", f"{sentence} {_LOOK}")


def _base_price(mode: type[Mode], microusd: int) -> str:
    usd = f"{Decimal(microusd) / MICROUSD_PER_USD:f}"
    return f"If the model's page on fal.ai says so too, set WANDA_BASE_PRICES_USD={mode.id}={usd} and restart."


def _rates(mode: type[Mode], prices: PriceTable) -> list[int]:
    return [prices.rows[mode.id, one] for one in mode.rates.microusd if (mode.id, one) in prices.rows]


def _ours(mode: type[Mode], prices: PriceTable) -> str:
    named = [(one, prices.rows[mode.id, one]) for one in mode.rates.microusd if (mode.id, one) in prices.rows]
    return listed((f"{exact_dollars(rate)} at {resolution}" for resolution, rate in named), "and")


def base_prices(stated: str, modes: Iterable[type[Mode]]) -> dict[str, Decimal]:
    """Return the dollars by mode id in "wan27-image=0.12, wan22-video=0.09".

    Raises:
        ValueError: it cannot be read; the sentence says how to write it.
    """
    known = {mode.id for mode in modes}
    prices: dict[str, Decimal] = {}
    for pair in stated.replace(",", " ").split():
        mode_id, _, usd = pair.partition("=")
        try:
            price = Decimal(usd)
        except InvalidOperation:
            price = Decimal(0)
        if mode_id not in known or not price.is_finite() or not 0 < price <= 1000:  # noqa: PLR2004 - dollars
            raise ValueError(f"write a mode and dollars above 0, such as {next(iter(known))}=0.12")
        prices[mode_id] = price
    return prices
