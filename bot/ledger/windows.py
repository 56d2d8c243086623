"""Days, weeks, months and "for ever" in a server's timezone, as intervals of Unix time.

A day lasts from its first local midnight to the next day's. It can have 23, 23½ or 25 hours, or none where a country
moved across the date line. Each moment is in exactly one day, one week and one month.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

from bot.ledger.model import EVER_ENDS_AT, Window, WindowKind

_ONE_DAY = timedelta(days=1)
_LONGEST_SHIFT_S = 2 * 86400.0  # between two timezones; it is 26 hours


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """Return the IANA timezone of this name ("Europe/Berlin"), or None when there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # the name is unknown, a path or folder, or malformed
        return None


def window(kind: WindowKind, tz: ZoneInfo, now: float) -> Window:
    """Return the window of this kind that contains `now`. Weeks begin on Monday."""
    return window_on(kind, tz, day_of(tz, now))


def running_window(kind: WindowKind, tz: ZoneInfo, now: float, kept: Window | None) -> Window:
    """Return the window of this kind that contains `now`, where `kept` began in the timezone of before.

    It goes on until the first midnight of the new timezone after its own end, so that every day is at least as long
    as a day, however often the timezone changes. What is drawn in a week or month that began before that midnight
    counts for it too.
    """
    if kept is not None and kept.starts_at <= now:
        ends_at = _end_of_kept(kept, tz)
        if now < ends_at:
            return Window(kind, kept.starts_at, ends_at)
    return window(kind, tz, now)


@lru_cache(maxsize=1024)
def _end_of_kept(kept: Window, tz: ZoneInfo) -> float:
    day = day_of(tz, kept.ends_at)
    ends_at = starts_at(tz, day)
    if ends_at < kept.ends_at:
        ends_at = starts_at(tz, day + _ONE_DAY)
    # Westward across more than a day, the new timezone is still in the same week or month.
    own = window(kept.kind, tz, ends_at)
    return own.ends_at if kept.kind != "day" and own.ends_at - kept.ends_at < _LONGEST_SHIFT_S else ends_at


@lru_cache(maxsize=4096)
def window_on(kind: WindowKind, tz: ZoneInfo, day: date) -> Window:
    """Return the window of this kind that contains a day from `day_of`."""
    if kind == "ever":
        return Window("ever", 0.0, EVER_ENDS_AT)
    first, after = _span(kind, day)
    return Window(kind, starts_at(tz, first), starts_at(tz, after))


def day_of(tz: ZoneInfo, at: float) -> date:
    """Return the day whose window contains the moment.

    It is the local date, except after clocks went back across midnight (Newfoundland, at 00:01): the repeated minutes
    belong to the day that had already begun.
    """
    day = datetime.fromtimestamp(at, tz).date()
    if at >= starts_at(tz, day + _ONE_DAY):
        return day + _ONE_DAY
    return day


@lru_cache(maxsize=4096)
def starts_at(tz: ZoneInfo, day: date) -> float:
    """Return the day's start: its first midnight, or the moment of the jump if the clocks skip midnight."""
    return datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC).timestamp()


def _span(kind: WindowKind, day: date) -> tuple[date, date]:
    """Return the first day of the window that contains the day, and the first day after the window."""
    match kind:
        case "day":
            return day, day + _ONE_DAY
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            return first, (first + timedelta(days=31)).replace(day=1)
        case "ever":
            raise ValueError("for ever has no days")
        case _:
            assert_never(kind)
