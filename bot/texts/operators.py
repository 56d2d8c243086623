"""What whoever runs Wanda reads on the command line."""

from collections.abc import Mapping, Sequence

from bot.money import exact_dollars
from bot.settings import MoneySettings
from bot.units import counted

WHERE_KEYS_ARE: Mapping[str, str] = {
    "DISCORD_TOKEN": "Copy it from Discord's developer portal (your application, Bot, Reset Token) into .env.",
    "FAL_KEY": "Make one at fal.ai (dashboard, Keys) and put it into .env.",
}


def missing_keys(names: Sequence[str]) -> str:
    """Return a line for each key that is not set, with where to get it."""
    return "\n".join(f"{name} is not set. {WHERE_KEYS_ARE[name]}" for name in names)


def budgets_line(money: MoneySettings) -> str:
    """Return what a server may spend until its admins change it, and the operator's caps."""
    caps = [
        f"{exact_dollars(amount)} a month for {whose}"
        for whose, amount in (
            ("any one server", money.server_cap_microusd),
            ("all servers together", money.total_cap_microusd),
        )
        if amount is not None
    ]
    return (
        f"each member has {exact_dollars(money.member_daily_microusd)} a day and each server "
        f"{exact_dollars(money.server_monthly_microusd)} a month, until its admins change it; "
        f"your caps: {' and '.join(caps) or 'none'}"
    )


def to_fix(count: int) -> str:
    """Return the last line of `bot check`."""
    return f"{counted(count, 'thing')} to fix." if count else "Nothing to fix. Start Wanda with `python -m bot run`."


def no_database(name: str) -> str:
    """Return why there are no books to look into."""
    return (
        f"There's no database at {name}. `python -m bot run` makes one; if yours is elsewhere, "
        "set WANDA_DATA_DIR or DATABASE_URL."
    )
