from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts.forecast import forecast, ordinal

USD = 1_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def at(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2009) -> float:
    """Return a moment in Berlin."""
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).timestamp()


NOVEMBER, DECEMBER = at(11, 1), at(12, 1)


@pytest.mark.parametrize(
    ("spent_usd", "now", "sentence"),
    [
        (36, at(11, 16), "Empty on Saturday the 21st at this pace."),
        (30, at(11, 16), "Empty on the 26th at this pace."),
        (49, at(11, 16), "Empty today at 07:20 at this pace."),
        (45, at(11, 16), "Empty tomorrow at 16:00 at this pace."),
        (20, at(11, 16), "At this pace it lasts until it renews on 1 December."),
        (25, at(11, 16), "At this pace it lasts until it renews on 1 December."),
        (5, at(11, 30, 12), "At this pace it lasts until it renews tomorrow."),
        (50, at(11, 16), "It's used up. It renews on 1 December."),
        (60, at(11, 30, 1), "It's used up. It renews tomorrow."),
        (0, at(11, 16), "Nothing spent yet."),
        (40, at(11, 1, 14), "It's too early to tell how long it will last."),
        (40, NOVEMBER, "It's too early to tell how long it will last."),
    ],
)
def test_month(spent_usd: int, now: float, sentence: str) -> None:
    """A month's pool is told by the day on which it is empty, in the server's own days."""
    said = forecast(spent_usd * USD, started_at=NOVEMBER, now=now, ends_at=DECEMBER, cap_microusd=50 * USD, tz=BERLIN)
    assert said.sentence == sentence


def test_linear() -> None:
    """Half of the time for half of the money means that the other half lasts as long again."""
    said = forecast(2 * USD, started_at=0.0, now=1000.0, ends_at=3000.0, cap_microusd=4 * USD, tz=BERLIN)
    assert said.empty_at == 2000.0


def test_day() -> None:
    """A day's budget is told by the hour, and renews at midnight."""
    day: dict[str, Any] = {"started_at": at(11, 20), "ends_at": at(11, 21), "tz": BERLIN}
    assert forecast(3, now=at(11, 20, 12), cap_microusd=4, **day).sentence == "Empty today at 16:00 at this pace."
    assert forecast(4, now=at(11, 20, 12), cap_microusd=4, **day).sentence == "It's used up. It renews tomorrow."


def test_for_ever() -> None:
    """A budget that never renews is empty on a date, or too far away to tell."""
    ever: dict[str, Any] = {"started_at": at(1, 1), "now": at(7, 1), "ends_at": None, "tz": BERLIN}
    assert forecast(5, cap_microusd=10, **ever).sentence == "Empty on 28 December at this pace."
    assert forecast(4, cap_microusd=10, **ever).sentence == "Empty on 29 March 2010 at this pace."
    assert forecast(1, cap_microusd=10, **ever).sentence == "At this pace it lasts for more than two years."
    assert forecast(10, cap_microusd=10, **ever).sentence == "It's used up."


def test_no_cap() -> None:
    """A budget of nothing is empty now."""
    said = forecast(0, started_at=NOVEMBER, now=at(11, 2), ends_at=DECEMBER, cap_microusd=0, tz=BERLIN)
    assert said.empty_at == at(11, 2)
    assert said.sentence == "Nothing can be spent. It renews on 1 December."


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.floats(0, 1, exclude_max=True), st.floats(3600, 400 * 86_400))
def test_rules(spent: int, cap: int, share: float, length_s: float) -> None:
    """The moment lies from now to the window's end, and whoever spends more is not empty later."""
    started_at = NOVEMBER
    now = started_at + share * length_s
    window: dict[str, Any] = {"started_at": started_at, "now": now, "ends_at": started_at + length_s}
    window |= {"cap_microusd": cap, "tz": BERLIN}
    said, more = forecast(spent, **window), forecast(spent + 1 + spent // 10, **window)
    assert said.sentence.endswith(".")
    if said.empty_at is not None:
        assert now <= said.empty_at <= started_at + length_s
        assert more.empty_at is not None
        assert more.empty_at <= said.empty_at + 1e-3


def test_ordinals() -> None:
    """Days are numbered as people say them."""
    assert [ordinal(day) for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 30, 31)] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th", "31st")
    ]
