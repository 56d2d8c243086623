"""Amounts of money: integers of micro-dollars inside, dollars in what people read."""

MICROUSD_PER_USD = 1_000_000
# The most that one stored amount may be: $1,000,000. The schema's step 0007 states it for the database.
AMOUNT_MAX_MICROUSD = 1_000_000 * MICROUSD_PER_USD


def dollars(microusd: int) -> str:
    """Return the exact amount in dollars: at least two decimals, and no zeros beyond them.

    750_000 is "$0.75", 62_500 is "$0.0625", -350_000 is "-$0.35".
    """
    whole, rest = divmod(abs(microusd), MICROUSD_PER_USD)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if microusd < 0 else ''}${whole:,}.{decimals}"
