from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.model import EVER_ENDS_AT, WINDOW_KINDS, WindowKind
from bot.ledger.windows import day_of, starts_at, window, zone

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = tuple(
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Pacific/Apia",
        "America/St_Johns",
        "America/Havana",
        "Asia/Beirut",
        "Africa/Cairo",
    )
)
MOMENTS = st.floats(0, 2.2e9) | st.integers(0, 2_200_000_000).map(float)


def _at(zone_name: str, text: str, *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone_name), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("zone_name", "noon", "hours"),
    [
        ("Europe/Berlin", "2024-03-31T12:00", 23),
        ("Europe/Berlin", "2024-10-27T12:00", 25),
        ("America/New_York", "2024-03-10T12:00", 23),
        ("America/New_York", "2024-11-03T12:00", 25),
        ("Australia/Lord_Howe", "2024-04-07T12:00", 24.5),
        ("Australia/Lord_Howe", "2024-10-06T12:00", 23.5),
        ("Asia/Kolkata", "2024-03-31T12:00", 24),
        ("Pacific/Apia", "2011-12-29T12:00", 24),
        ("Pacific/Apia", "2011-12-31T12:00", 24),
        ("America/Havana", "2024-11-03T12:00", 25),
        ("Asia/Beirut", "2024-03-31T12:00", 23),
        ("America/St_Johns", "2010-11-07T12:00", 25),
        ("America/St_Johns", "2010-11-06T12:00", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(zone_name: str, noon: str, hours: float) -> None:
    """Days of 23, 23½, 24½ and 25 hours last from midnight to midnight."""
    day = window("day", ZoneInfo(zone_name), _at(zone_name, noon))
    assert day.ends_at - day.starts_at == hours * 3600


def test_both_passes_of_an_hour_that_comes_twice_are_the_same_day() -> None:
    """Both 02:30s of a day on which clocks go back are in the same day, which lasts 25 hours."""
    first, second = (_at("Europe/Berlin", "2024-10-27T02:30", fold=fold) for fold in (0, 1))
    assert second - first == 3600
    assert window("day", BERLIN, first) == window("day", BERLIN, second)


def test_a_clock_that_goes_back_over_midnight_does_not_bring_yesterday_back() -> None:
    """In Newfoundland 00:01 became 23:01 of the day before; that hour belongs to the day that had begun."""
    st_johns = ZoneInfo("America/St_Johns")
    midnight = _at("America/St_Johns", "2010-11-07T00:00")
    again = midnight + 60  # the wall says 23:01 of the 6th, for the second time
    assert datetime.fromtimestamp(again, st_johns).date() == date(2010, 11, 6)
    assert day_of(st_johns, midnight - 1) == date(2010, 11, 6)
    assert day_of(st_johns, midnight) == day_of(st_johns, again) == date(2010, 11, 7)
    assert window("day", st_johns, again).holds(again)


def test_a_day_that_a_country_skipped_is_no_day() -> None:
    """Samoa had no 30 December 2011: the 29th ends where the 31st begins."""
    apia = ZoneInfo("Pacific/Apia")
    before, after = _at("Pacific/Apia", "2011-12-29T23:59:59"), _at("Pacific/Apia", "2011-12-31T00:00")
    assert after - before == 1
    assert window("day", apia, before).ends_at == window("day", apia, after).starts_at == after
    assert starts_at(apia, date(2011, 12, 30)) == starts_at(apia, date(2011, 12, 31)) == after
    week = window("week", apia, before)
    assert week.ends_at - week.starts_at == 6 * 86400


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    """Windows start at local midnights, also if the clocks change in between."""
    friday = _at("Europe/Berlin", "2024-03-29T12:00")
    week, month = window("week", BERLIN, friday), window("month", BERLIN, friday)
    assert (week.starts_at, week.ends_at) == (
        _at("Europe/Berlin", "2024-03-25T00:00"),
        _at("Europe/Berlin", "2024-04-01T00:00"),
    )
    assert (month.starts_at, month.ends_at) == (
        _at("Europe/Berlin", "2024-03-01T00:00"),
        _at("Europe/Berlin", "2024-04-01T00:00"),
    )
    assert week.ends_at - week.starts_at == 7 * 86400 - 3600


def test_for_ever_never_renews() -> None:
    """The window "for ever" contains every moment and never renews."""
    ever = window("ever", BERLIN, 1.0)
    assert (ever.starts_at, ever.ends_at, ever.renews_at) == (0.0, EVER_ENDS_AT, None)
    assert window("day", BERLIN, 1.0).renews_at == window("day", BERLIN, 1.0).ends_at


def test_the_last_moment_of_a_window_is_in_it_and_the_next_is_not() -> None:
    """Windows of a kind meet without a gap and without sharing a moment."""
    day = window("day", BERLIN, _at("Europe/Berlin", "2024-11-20T12:00"))
    assert day.holds(day.starts_at)
    assert day.holds(day.ends_at - 0.001)
    assert not day.holds(day.ends_at)
    assert window("day", BERLIN, day.ends_at).starts_at == day.ends_at


@given(st.sampled_from(ZONES), st.sampled_from(WINDOW_KINDS), MOMENTS)
def test_every_moment_is_in_exactly_one_window_of_each_kind(tz: ZoneInfo, kind: WindowKind, now: float) -> None:
    """A moment's window contains it, and the windows before and after are adjacent to it."""
    here = window(kind, tz, now)
    assert here.holds(now)
    if kind != "ever":
        assert window(kind, tz, here.ends_at).starts_at == here.ends_at
        assert window(kind, tz, here.starts_at) == here
        assert window(kind, tz, here.starts_at - 0.001).ends_at == here.starts_at


def test_only_names_of_timezones_are_timezones() -> None:
    """A typo, a path, a folder or an empty text is no timezone."""
    assert zone("Europe/Berlin") is not None
    assert len(available_timezones()) > 400
    for name in ("Mars/Olympus", "", "Europe", "../etc/passwd", "/etc/passwd", "Europe/Berlin\x00", "x" * 500):
        assert zone(name) is None
