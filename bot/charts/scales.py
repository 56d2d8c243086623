"""Positions and labels of an axis' ticks, and amounts in short form."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.money import MICROUSD_PER_CENT, MICROUSD_PER_USD, dollars, exact_dollars, rounded
from bot.texts.forecast import MONTHS, WEEKDAYS

_THOUSAND, _MILLION, _BILLION = 10**3, 10**6, 10**9
_DAY_S = 86_400.0
_HOUR_S = 3600.0
_MARKS_MAX = 5


def short_dollars(microusd: int) -> str:
    """Return an amount in few characters: "$12.40", "$1,234", "$57k", or two digits below a cent: "$0.0025"."""
    size = abs(microusd)
    if rounded(size, MICROUSD_PER_CENT) < _THOUSAND * MICROUSD_PER_USD:
        return dollars(microusd)
    if rounded(size, MICROUSD_PER_USD) < 100 * _THOUSAND * MICROUSD_PER_USD:
        return _whole_dollars(microusd)
    return f"{'-' if microusd < 0 else ''}{_large(size)}"


def _whole_dollars(microusd: int) -> str:
    return dollars(rounded(microusd, MICROUSD_PER_USD)).removesuffix(".00")


def _large(microusd: int) -> str:
    """Return an amount from $1,000 on with three digits and k, M or bn."""
    usd = rounded(microusd, 10 ** (len(str(microusd)) - 3)) / MICROUSD_PER_USD
    unit, name = next((u, n) for u, n in ((_BILLION, "bn"), (_MILLION, "M"), (_THOUSAND, "k")) if usd >= u)
    return f"${usd / unit:,.6g}{name}"


def headline_dollars(microusd: int) -> str:
    """Return a sum to the cent below $10,000, to the dollar below $10 million, else as `short_dollars`."""
    size = abs(microusd)
    if size < 10 * _THOUSAND * MICROUSD_PER_USD:
        return dollars(microusd)
    return _whole_dollars(microusd) if size < 10 * _MILLION * MICROUSD_PER_USD else short_dollars(microusd)


def mark_dollars(microusd: int) -> str:
    """Return the label of a round amount on an axis: "$0", "$5", "$0.50", "$20k"."""
    if microusd and microusd % MICROUSD_PER_USD:
        return exact_dollars(microusd)
    usd = microusd // MICROUSD_PER_USD
    for unit, name in ((_BILLION, "bn"), (_MILLION, "M"), (10 * _THOUSAND, "k")):
        if usd >= unit:
            return f"${usd / (unit if name != 'k' else _THOUSAND):g}{name}"
    return f"${usd:,}"


def money_marks(most_microusd: int) -> tuple[int, ...]:
    """Return 0 and one to four round amounts up to `most_microusd`; 0 and one dollar if that is 0."""
    if most_microusd <= 0:
        return (0, MICROUSD_PER_USD)
    step = 10 ** max(0, len(str(most_microusd)) - 2)
    while True:
        for factor in (1, 2, 5):
            if most_microusd // (step * factor) <= 4:  # noqa: PLR2004 - the docstring names it
                return tuple(range(0, most_microusd + 1, step * factor))
        step *= 10


def day_marks(days: Sequence[date]) -> tuple[tuple[int, str], ...]:
    """Return (index, label) of a few days at even distances, the last one "today"."""
    last = len(days) - 1
    step = max(1, math.ceil(len(days) / (_MARKS_MAX - 0.5))) if len(days) > _MARKS_MAX else 1
    if len(days) > 2 * _MARKS_MAX:
        step = 7 * math.ceil(step / 7)
    return tuple((index, "today" if index == last else short_day(days[index])) for index in range(last, -1, -step))[
        ::-1
    ]


def short_day(day: date) -> str:
    """Return "3 Nov"."""
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def time_marks(starts_at: float, ends_at: float, tz: ZoneInfo) -> tuple[tuple[float, str], ...]:
    """Return two to five (time, label) from `starts_at` to `ends_at`: whole hours up to two days, else midnights.

    A mark is at least 0.75 steps from the first and the last, or their labels would overlap. The window is at most 4.4
    steps long, so at most three marks fit between them, also where one of the days has 23 hours.
    """
    length_s = ends_at - starts_at
    if length_s <= 2 * _DAY_S:
        step_s = math.ceil(length_s / _HOUR_S / (_MARKS_MAX - 1)) * _HOUR_S
        moments = [starts_at + index * step_s for index in range(_MARKS_MAX)]
        name = _hour
    else:
        first = datetime.fromtimestamp(starts_at, tz).date()
        name = _weekday if length_s <= 8 * _DAY_S else _month if length_s > 300 * _DAY_S else _day
        count = _MARKS_MAX - 1 if name is _month else _MARKS_MAX  # labels with a year are wider
        step = math.ceil(length_s / _DAY_S / (count - 1) - 0.1)  # the extra hour of a clock change adds no day
        step_s = step * _DAY_S
        moments = [datetime.combine(first + timedelta(i * step), time(), tz).timestamp() for i in range(_MARKS_MAX + 1)]
    room_s = 0.75 * step_s
    between = [at for at in moments if starts_at + room_s <= at <= ends_at - room_s]
    return tuple((at, name(datetime.fromtimestamp(at, tz))) for at in (starts_at, *between, ends_at))


def _hour(at: datetime) -> str:
    return f"{at:%H:%M}"


def _weekday(at: datetime) -> str:
    return f"{WEEKDAYS[at.weekday()][:3]} {at.day}"


def _day(at: datetime) -> str:
    return short_day(at.date())


def _month(at: datetime) -> str:
    return f"{MONTHS[at.month - 1][:3]} {at.year}"
