import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.model import (
    POINTS_MAX,
    BurnDown,
    Chart,
    SpendByDay,
    SpendByMode,
    TopMembers,
    amounts_by_day,
    from_wire,
    thin,
    to_wire,
)

TODAY = date(2026, 11, 20)
DAYS = (TODAY - timedelta(1), TODAY)
BURN: dict[str, Any] = {
    "title": "Pool",
    "points": ((10.0, 5), (20.0, -1)),
    "cap_microusd": 5,
    "starts_at": 0.0,
    "ends_at": 100.0,
    "timezone": "Europe/Berlin",
    "empty_at": None,
    "sentence": "It's used up.",
}


@pytest.mark.parametrize(
    "chart",
    [
        SpendByDay(title="Ada", days=DAYS, microusd=(1, 2), allowance_microusd=None),
        SpendByMode(title="All", days=DAYS, modes=(("wan", "Wan \ud800", (1, 2)), ("", "", (0, 0)))),
        SpendByMode(title="None", days=DAYS, modes=()),
        BurnDown(**BURN),
        TopMembers(title="Top", rows=(("日本 \x00\n`", 3),)),
    ],
)
def test_wire(chart: Chart) -> None:
    """A chart survives the way through JSON."""
    assert from_wire(json.loads(json.dumps(to_wire(chart)))) == chart


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SpendByDay, {"title": "", "days": (), "microusd": ()}),
        (SpendByDay, {"title": "", "days": DAYS, "microusd": (1,)}),
        (SpendByDay, {"title": "", "days": DAYS[::-1], "microusd": (1, 2)}),
        (SpendByDay, {"title": "", "days": (TODAY, TODAY), "microusd": (1, 2)}),
        (SpendByDay, {"title": "", "days": DAYS, "microusd": (1, -2)}),
        (SpendByDay, {"title": "", "days": DAYS, "microusd": (1, 10**19)}),
        (SpendByDay, {"title": "x" * 201, "days": DAYS, "microusd": (1, 2)}),
        (SpendByMode, {"title": "", "days": DAYS, "modes": (("a", (1,)),)}),
        (SpendByMode, {"title": "", "days": DAYS, "modes": (("a", (1, 1)),) * 13}),
        (BurnDown, BURN | {"points": ()}),
        (BurnDown, BURN | {"points": ((20.0, 1), (10.0, 5))}),
        (BurnDown, BURN | {"points": ((-1.0, 1),)}),
        (BurnDown, BURN | {"ends_at": 0.0}),
        (BurnDown, BURN | {"timezone": "Mars/Olympus"}),
        (TopMembers, {"title": "", "rows": (("a", 1),) * 16}),
        (TopMembers, {"title": "", "rows": (("a", -1),)}),
    ],
)
def test_refused(kind: type[Chart], fields: dict[str, Any]) -> None:
    """A chart that cannot be drawn is refused in the bot, and never sent to the worker."""
    with pytest.raises((ValueError, KeyError)):
        kind(**fields)


def test_daily() -> None:
    """Days without spending are 0, repeated days are summed, and other days are left out."""
    spent = [(TODAY, 5), (TODAY, 2), (TODAY - timedelta(9), 100)]
    assert amounts_by_day(spent, DAYS) == (0, 7)


@given(st.integers(1, 3 * POINTS_MAX))
def test_thinned(count: int) -> None:
    """Many points are reduced to few, in order, with the first and the last."""
    points = [(float(index), index) for index in range(count)]
    kept = thin(points)
    assert len(kept) == min(count, POINTS_MAX)
    assert list(kept) == sorted(set(kept))
    assert (kept[0], kept[-1]) == (points[0], points[-1])
