"""PURE. A server's report in words: what was spent, on what, by whom, and how long the pool lasts at this pace."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.catalogue.registry import MODES
from bot.delivery.card import Card, Field
from bot.delivery.quota_words import standing_lines
from bot.delivery.wording import BLUE
from bot.ledger.model import DaySpend, MemberSpend, Standing
from bot.money import dollars

PACE_MIN_S = 3600.0  # a pace of the first minutes would say anything
TOP_LINES = 10
_TITLES = {mode.id: mode.title for mode in MODES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of; `days` is how far it looks back, and every amount in micro-dollars."""

    days: int
    by_day: tuple[DaySpend, ...]
    top: tuple[MemberSpend, ...]
    pools: tuple[Standing, ...]
    now: float


def report_card(report: Report) -> Card:
    """Return the report."""
    spent = sum(day.spent_microusd for day in report.by_day)
    jobs = sum(day.jobs for day in report.by_day)
    parts = [f"**{dollars(spent)}** for {counted(jobs, 'video')} in {counted(report.days, 'day')}."]
    parts += [f"{standing_lines(pool)}\n{forecast(pool, report.now)}" for pool in report.pools]
    return Card(
        title="What this server spent",
        description="\n\n".join(parts),
        fields=(
            Field("By mode", _modes(report.by_day) or "Nothing yet.", inline=False),
            Field("By member", _members(report.top) or "Nobody yet.", inline=False),
        ),
        colour=BLUE,
        footer="Videos count on the day on which they were asked for",
    )


def empty_at(pool: Standing, now: float) -> float | None:
    """Return when the pool is used up at the window's pace so far, or None when it lasts until it renews."""
    window = pool.limit.window
    if pool.limit.window.kind == "ever" or pool.used_microusd == 0:
        return None
    if pool.left_microusd == 0:
        return now
    elapsed_s = max(PACE_MIN_S, now - window.starts_at)
    at = now + pool.left_microusd * elapsed_s / pool.used_microusd
    return at if at < window.ends_at else None


def forecast(pool: Standing, now: float) -> str:
    """Return what the pace means, in a line."""
    if pool.left_microusd == 0:
        return "It is used up."
    at = empty_at(pool, now)
    if at is not None:
        return f"At this pace it is empty <t:{int(at)}:R>, on <t:{int(at)}:D>."
    if pool.limit.window.kind == "ever":
        return "It never renews, so there is no pace to tell."
    return "At this pace it lasts until it renews."


def by_mode(days: Sequence[DaySpend]) -> Mapping[str, tuple[int, int]]:
    """Return what each mode cost and how many videos that were, the dearest first."""
    spent, jobs = Counter[str](), Counter[str]()
    for day in days:
        spent[day.mode] += day.spent_microusd
        jobs[day.mode] += day.jobs
    return {mode: (amount, jobs[mode]) for mode, amount in spent.most_common()}


def counted(count: int, noun: str) -> str:
    """Return "1 video", "2 videos"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _modes(days: Sequence[DaySpend]) -> str:
    return "\n".join(
        f"{_TITLES.get(mode, mode or 'unknown')}: **{dollars(amount)}** for {counted(jobs, 'video')}"
        for mode, (amount, jobs) in by_mode(days).items()
    )


def _members(top: Sequence[MemberSpend]) -> str:
    return "\n".join(
        f"{place}. <@{one.member_id}>: **{dollars(one.spent_microusd)}** for {counted(one.jobs, 'video')}"
        for place, one in enumerate(top[:TOP_LINES], start=1)
    )
