from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.charts.model import BurnDown, SpendByDay, SpendByMode, TopMembers
from bot.charts.text import TEXT_CHARS_MAX, chart_text, column, sparkline
from bot.money import dollars

TODAY = date(2026, 11, 20)
USD = 1_000_000


def days(count: int) -> tuple[date, ...]:
    """Return the last days up to today."""
    return tuple(TODAY - timedelta(count - 1 - index) for index in range(count))


def by_day(*microusd: int, allowance: int | None = None) -> str:
    """Say these days."""
    return chart_text(SpendByDay(title="", days=days(len(microusd)), microusd=microusd, allowance_microusd=allowance))


def test_by_day() -> None:
    """The sum, today and the costliest day are sentences; the blocks below show the days."""
    assert by_day(0, 4 * USD, 1, 0, 0, 0, 0, 0, 0, 0, 2 * USD, allowance=5 * USD) == (
        "$6.00 in the last 11 days, $2.00 of it today; most on 11 Nov, $4.00. A day allows $5.00.\n"
        "```\n▁█▂▁▁▁▁▁▁▁▅\n      today\n```"
    )


def test_by_day_ruler() -> None:
    """Where there is room, the first day is named below the first block."""
    assert by_day(*[USD] * 12).endswith("```\n████████████\n9 Nov  today\n```")


def test_by_day_shapes() -> None:
    """No spending, spending on one day, and spending only today have their own sentences."""
    assert by_day(0, 0) == "Nothing was spent in the last 2 days."
    assert by_day(750_000) == "$0.75 in one day.\n```\n█\ntoday\n```"
    assert by_day(0, 750_000).startswith("$0.75 in the last 2 days, all of it today.")
    assert by_day(1, 2).startswith("$0.000003 in the last 2 days, $0.000002 of it today, more than on any other day.")
    assert by_day(1, 0).startswith("$0.000001 in the last 2 days, nothing of it today; most on 19 Nov, $0.000001.")


def test_by_mode() -> None:
    """Modes are sorted by cost, with exact aligned amounts and shares; days without spending are left out."""
    chart = SpendByMode(
        title="",
        days=days(3),
        modes=(("a", "Wan 2.2", (0, 0, 62_500)), ("b", "Wan `2.7`", (3 * USD, 0, 0)), ("c", "off", (0, 0, 0))),
    )
    assert chart_text(chart) == (
        "$3.06 in the last 3 days.\n"
        "```\n"
        "Wan '2.7'  $3.00   98 %\n"
        "Wan 2.2    $0.06    2 %\n"
        "\n"
        "18 Nov  $3.00  ████████\n"
        "20 Nov  $0.06  ▏\n"
        "```"
    )
    assert chart_text(SpendByMode(title="", days=days(3), modes=())) == "Nothing was spent in the last 3 days."


def burn(left: int, cap: int) -> str:
    """Say a pool."""
    return chart_text(
        BurnDown(
            title="Pool",
            points=((5.0, left),),
            cap_microusd=cap,
            starts_at=0.0,
            ends_at=9.0,
            timezone="UTC",
            empty_at=None,
            sentence="Empty today at 18:40 at this pace.",
        )
    )


def test_burn_down() -> None:
    """What is left is shown as an amount, a share and a bar, with the forecast's sentence."""
    assert burn(14 * USD, 50 * USD) == (
        "$14.00 of $50.00 left (28 %)\n▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱▱▱\nEmpty today at 18:40 at this pace."
    )
    assert burn(49_999_999, 50 * USD).startswith("$50.00 of $50.00 left (99 %)")
    assert burn(-3, 0).startswith("$0.00 of $0.00 left (0 %)\n▱▱▱")


def test_top_members() -> None:
    """Members are sorted by rank; a name cannot end the code block, break its line or change the text's direction."""
    names = ["Ada", "```\n@everyone", "محمد", "\u202e", "x" * 40]
    chart = TopMembers(title="", rows=tuple((name, 10 * USD >> 4 * index) for index, name in enumerate(names)))
    assert chart_text(chart) == (
        "$10.67 by the 5 who spent most.\n"
        "```\n"
        "1.  $10.00     Ada\n"
        "2.   $0.63     ''' @everyone\n"
        "3.   $0.04     \u2068محمد\u2069\n"
        "4.   $0.0024   (a name that cannot be shown)\n"
        f"5.   $0.00015  {'x' * 27}…\n"
        "```"
    )
    assert chart_text(TopMembers(title="", rows=())) == "Nobody has spent anything yet."
    assert chart_text(TopMembers(title="", rows=(("Ada", USD),))) == (
        "Only one member has spent anything.\n```\n1.  $1.00  Ada\n```"
    )


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=92))
def test_columns(amounts: list[int]) -> None:
    """The amounts of a column have the same width and aligned decimal points."""
    said = column(amounts)
    assert len({(len(one), one.index(".")) for one in said}) == 1
    assert [one.strip() for one in said] == [dollars(amount) for amount in amounts]


@given(st.lists(st.integers(0, 10**12), max_size=92))
def test_sparkline(amounts: list[int]) -> None:
    """A day with spending never looks like one without."""
    line = sparkline(amounts)
    assert len(line) == len(amounts)
    assert [block == "▁" for block in line] == [amount == 0 for amount in amounts]


@given(st.lists(st.tuples(st.text(max_size=200), st.integers(0, 10**18)), max_size=12), st.integers(1, 92))
def test_bounded(modes: list[tuple[str, int]], count: int) -> None:
    """For any mode names and amounts the text fits into a message and has one code block."""
    chart = SpendByMode(
        title="", days=days(count), modes=tuple((name, name, (amount,) * count) for name, amount in modes)
    )
    said = chart_text(chart)
    assert len(said) <= TEXT_CHARS_MAX
    assert said.count("```") in {0, 2}
