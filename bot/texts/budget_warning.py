"""The message in the log channel when a server's pool runs low."""

from bot.ledger.model import EVER_ENDS_AT, Warned
from bot.ledger.window_names import IN_WINDOW
from bot.money import dollars
from bot.texts.plain import bar

_DAY_S = 86_400.0


def warning(warned: Warned) -> str:
    """Return the message: the share used, what is left, when the pool renews, and the commands that help."""
    left = max(0, warned.cap_microusd - warned.used_microusd)
    used = warned.used_microusd / warned.cap_microusd
    renews = "" if warned.ends_at >= EVER_ENDS_AT else f" It renews <t:{int(warned.ends_at)}:R>."
    return (
        f"**{warned.threshold} % of this server's pool {_window(warned)} is used**\n{bar(min(1.0, used))} "
        f"{dollars(warned.used_microusd)} of {dollars(warned.cap_microusd)}, {dollars(left)} left.{renews}\n-# "
        "`/wanda-admin report` shows what it went to, and `/wanda-admin budget set` changes it."
    )


def _window(warned: Warned) -> str:
    """Tell the kind of window from its length: a day has 23 to 25 hours, a month 28 to 31 days."""
    if warned.ends_at >= EVER_ENDS_AT:
        return IN_WINDOW["ever"]
    days = (warned.ends_at - warned.starts_at) / _DAY_S
    return IN_WINDOW["day"] if days < 2 else IN_WINDOW["week"] if days < 8 else IN_WINDOW["month"]  # noqa: PLR2004 - see the docstring
