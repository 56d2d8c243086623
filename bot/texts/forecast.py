"""Forecasts in a sentence when a budget is used up at the current pace."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

# fmt: off
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# fmt: on
_EARLY = 1 / 48  # of the window: half an hour of a day, fifteen hours of a month
_EARLY_EVER_S = 86_400.0
_HORIZON_S = 2 * 365 * 86_400.0  # no date is named that is further away
_WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Forecast:
    """`empty_at` is in Unix seconds; None if the budget lasts until it renews, or if it is too early to tell."""

    empty_at: float | None
    sentence: str


def forecast(
    spent_microusd: int, *, started_at: float, now: float, ends_at: float | None, cap_microusd: int, tz: ZoneInfo
) -> Forecast:
    """Return when `cap_microusd` is used up at the pace since `started_at`; `ends_at` is None if it never renews.

    `spent_microusd` is what was used since `started_at`, held money included. The sentence names days of `tz`.
    """
    renews = "" if ends_at is None else f" It renews {day_words(ends_at, now, tz)}."
    if cap_microusd <= 0:
        return Forecast(now, f"Nothing can be spent.{renews}")
    if spent_microusd >= cap_microusd:
        return Forecast(now, f"It's used up.{renews}")
    if spent_microusd <= 0:
        return Forecast(None, "Nothing spent yet.")
    elapsed_s = now - started_at
    if elapsed_s <= 0 or elapsed_s < (_EARLY_EVER_S if ends_at is None else _EARLY * (ends_at - started_at)):
        return Forecast(None, "It's too early to tell how long it will last.")
    empty_at = now + (cap_microusd - spent_microusd) * (elapsed_s / spent_microusd)
    if ends_at is not None and empty_at >= ends_at:
        return Forecast(None, f"At this pace it lasts until it renews {day_words(ends_at, now, tz)}.")
    if empty_at - now > _HORIZON_S:
        return Forecast(None, "At this pace it lasts for more than two years.")
    return Forecast(empty_at, f"Empty {day_words(empty_at, now, tz)} at this pace.")


def day_words(at: float, now: float, tz: ZoneInfo) -> str:
    """Return a future time in words: "today at 18:40", "on Thursday the 23rd", "on 1 December"."""
    then, today = datetime.fromtimestamp(at, tz), datetime.fromtimestamp(now, tz)
    days = (then.date() - today.date()).days
    if days <= 0:
        return f"today at {then:%H:%M}"
    if days == 1:
        return "tomorrow" if (then.hour, then.minute) == (0, 0) else f"tomorrow at {then:%H:%M}"
    if (then.year, then.month) == (today.year, today.month):
        weekday = f"{WEEKDAYS[then.weekday()]} " if days < _WEEK_DAYS else ""
        return f"on {weekday}the {ordinal(then.day)}" if weekday else f"on the {ordinal(then.day)}"
    day = f"on {then.day} {MONTHS[then.month - 1]}"
    return day if then.year == today.year or days < 180 else f"{day} {then.year}"  # noqa: PLR2004 - half a year


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
