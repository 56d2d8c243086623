from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.charts.scales import day_marks, headline_dollars, mark_dollars, money_marks, short_dollars, time_marks

TODAY = date(2026, 11, 20)
USD = 1_000_000
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("microusd", "said"),
    [
        (0, "$0.00"),
        (7, "$0.000007"),
        (2_500, "$0.0025"),
        (4_321, "$0.0043"),
        (9_999, "$0.01"),
        (62_500, "$0.06"),
        (12_400_000, "$12.40"),
        (1_234 * USD, "$1,234"),
        (99_999 * USD, "$99,999"),
        (123_456 * USD, "$123k"),
        (999_999 * USD, "$1M"),
        (1_250_000 * USD, "$1.25M"),
        (2_000_000_000 * USD, "$2bn"),
        (-62_500_000, "-$62.50"),
        (-123_456 * USD, "-$123k"),
    ],
)
def test_rounded(microusd: int, said: str) -> None:
    """An amount is rounded to the chart's space, and never to zero."""
    assert short_dollars(microusd) == said


@pytest.mark.parametrize(
    ("microusd", "said"),
    [
        *[(0, "$0.00"), (2_500, "$0.0025"), (179_212_500, "$179.21"), (9_999_990_000, "$9,999.99")],
        *[(400_000 * USD, "$400,000"), (1_000_000 * USD, "$1,000,000"), (12_000_000 * USD, "$12M")],
    ],
)
def test_headline(microusd: int, said: str) -> None:
    """The sum above a chart has cents only while they matter."""
    assert headline_dollars(microusd) == said


@pytest.mark.parametrize(
    ("most", "names"),
    [
        (0, ["$0", "$1"]),
        (1, ["$0", "$0.000001"]),
        (750_000, ["$0", "$0.20", "$0.40", "$0.60"]),
        (4_500_000, ["$0", "$1", "$2", "$3", "$4"]),
        (50 * USD, ["$0", "$20", "$40"]),
        (900_000 * USD, ["$0", "$200k", "$400k", "$600k", "$800k"]),
        (3_000_000 * USD, ["$0", "$1M", "$2M", "$3M"]),
    ],
)
def test_money_marks(most: int, names: list[str]) -> None:
    """A money axis has few round marks."""
    assert [mark_dollars(at) for at in money_marks(most)] == names


@given(st.integers(1, 10**18))
def test_money_marks_fit(most: int) -> None:
    """There are one to four marks above 0, evenly spread, none above the largest amount, whatever it is."""
    marks = money_marks(most)
    assert 2 <= len(marks) <= 5
    assert marks[-1] <= most < marks[-1] + 2 * marks[1]
    assert len({later - earlier for earlier, later in pairwise(marks)}) == 1


@given(st.integers(1, 92))
def test_day_marks(count: int) -> None:
    """A few days are labelled at their places; the last one is today."""
    days = [TODAY - timedelta(count - 1 - index) for index in range(count)]
    marks = day_marks(days)
    assert 1 <= len(marks) <= 5
    assert marks[-1] == (count - 1, "today")
    assert all(name == f"{days[index].day} {days[index]:%b}" for index, name in marks[:-1])


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ((2024, 11, 1), (2024, 12, 1), ["1 Nov", "9 Nov", "17 Nov", "25 Nov", "1 Dec"]),
        ((2024, 10, 1), (2024, 11, 1), ["1 Oct", "9 Oct", "17 Oct", "25 Oct", "1 Nov"]),  # summer time ends in it
        ((2024, 3, 1), (2024, 4, 1), ["1 Mar", "9 Mar", "17 Mar", "25 Mar", "1 Apr"]),
        ((2023, 2, 1), (2023, 3, 1), ["1 Feb", "8 Feb", "15 Feb", "22 Feb", "1 Mar"]),
        ((2024, 11, 18), (2024, 11, 25), ["Mon 18", "Wed 20", "Fri 22", "Mon 25"]),
        ((2024, 11, 20), (2024, 11, 21), ["00:00", "06:00", "12:00", "18:00", "00:00"]),
        ((2021, 1, 1), (2023, 1, 1), ["Jan 2021", "Sep 2021", "May 2022", "Jan 2023"]),
    ],
)
def test_time_marks(first: tuple[int, int, int], last: tuple[int, int, int], names: list[str]) -> None:
    """A window's axis has the server's days as labels, from its start to its end."""
    starts_at, ends_at = (datetime(*day, tzinfo=BERLIN).timestamp() for day in (first, last))
    marks = time_marks(starts_at, ends_at, BERLIN)
    assert [name for _, name in marks] == names
    assert (marks[0][0], marks[-1][0]) == (starts_at, ends_at)


@given(st.floats(1e9, 2e9), st.floats(60, 3e8), st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]))
@example(1_018_925_280.0, 380_160.0, "Europe/Berlin")  # as long as a step of one day allows
@example(1_965_146_518.0, 380_120.0, "UTC")  # 4.4 days from the afternoon on: a midnight stands near either end
def test_time_marks_in_order(starts_at: float, length_s: float, tz: str) -> None:
    """For any window the marks are few, in order and inside it."""
    moments = [at for at, _ in time_marks(starts_at, starts_at + length_s, ZoneInfo(tz))]
    assert 2 <= len(moments) <= 5
    assert moments == sorted(set(moments))
    assert moments[0] == starts_at
    assert moments[-1] == starts_at + length_s
