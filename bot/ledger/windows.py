"""Days, weeks, months and "for ever" in a server's own timezone, as absolute stretches of time.

A day begins at its first local midnight and ends where the next one begins, so a day of 23, 23½, 25 or, where a
country moved over the date line, of no hours at all is one day, and every moment is in exactly one of each kind.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

from bot.ledger.model import EVER_ENDS_AT, Window, WindowKind

_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """Return the IANA timezone of this name ("Europe/Berlin"), or None when there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # not found, a path or a folder, not a name at all
        return None


def window(kind: WindowKind, tz: ZoneInfo, now: float) -> Window:
    """Return the window of this kind that holds `now`. Weeks begin on Monday."""
    return window_on(kind, tz, day_of(tz, now))


@lru_cache(maxsize=4096)
def window_on(kind: WindowKind, tz: ZoneInfo, day: date) -> Window:
    """Return the window of this kind that holds the day, as `day_of` names it."""
    if kind == "ever":
        return Window("ever", 0.0, EVER_ENDS_AT)
    first, after = _span(kind, day)
    return Window(kind, starts_at(tz, first), starts_at(tz, after))


def day_of(tz: ZoneInfo, at: float) -> date:
    """Return the day whose window holds the moment.

    That is the date on the wall, but for the clocks that went back over midnight (Newfoundland, at 00:01): what they
    show for the second time still belongs to the day that had begun.
    """
    day = datetime.fromtimestamp(at, tz).date()
    if at >= starts_at(tz, day + _ONE_DAY):
        return day + _ONE_DAY
    return day


@lru_cache(maxsize=4096)
def starts_at(tz: ZoneInfo, day: date) -> float:
    """Return the day's first moment: midnight, its first one if there are two, or where the clocks jumped over it."""
    return datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC).timestamp()


def _span(kind: WindowKind, day: date) -> tuple[date, date]:
    """Return the first day of the window that the day is in, and the first day after it."""
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
