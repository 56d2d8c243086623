from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.charts import data
from bot.charts.data import Days
from bot.charts.model import to_wire
from bot.ledger.model import WINDOW_KINDS, DaySpend, Limit, MemberSpend, Source, Standing, WindowKind
from bot.ledger.windows import window
from bot.texts.report import Report, report_card

BERLIN = ZoneInfo("Europe/Berlin")
NOW = 1_605_846_913.0  # 20 November 2020


def pool(kind: WindowKind, *, cap: int, spent: int, at: float = NOW) -> Standing:
    """The server's pool."""
    return Standing(
        Limit("server:1", window(kind, BERLIN, at), cap, Source.of("server", "this server's pool")), 0, spent
    )


def spend(day: str, mode: str, microusd: int) -> DaySpend:
    """What one mode cost on one day."""
    return DaySpend(day=day, mode=mode, spent_microusd=microusd, jobs=1)


def test_days_end_today() -> None:
    """A chart's days are in the server's timezone and end today; each mode appears once, the costliest first."""
    days = Days.last(3, now=NOW, tz=BERLIN)
    assert [day.isoformat() for day in days.days] == ["2020-11-18", "2020-11-19", "2020-11-20"]
    spent = [spend("2020-11-19", "wan27-image", 5), spend("2020-11-20", "wan21-image", 9), spend("2020-11-20", "", 1)]
    chart = data.spend_by_mode_chart(spent, days)
    assert chart.modes == (
        ("wan21-image", "Wan 2.1 image", (0, 0, 9)),
        ("wan27-image", "Wan 2.7 image", (0, 5, 0)),
        ("", "Deleted videos", (0, 0, 1)),
    )


def test_a_pool_burns_down_to_what_is_left() -> None:
    """The chart starts with the whole pool and ends with what is left now, which a lowered cap can make negative."""
    month = window("month", BERLIN, NOW)
    chart = data.burn_down_chart(
        pool("month", cap=100, spent=130), [(month.starts_at + 3600, 70), (NOW + 1800, 60)], now=NOW, tz=BERLIN
    )
    assert chart.points == ((month.starts_at, 100), (month.starts_at + 3600, 30), (NOW, -30), (NOW, -30))
    assert chart.sentence.startswith("It's used up.")


@given(
    kind=st.sampled_from(WINDOW_KINDS),
    cap=st.integers(0, 10**12),
    hours=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 10**9)), max_size=900),
)
def test_any_history_can_be_drawn(kind: WindowKind, cap: int, hours: list[tuple[int, int]]) -> None:
    """For any spending the chart can be drawn, and the report is within Discord's limits."""
    start = max(window(kind, BERLIN, NOW).starts_at, NOW - 5000 * 3600)
    known = sorted(
        (start + 3600 * hour, amount) for hour, amount in dict(hours).items() if start + 3600 * hour <= NOW + 3600
    )
    standing = pool(kind, cap=cap, spent=sum(amount for _, amount in known))
    assert to_wire(data.burn_down_chart(standing, known, now=NOW, tz=BERLIN))
    report = Report(
        days=30,
        by_day=(spend("2020-11-19", "wan27-image", 5),),
        top=tuple(MemberSpend(member_id=10**18 + n, spent_microusd=10**9 - n, jobs=n) for n in range(10)),
        pools=tuple(pool(one, cap=cap, spent=5) for one in WINDOW_KINDS),
        now=NOW,
        tz=BERLIN,
    )
    charts = data.report_charts(report, [known if one == "ever" else [] for one in WINDOW_KINDS], {10**18: "Ann"})
    assert list(charts) == [
        "spent-by-mode.png",
        *("pool-day.png", "pool-week.png", "pool-month.png", "pool-ever.png"),
        "top-members.png",
    ]
    card = report_card(report)
    assert len(card.description) <= 4096
    assert all(len(field.value) <= 1024 for field in card.fields)


def test_an_empty_report_is_a_sentence() -> None:
    """Where nothing was spent, a report says so and has no picture; a pool that was used is still told."""
    nothing = Report(days=30, by_day=(), top=(), pools=(pool("month", cap=100, spent=0),), now=NOW, tz=BERLIN)
    assert data.report_charts(nothing, [[]], {}) == {}
    card = report_card(nothing)
    assert (card.description, card.fields) == ("Nothing was spent here in the last 30 days.", ())
    used = replace(nothing, pools=(pool("month", cap=100, spent=5),))
    assert list(data.report_charts(used, [[]], {})) == ["pool-month.png"]
    assert "This server's pool this month" in report_card(used).description
