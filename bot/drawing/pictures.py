"""Draws each kind of chart. Only `bot.drawing.worker` imports this: matplotlib is large and slow to load."""
# matplotlib's stubs leave some types open.
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from typing import assert_never
from zoneinfo import ZoneInfo

from matplotlib.axes import Axes

from bot.charts import palette
from bot.charts.model import BurnDown, Chart, ModeSpend, SpendByDay, SpendByMode, TopMembers
from bot.charts.scales import day_marks, headline_dollars, mark_dollars, money_marks, short_dollars, time_marks
from bot.drawing.canvas import HEAD, LINE, Sheet, explain_empty, legend_rows, mark_axis
from bot.drawing.lettering import drawable_name, width_of
from bot.money import MICROUSD_PER_USD

_LAYERS_MAX = 6  # more colours in one bar cannot be told apart
_BAR = 0.72  # of a day's width
_FEW_DAYS = 10  # with fewer days the bars stay this narrow: one bar across the picture looks like an error
_ALLOWANCE_HIGH = 2.5  # an allowance higher than this times the bars would flatten them; the text says it
_EVER_AHEAD = 0.5  # how far ahead a pool that never renews is shown, relative to the past
_ROW = 58
_NAME_X, _BAR_X = 88, 400
_DASHED, _DOTTED = (0, (4, 3)), (0, (1.2, 1.6))


def png(chart: Chart) -> bytes:
    """Return the chart as a PNG file 1000 pixels wide."""
    match chart:
        case SpendByDay():
            return _by_day(chart).png()
        case SpendByMode():
            return _by_mode(chart).png()
        case BurnDown():
            return _burn_down(chart).png()
        case TopMembers():
            return _top_members(chart).png()
        case _:
            assert_never(chart)


def _by_day(chart: SpendByDay) -> Sheet:
    sheet = Sheet(palette.HEIGHT)
    most, last = max(chart.microusd), len(chart.days) - 1
    allowance = chart.allowance_microusd
    line = allowance if allowance and most and allowance <= _ALLOWANCE_HIGH * most else 0
    sheet.head(
        *(chart.title, headline_dollars(sum(chart.microusd))),
        beside="" if allowance is None else f"{short_dollars(allowance)} allowed a day",
        colour=palette.WARNING if line else palette.QUIET,
    )
    axes = sheet.axes(_money_marks(max(most, line)))
    colours = [palette.ACCENT if index == last else palette.ACCENT_DIM for index in range(last + 1)]
    axes.bar(range(last + 1), chart.microusd, width=_BAR, color=colours)
    if line:
        axes.axhline(line, color=palette.WARNING, linewidth=3, linestyle=_DASHED)
    _finish_days(axes, chart, max(most, line))
    return sheet


def _by_mode(chart: SpendByMode) -> Sheet:
    layers = _layers(sorted((one for one in chart.modes if sum(one[2])), key=lambda one: -sum(one[2])))
    colours = [palette.mode_colour(mode_id) for mode_id, _, _ in layers]
    rows = legend_rows([title for _, title, _ in layers])
    sheet = Sheet(palette.HEIGHT + len(rows) * LINE)
    per_day = [0] * len(chart.days)
    for _, _, amounts in layers:
        per_day = [below + amount for below, amount in zip(per_day, amounts, strict=True)]
    sheet.head(chart.title, headline_dollars(sum(per_day)))
    sheet.legend(rows, colours)
    axes = sheet.axes(_money_marks(max(per_day)), lines_below_head=len(rows))
    floor = [0] * len(chart.days)
    days = range(len(floor))
    for (_, _, amounts), colour in zip(layers, colours, strict=True):
        axes.bar(days, amounts, _BAR, floor, color=colour, edgecolor=palette.GROUND, linewidth=1.5)
        floor = [below + amount for below, amount in zip(floor, amounts, strict=True)]
    _finish_days(axes, chart, max(per_day))
    return sheet


def _layers(spent: Sequence[ModeSpend]) -> list[ModeSpend]:
    """Return at most `_LAYERS_MAX` modes, the costliest first; the smallest are added up as one without an id."""
    if len(spent) <= _LAYERS_MAX:
        return list(spent)
    rest = tuple(sum(amounts) for amounts in zip(*(one[2] for one in spent[_LAYERS_MAX - 1 :]), strict=True))
    return [*spent[: _LAYERS_MAX - 1], ("", f"{len(spent) - _LAYERS_MAX + 1} others", rest)]


def _money_marks(most: int) -> list[tuple[float, str]]:
    """Return (micro-dollars, label) for the axis, nothing if nothing was spent."""
    return [(at, mark_dollars(at)) for at in money_marks(most)] if most else []


def _finish_days(axes: Axes, chart: SpendByDay | SpendByMode, most: int) -> None:
    """Set the axes' limits and label the days; `most` is the highest value shown."""
    count = len(chart.days)
    room = max(0, _FEW_DAYS - count) / 2
    axes.set_xlim(-0.6 - room, count - 0.4 + room)
    axes.set_ylim(0, most * 1.05 or 1)
    mark_axis(axes.xaxis, day_marks(chart.days))
    if not most:
        explain_empty(axes, "Nothing spent yet")


def _burn_down(chart: BurnDown) -> Sheet:
    sheet = Sheet(palette.HEIGHT)
    left = max(0, chart.points[-1][1])
    cap = chart.cap_microusd
    sheet.head(chart.title, f"{headline_dollars(left)} left", beside=f"of {headline_dollars(cap)}")
    sheet.below_head(chart.sentence, palette.QUIET if chart.empty_at is None else palette.WARNING)
    marks = [
        (at, short_dollars(at) if at % MICROUSD_PER_USD else mark_dollars(at)) for at in sorted({0, cap // 2, cap})
    ]
    axes = sheet.axes(marks, lines_below_head=1)
    points = [(chart.starts_at, cap), *chart.points]
    moments = [at for at, _ in points]
    lefts = [max(0, amount) for _, amount in points]
    axes.fill_between(moments, lefts, step="post", color=palette.ACCENT, alpha=0.22, linewidth=0)
    axes.step(moments, lefts, where="post", color=palette.ACCENT, linewidth=5, solid_capstyle="round")
    ends_at = _horizon(chart)
    axes.set_ylim(0, max(cap, *lefts) * 1.06 or 1)
    axes.set_xlim(chart.starts_at, ends_at)
    _ahead(axes, chart, left, ends_at)
    mark_axis(axes.xaxis, time_marks(chart.starts_at, ends_at, ZoneInfo(chart.timezone)))
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")  # or it would overlap the labels of the amounts
    labels[-1].set_horizontalalignment("right")  # or it would be cut at the edge
    return sheet


def _horizon(chart: BurnDown) -> float:
    """Return where the time axis ends: when the pool renews, or some time after now if it never does."""
    if chart.ends_at is not None:
        return chart.ends_at
    now = chart.points[-1][0]
    behind_s = max(now - chart.starts_at, 3600.0)
    ahead = now + _EVER_AHEAD * behind_s
    return ahead if chart.empty_at is None else min(max(ahead, chart.empty_at), now + 2 * behind_s)


def _ahead(axes: Axes, chart: BurnDown, left: int, ends_at: float) -> None:
    """Draw the forecast: a line from now on at this pace, and the point where nothing is left."""
    now = chart.points[-1][0]
    empty_at = chart.empty_at
    pace = max(0, chart.cap_microusd - left) / (now - chart.starts_at) if now > chart.starts_at else 0.0
    if pace and left:
        colour = palette.QUIET if empty_at is None else palette.WARNING
        until = ends_at if empty_at is None else min(empty_at, ends_at)
        at_the_end = left - pace * (until - now) if empty_at is None else left * (1 - (until - now) / (empty_at - now))
        axes.plot([now, until], [left, max(0.0, at_the_end)], color=colour, linewidth=5, linestyle=_DOTTED)
        if until == empty_at:
            axes.plot([until], [0], marker="X", markersize=22, color=colour, clip_on=False, zorder=5, mew=0)
    axes.plot([now], [left], marker="o", markersize=18, color=palette.ACCENT, clip_on=False, zorder=5)


def _top_members(chart: TopMembers) -> Sheet:
    sheet = Sheet(HEAD + 18 + max(1, len(chart.rows)) * _ROW)
    sheet.head(chart.title, headline_dollars(sum(amount for _, amount in chart.rows)))
    if not chart.rows:
        sheet.write((palette.EDGE, sheet.height - HEAD - 20), "Nobody has spent anything yet", colour=palette.QUIET)
        return sheet
    said = [short_dollars(amount) for _, amount in chart.rows]
    room = (
        palette.WIDTH - palette.EDGE - _BAR_X - 14 - max(width_of(one, palette.LABEL_SIZE, bold=True) for one in said)
    )
    most = max(1, *(amount for _, amount in chart.rows))
    for index, ((name, amount), price) in enumerate(zip(chart.rows, said, strict=True)):
        y = sheet.height - HEAD - 20 - index * _ROW
        label = drawable_name(name, _BAR_X - _NAME_X - 18, palette.LABEL_SIZE)
        sheet.write((_NAME_X - 18, y), str(index + 1), colour=palette.QUIET, ha="right")
        sheet.write((_NAME_X, y), label or "see the list", colour=palette.INK if label else palette.QUIET)
        length = max(4.0, room * amount / most) if amount else 0.0
        sheet.block((_BAR_X, y - 17), (length, 34), palette.ACCENT if index == 0 else palette.ACCENT_DIM)
        sheet.write((_BAR_X + length + 14, y), price, bold=True)
    return sheet
