from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.readme import README
from tests.bench.__main__ import YARDSTICKS, asked
from tests.bench.figures import Case, Figure, Goal, Reading, Run, Spec, Who, alternate, percentile, short, table
from tests.bench.readme import BEGIN, END, MAIN_ROWS, PAGE, with_bench

SPEC = Spec(key="ms", label="p50", unit="ms", goals=(Goal(bound="at most", value=1.5, times="limit"),))


def figure(**readings: tuple[float, ...]) -> Figure:
    """A figure with these readings."""
    return Figure(yardstick="ack", spec=SPEC, readings={who: readings[who] for who in WHO if who in readings})


WHO: tuple[Who, ...] = ("Wanda", "peer", "limit")


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_was_seen(values: list[float], per_cent: int) -> None:
    """So many per cent of the values do not exceed it, and no smaller value has that many below it."""
    found = percentile(values, per_cent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= per_cent * len(values)
    assert sum(value < found for value in values) * 100 < per_cent * len(values)


def test_no_values_have_no_percentile() -> None:
    """A run that saw nothing is an error and not a zero."""
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("goal", "medians", "reached", "text"),
    [
        (Goal(bound="at most", value=5), {"Wanda": 5.0}, True, "≤ 5"),
        (Goal(bound="at least", value=10_000), {"Wanda": 9_999.0}, False, "≥ 10,000"),
        (Goal(bound="at most", value=1.5, times="limit"), {"Wanda": 3.0, "limit": 2.0}, True, "≤ 1.5 × limit"),
        (Goal(bound="at most", value=1.5, times="limit"), {"Wanda": 3.0}, None, "≤ 1.5 × limit"),
        (Goal(bound="at most", value=1 / 50, times="peer"), {"Wanda": 3.0, "peer": 149.0}, False, "≤ 1/50 × peer"),
    ],
)
def test_a_goal_is_held_to_the_medians(
    goal: Goal, medians: Mapping[Who, float], reached: bool | None, text: str
) -> None:
    """A goal is reached or not by Wanda's median, or it cannot be told where its measure did not run."""
    assert goal.reached(medians) is reached
    assert goal.text() == text


def test_the_table_shows_medians_with_their_spread() -> None:
    """A row says who had what, what Wanda is of the others and whether that is enough; who did not run has a dash."""
    shown = table([figure(Wanda=(30.0, 10.0, 20.0), limit=(10.0, 10.0, 40.0)), figure(peer=(1234.5,))]).splitlines()
    assert shown[2] == "| ack: p50, ms | 20 (10 to 30) | - | 10 (10 to 40) | 2.00 × limit | ≤ 1.5 × limit ✗ |"
    assert shown[3] == "| ack: p50, ms | - | 1,234 | - |  | ≤ 1.5 × limit ? |"


def test_a_small_part_is_a_fraction() -> None:
    """What is far below another's is a fraction of it, which 0.00 would not tell."""
    assert figure(Wanda=(2.0,), peer=(600.0,)).ratios() == "1/300 × peer"


def test_numbers_are_short() -> None:
    """Three digits say as much as a benchmark knows."""
    assert [short(value) for value in (0, 0.01234, 1.005, 45.67, 100.4, 12345.6)] == [
        "0", "0.0123", "1", "45.7", "100", "12,346",
    ]  # fmt: skip


async def test_contestants_take_turns() -> None:
    """Each round has everybody once, in the same order, and every reading is kept."""
    turns: list[Who] = []

    def contestant(who: Who) -> Run:
        async def run() -> Reading:
            turns.append(who)
            return {"ms": float(len(turns))}

        return run

    case = Case(specs=(SPEC,), contestants={"peer": contestant("peer"), "Wanda": contestant("Wanda")})
    said: list[str] = []
    (found,) = await alternate("ack", case, 3, said.append)
    assert turns == ["peer", "Wanda"] * 3
    assert found.readings == {"peer": (1.0, 3.0, 5.0), "Wanda": (2.0, 4.0, 6.0)}
    assert found.medians == {"peer": 3.0, "Wanda": 4.0}
    assert len(said) == 6


async def test_a_long_case_has_half_of_the_rounds() -> None:
    """And at least one."""
    readings = iter(range(9))

    async def run() -> Reading:
        return {"ms": next(readings)}

    case = Case(specs=(SPEC,), contestants={"Wanda": run}, is_long=True)
    found = [await alternate("notice", case, rounds, lambda _: None) for rounds in (5, 1)]
    assert [one.readings["Wanda"] for (one,) in found] == [(0, 1), (2,)]


async def test_a_slow_contestant_has_half_of_the_rounds() -> None:
    """The others have all of theirs."""

    async def run() -> Reading:
        return {"ms": 1.0}

    case = Case(specs=(SPEC,), contestants={"peer": run, "Wanda": run}, slow=frozenset({"peer"}))
    ((found,), (once,)) = [await alternate("deliver", case, rounds, lambda _: None) for rounds in (4, 1)]
    assert {who: len(values) for who, values in found.readings.items()} == {"peer": 2, "Wanda": 4}
    assert {who: len(values) for who, values in once.readings.items()} == {"peer": 1, "Wanda": 1}


def test_the_readme_shows_a_run_with_its_machine_and_date() -> None:
    """A benchmark's table stands between its markers, below what it was measured on, and replaces the one before."""
    rows = [one.as_json() for one in (figure(Wanda=(2.0,), limit=(4.0,)),)]
    bench = {"machine": "a lake", "date": "2026-11-20", "rounds": 1, "seconds": 900, "figures": rows}
    once = with_bench(f"above\n{BEGIN}\n{END}\nbelow", bench)
    assert "a lake; 2026-11-20; 1 rounds in 15 minutes." in once
    assert "| ack: p50, ms | 2 | - | 4 | 0.50 × limit | ≤ 1.5 × limit ✓ |" in once
    assert with_bench(once, bench) == once
    assert "ack: p50" not in with_bench(once, bench, rows=MAIN_ROWS)
    with pytest.raises(ValueError, match="markers"):
        with_bench("", bench)


def test_the_readme_has_the_pages_main_rows() -> None:
    """Each of the README's rows is one row of docs/benchmarks.md, word for word."""
    page, readme = (path.read_text(encoding="utf-8").splitlines() for path in (PAGE, README))
    for row in MAIN_ROWS:
        (shown,) = [line for line in readme if line.startswith(f"| {row}")]
        assert [line for line in page if line.startswith(f"| {row}")] == [shown]


def test_no_word_means_every_yardstick() -> None:
    """Without a word everything is measured, with words only that, and a word that is no yardstick is refused."""
    assert asked([]).only == list(YARDSTICKS)
    assert asked(["ack", "fit"]).only == ["ack", "fit"]
    with pytest.raises(SystemExit):
        asked(["speed"])
