"""The card of a server's report: what was spent by mode and by member, and how long the pools last."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.catalogue.registry import MODE_TITLES
from bot.ledger.model import DaySpend, MemberAbsorbed, MemberSpend, Standing
from bot.money import dollars
from bot.texts.card import BLUE, Card, Field
from bot.texts.forecast import Forecast, forecast
from bot.texts.plain import before_amount, person, plain
from bot.texts.quota import standing_lines
from bot.units import counted

TOP_LINES = 10
TITLE = "What this server spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The data of a report over the last `days` days; `now` is in Unix seconds."""

    days: int
    by_day: tuple[DaySpend, ...]
    top: tuple[MemberSpend, ...]
    absorbed: tuple[MemberAbsorbed, ...] = ()
    pools: tuple[Standing, ...]
    now: float
    tz: ZoneInfo


def report_card(report: Report) -> Card:
    """Return the report as a card; `top` is cut to `TOP_LINES` members."""
    spent = sum(day.spent_microusd for day in report.by_day)
    jobs = sum(day.jobs for day in report.by_day)
    if is_empty(report):
        nothing = f"Nothing was spent here in {last_days(report.days)}."
        return Card(title=TITLE, description=nothing, fields=(), colour=BLUE)
    parts = [f"**{dollars(spent)}** for {counted(jobs, 'video')} in {counted(report.days, 'day')}."]
    parts += [
        f"{standing_lines(pool)}\n{plain(outlook(pool, now=report.now, tz=report.tz).sentence)}"
        for pool in report.pools
    ]
    return Card(
        title=TITLE,
        description="\n\n".join(parts),
        fields=(
            Field("By mode", _modes(report.by_day) or "Nothing yet.", inline=False),
            Field("By member", _members(report.top) or "Nobody yet.", inline=False),
            *_absorbed(report.absorbed),
        ),
        colour=BLUE,
        footer="A video counts on the day it was ordered",
    )


def is_empty(report: Report) -> bool:
    """Return whether there is nothing to show: no video in these days, and nothing taken from a pool."""
    return not report.by_day and not any(pool.used_microusd for pool in report.pools)


def last_days(days: int) -> str:
    """Return "the last 30 days", or "the last day"."""
    return "the last day" if days == 1 else f"the last {days} days"


def mode_title(mode: str) -> str:
    """Return the mode's title, its id if the catalogue no longer has it, or "Deleted videos"."""
    return MODE_TITLES.get(mode, mode or "Deleted videos")


def outlook(pool: Standing, *, now: float, tz: ZoneInfo) -> Forecast:
    """Return when the pool is used up at the pace of its current window."""
    window = pool.limit.window
    return forecast(
        pool.used_microusd,
        started_at=window.starts_at,
        now=now,
        ends_at=window.renews_at,
        cap_microusd=pool.limit.cap_microusd,
        tz=tz,
    )


def by_mode(days: Sequence[DaySpend]) -> Mapping[str, tuple[int, int]]:
    """Return (micro-dollars, videos) for each mode, the most expensive first."""
    spent, jobs = Counter[str](), Counter[str]()
    for day in days:
        spent[day.mode] += day.spent_microusd
        jobs[day.mode] += day.jobs
    return {mode: (amount, jobs[mode]) for mode, amount in spent.most_common()}


def _modes(days: Sequence[DaySpend]) -> str:
    return "\n".join(
        f"{mode_title(mode)}: **{dollars(amount)}** for {counted(jobs, 'video')}"
        for mode, (amount, jobs) in by_mode(days).items()
    )


def _absorbed(members: Sequence[MemberAbsorbed]) -> tuple[Field, ...]:
    lines = (
        f"{_who(one.member_id)}: **{dollars(one.absorbed_microusd)}** for {counted(one.jobs, 'video')}"
        for one in members[:TOP_LINES]
    )
    said = "\n".join(lines)
    return (Field("Of that, failed videos the server paid for", said, inline=False),) if said else ()


def _who(member_id: int) -> str:
    return before_amount(person(member_id))


def _members(top: Sequence[MemberSpend]) -> str:
    return "\n".join(
        f"{place}. {_who(one.member_id)}: **{dollars(one.spent_microusd)}** for {counted(one.jobs, 'video')}"
        for place, one in enumerate(top[:TOP_LINES], start=1)
    )
