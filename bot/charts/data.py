"""Builds charts from the ledger's data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bot.charts.model import (
    MEMBERS_MAX,
    MODES_MAX,
    BurnDown,
    Chart,
    SpendByDay,
    SpendByMode,
    TopMembers,
    amounts_by_day,
    thin,
)
from bot.ledger.model import DaySpend, MemberSpend, Standing, View
from bot.ledger.window_names import IN_WINDOW
from bot.ledger.windows import day_of
from bot.texts.report import Report, by_mode, mode_title, outlook

QUOTA_DAYS = 30
Hours: TypeAlias = Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The last days in a server's timezone, oldest first, today last."""

    days: tuple[date, ...]

    @classmethod
    def last(cls, count: int, *, now: float, tz: ZoneInfo) -> "Days":
        """Return the `count` days up to today; `now` is in Unix seconds."""
        today = day_of(tz, now)
        return cls(days=tuple(today - timedelta(days=back) for back in reversed(range(count))))


def report_charts(report: Report, hours: Sequence[Hours], names: Mapping[int, str]) -> dict[str, Chart]:
    """Return a report's charts by file name, without those that have nothing to show.

    `hours` are (time, amount spent) for each of its pools, in their order.
    """
    days = Days.last(report.days, now=report.now, tz=report.tz)
    charts: dict[str, Chart] = {}
    if any(one.spent_microusd for one in report.by_day):
        charts["spent-by-mode.png"] = spend_by_mode_chart(report.by_day, days)
    for pool, spent in zip(report.pools, hours, strict=True):
        if pool.used_microusd:
            name = f"pool-{pool.limit.window.kind}.png"
            charts[name] = burn_down_chart(pool, spent, now=report.now, tz=report.tz)
    if any(one.spent_microusd for one in report.top):
        charts["top-members.png"] = top_members_chart(report.top, names, days)
    return charts


def spend_by_day_chart(spent: Sequence[DaySpend], days: Days, view: View) -> SpendByDay:
    """Return what a member spent on each day, with the tightest of their daily allowances."""
    caps = [one.limit.cap_microusd for one in view.standings if one.limit.whose == "member" and _daily(one)]
    return SpendByDay(
        title=f"Your last {len(days.days)} days",
        days=days.days,
        microusd=_daily_amounts(spent, days),
        allowance_microusd=min(caps, default=None),
    )


def spend_by_mode_chart(spent: Sequence[DaySpend], days: Days) -> SpendByMode:
    """Return what a server spent on each day by mode, the most expensive `MODES_MAX` modes first."""
    modes = list(by_mode(spent))[:MODES_MAX]
    return SpendByMode(
        title=f"Spent in the last {len(days.days)} days",
        days=days.days,
        modes=tuple(
            (mode, mode_title(mode), _daily_amounts([one for one in spent if one.mode == mode], days)) for mode in modes
        ),
    )


def burn_down_chart(pool: Standing, hours: Hours, *, now: float, tz: ZoneInfo) -> BurnDown:
    """Return what was left of a pool from its window's start to now, and the forecast."""
    window, cap = pool.limit.window, pool.limit.cap_microusd
    # A pool that never renews starts at its first spending: with 1970, all of it would be in the last pixel.
    starts_at = window.starts_at if window.kind != "ever" or not hours else max(0.0, hours[0][0] - 3600)
    starts_at = min(starts_at, now)
    points = [(starts_at, cap)]
    left = cap
    for at, amount in hours:
        left -= amount
        points.append((min(max(at, starts_at), now), left))
    points.append((now, cap - pool.used_microusd))
    ahead = outlook(pool, now=now, tz=tz)
    return BurnDown(
        title=f"What is left of the pool {IN_WINDOW[window.kind]}",
        points=thin(points),
        cap_microusd=cap,
        starts_at=starts_at,
        ends_at=window.renews_at,
        timezone=tz.key,
        empty_at=ahead.empty_at,
        sentence=ahead.sentence,
    )


def top_members_chart(top: Sequence[MemberSpend], names: Mapping[int, str], days: Days) -> TopMembers:
    """Return who spent most; a member without an entry in `names` is "somebody who left"."""
    return TopMembers(
        title=f"Who spent most in {len(days.days)} days",
        rows=tuple((names.get(one.member_id, "somebody who left"), one.spent_microusd) for one in top[:MEMBERS_MAX]),
    )


def _daily_amounts(spent: Sequence[DaySpend], days: Days) -> tuple[int, ...]:
    return amounts_by_day([(date.fromisoformat(one.day), one.spent_microusd) for one in spent], days.days)


def _daily(one: Standing) -> bool:
    return one.limit.window.kind == "day"
