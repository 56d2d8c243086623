"""Charts as text, for people who cannot see the pictures and for when none could be drawn.

A text has at most 1,900 characters, so that it fits into a Discord message.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import assert_never

from bot.charts.model import BurnDown, Chart, SpendByDay, SpendByMode, TopMembers
from bot.charts.scales import short_day
from bot.money import dollars, rounded
from bot.texts.plain import bar, cut, is_blank, visible

TEXT_CHARS_MAX = 1900
_LEVELS = "▁▂▃▄▅▆▇█"
_NAME_CHARS_MAX = 28
_MODE_CHARS_MAX = 20
_ROWS_MAX = 31
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_ISOLATED = "\u2068{}\u2069"  # keeps a right-to-left name from reordering the numbers on its line


def chart_text(chart: Chart) -> str:
    """Return the chart as text, at most `TEXT_CHARS_MAX` characters."""
    match chart:
        case SpendByDay():
            return _by_day(chart)
        case SpendByMode():
            return _by_mode(chart)
        case BurnDown():
            return _burn_down(chart)
        case TopMembers():
            return _top_members(chart)
        case _:
            assert_never(chart)


def sparkline(amounts: Sequence[int]) -> str:
    """Return a block for each amount, its height relative to the largest; above 0 it is higher than for 0."""
    most = max(amounts, default=0)
    return "".join("▁" if amount <= 0 else _LEVELS[max(1, round(7 * amount / most))] for amount in amounts)


def column(amounts: Sequence[int]) -> list[str]:
    """Return amounts in dollars, padded to one width, with the decimal points aligned."""
    said = [dollars(amount) for amount in amounts]
    decimals = max((len(one.rpartition(".")[2]) for one in said), default=2)
    padded = [one + " " * (decimals - len(one.rpartition(".")[2])) for one in said]
    width = max((len(one) for one in padded), default=0)
    return [one.rjust(width) for one in padded]


def _by_day(chart: SpendByDay) -> str:
    total = sum(chart.microusd)
    allowed = "" if chart.allowance_microusd is None else f" A day allows {dollars(chart.allowance_microusd)}."
    if not total:
        return f"Nothing was spent in {_span(chart.days)}.{allowed}"
    return (
        f"{dollars(total)} in {_span(chart.days)}{_when(chart, total)}.{allowed}\n"
        f"```\n{sparkline(chart.microusd)}\n{_ruler(chart.days)}\n```"
    )


def _when(chart: SpendByDay, total: int) -> str:
    """Return what was spent today and on which day most was, as the end of a sentence."""
    most, today = max(chart.microusd), chart.microusd[-1]
    if today == total:
        return "" if len(chart.days) == 1 else ", all of it today"
    if today == most:
        return f", {dollars(today)} of it today, more than on any other day"
    day = short_day(chart.days[chart.microusd.index(most)])
    return f", {dollars(today) if today else 'nothing'} of it today; most on {day}, {dollars(most)}"


def _by_mode(chart: SpendByMode) -> str:
    modes = sorted(((sum(amounts), title) for _, title, amounts in chart.modes), key=lambda one: -one[0])
    modes = [one for one in modes if one[0] > 0]
    total = sum(amount for amount, _ in modes)
    if not total:
        return f"Nothing was spent in {_span(chart.days)}."
    names = [_code_name(mode, _MODE_CHARS_MAX) for _, mode in modes]
    width = max(len(name) for name in names)
    rows = [
        f"{name.ljust(width)}  {said}  {_share(amount, total)}"
        for name, said, (amount, _) in zip(names, column([amount for amount, _ in modes]), modes, strict=True)
    ]
    per_day = [sum(amounts) for amounts in zip(*(amounts for _, _, amounts in chart.modes), strict=True)]
    spent = [(day, amount) for day, amount in zip(chart.days, per_day, strict=True) if amount][-_ROWS_MAX:]
    most = max(per_day)
    days = [
        f"{short_day(day):>6}  {said}  {'█' * round(8 * amount / most) or '▏'}"
        for (day, amount), said in zip(spent, column([amount for _, amount in spent]), strict=True)
    ]
    return _code_block(f"{dollars(total)} in {_span(chart.days)}.", [*rows, "", *days])


def _burn_down(chart: BurnDown) -> str:
    left = max(0, chart.points[-1][1])
    share = left / chart.cap_microusd if chart.cap_microusd else 0.0
    percent = _share(left, chart.cap_microusd).strip() if chart.cap_microusd else "0 %"
    return f"{dollars(left)} of {dollars(chart.cap_microusd)} left ({percent})\n{bar(share)}\n{visible(chart.sentence)}"


def _top_members(chart: TopMembers) -> str:
    if not chart.rows:
        return "Nobody has spent anything yet."
    # The name is last: emoji and Chinese characters are wider than a column of a code block.
    said = column([amount for _, amount in chart.rows])
    width = len(str(len(chart.rows)))
    rows = [
        f"{place:>{width}}.  {amount}  {_code_name(name, _NAME_CHARS_MAX) or '(a name that cannot be shown)'}"
        for place, ((name, _), amount) in enumerate(zip(chart.rows, said, strict=True), start=1)
    ]
    if len(rows) == 1:
        return _code_block("Only one member has spent anything.", rows)
    total = dollars(sum(amount for _, amount in chart.rows))
    return _code_block(f"{total} by the {len(rows)} who spent most.", rows)


def _code_block(sentence: str, rows: Sequence[str]) -> str:
    """Return a sentence and a code block with as many of the first rows as fit."""
    kept = list(rows)
    while sum(len(row) + 1 for row in kept) > TEXT_CHARS_MAX - len(sentence) - 20:
        kept.pop()
    return "\n".join([sentence, "```", *kept, "```"])


def _code_name(name: str, chars_max: int) -> str:
    """Return a name on one line, shortened, and without backticks, which would end a code block."""
    said = cut(visible(name[: 4 * chars_max]).replace("`", "'"), chars_max)
    if is_blank(said):
        return ""
    return _ISOLATED.format(said) if _RIGHT_TO_LEFT.search(said) else said


def _share(amount: int, total: int) -> str:
    """Return a share in per cent, three digits wide: 0 only for nothing and 100 only for everything."""
    percent = rounded(100 * amount, total) // total
    if 0 < amount < total:
        percent = min(99, max(1, percent))
    return f"{percent:>3} %"


def _span(days: Sequence[date]) -> str:
    return "one day" if len(days) == 1 else f"the last {len(days)} days"


def _ruler(days: Sequence[date]) -> str:
    """Return the labels below a sparkline: the first day on the left, "today" on the right."""
    first = short_day(days[0])
    room = len(days) - len(first)
    return f"{first}{'today':>{room}}" if room > len("today") else "today".rjust(len(days))
