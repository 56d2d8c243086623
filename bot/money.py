"""Amounts of money: integers of micro-dollars inside, dollars in what people read.

Everything that people read rounds by `rounded`, half up. `dollars` is for what they glance at, `exact_dollars` for a
formula, a limit that an order did not keep, a rule that somebody typed, and the books.
"""

MICROUSD_PER_USD = 1_000_000
MICROUSD_PER_CENT = 10_000
# The most that one stored amount may be: $1,000,000. The schema's step 0007 states it for the database.
AMOUNT_MAX_MICROUSD = 1_000_000 * MICROUSD_PER_USD
_DIGITS_BELOW_A_CENT = 2


def dollars(microusd: int) -> str:
    """Return the amount in dollars and cents, or with two digits below a cent, so that only nothing reads as "$0.00".

    750_000 is "$0.75", 62_500 is "$0.06", 2_500 is "$0.0025", -350_000 is "-$0.35".
    """
    digits = len(str(abs(microusd)))
    unit = MICROUSD_PER_CENT if abs(microusd) >= MICROUSD_PER_CENT else 10 ** max(0, digits - _DIGITS_BELOW_A_CENT)
    return exact_dollars(rounded(microusd, unit))


def exact_dollars(microusd: int) -> str:
    """Return the exact amount in dollars: at least two decimals, and no zeros beyond them. 62_500 is "$0.0625"."""
    whole, rest = divmod(abs(microusd), MICROUSD_PER_USD)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if microusd < 0 else ''}${whole:,}.{decimals}"


def rounded(microusd: int, unit: int) -> int:
    """Return the nearest multiple of `unit`; a half goes up, and for a debt down, so that both look alike."""
    size = (2 * abs(microusd) + unit) // (2 * unit) * unit
    return -size if microusd < 0 else size


def in_whole_cents(microusd: int) -> int:
    """Return the least whole number of cents that is not below the amount, in micro-dollars."""
    return -(-microusd // MICROUSD_PER_CENT) * MICROUSD_PER_CENT
