"""Parses amounts that people type ("5", "$5", "5.50") exactly."""

import re
from decimal import Decimal

from bot.errors import OptionRefused
from bot.money import AMOUNT_MAX_MICROUSD, MICROUSD_PER_USD

MOST_USD = AMOUNT_MAX_MICROUSD // MICROUSD_PER_USD
_LENGTH_MAX = 40
_NUMBER = re.compile(r"(?P<whole>[0-9]+)(?:\.(?P<rest>[0-9]*))?|\.(?P<only>[0-9]+)")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_DECIMALS_MAX = 6


def typed_amount(text: str) -> int:
    """Return the amount ("5", "$5", "5.50", "1,000", "0") in micro-dollars.

    Raises:
        OptionRefused: it is negative, has more than six decimals, is above $1,000,000, or is no amount at all.
    """
    said = text.strip()
    number = said.removeprefix("$").removesuffix("$").strip()
    if not number:
        raise OptionRefused("The amount is empty. Write it in dollars, for example 5, $5 or 5.50.")
    if number.startswith(("-", "\u2212")):
        raise OptionRefused(f"“{_short(said)}” is negative. Give zero or more, for example 5 or 5.50.")
    if _GROUPED.fullmatch(number):
        number = number.replace(",", "")
    match = _NUMBER.fullmatch(number)
    if match is None or len(number) > _LENGTH_MAX:
        raise OptionRefused(
            f"“{_short(said)}” isn't an amount in dollars. Write a number with a point, for example 5, $5 or 5.50."
        )
    if len(match["rest"] or match["only"] or "") > _DECIMALS_MAX:
        raise OptionRefused(
            f"“{_short(said)}” has more than {_DECIMALS_MAX} decimals. Wanda counts to a millionth of a dollar: "
            "round it, for example to 5.50."
        )
    exact = Decimal(number)
    if exact > MOST_USD:
        raise OptionRefused(f"“{_short(said)}” is above ${MOST_USD:,}, the most Wanda takes. Give a smaller amount.")
    return int(exact * MICROUSD_PER_USD)


def _short(text: str) -> str:
    """Return the text cut to one line, without characters that Discord would format or turn into a ping."""
    plain = re.sub(r"[`*_~|<>@\s]+", " ", text).strip()
    return plain if len(plain) <= _LENGTH_MAX else plain[: _LENGTH_MAX - 1] + "…"
