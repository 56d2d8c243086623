from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.money import MICROUSD_PER_CENT, dollars, exact_dollars, rounded

AMOUNTS = st.integers(-(10**15), 10**15)


def microusd_of(said: str) -> Decimal:
    """Return the amount that a reader sees, in micro-dollars."""
    return Decimal(said.replace("$", "").replace(",", "")) * 1_000_000


@pytest.mark.parametrize(
    ("microusd", "cents", "exact"),
    [
        (0, "$0.00", "$0.00"),
        (750_000, "$0.75", "$0.75"),
        (62_500, "$0.06", "$0.0625"),
        (65_000, "$0.07", "$0.065"),
        (75_000, "$0.08", "$0.075"),
        (303_750, "$0.30", "$0.30375"),
        (5_000_000, "$5.00", "$5.00"),
        (1_234_567_890_000, "$1,234,567.89", "$1,234,567.89"),
        (9_999, "$0.01", "$0.009999"),
        (9_949, "$0.0099", "$0.009949"),
        (2_500, "$0.0025", "$0.0025"),
        (105, "$0.00011", "$0.000105"),
        (1, "$0.000001", "$0.000001"),
        (-350_000, "-$0.35", "-$0.35"),
        (-65_000, "-$0.07", "-$0.065"),
    ],
)
def test_examples(microusd: int, cents: str, exact: str) -> None:
    """People read cents, with a half rounded up, and below a cent two digits; the books have every digit."""
    assert dollars(microusd) == cents
    assert exact_dollars(microusd) == exact


@given(AMOUNTS)
def test_exact(microusd: int) -> None:
    """An exact amount is the amount itself."""
    assert microusd_of(exact_dollars(microusd)) == microusd


@given(AMOUNTS)
def test_nothing_else_reads_as_nothing(microusd: int) -> None:
    """Only nothing reads as $0.00, and what is read is at most half a cent away."""
    said = microusd_of(dollars(microusd))
    assert (said == 0) == (microusd == 0)
    assert abs(said - microusd) <= MICROUSD_PER_CENT // 2


@given(AMOUNTS, AMOUNTS)
def test_order(one: int, other: int) -> None:
    """A larger amount never reads as the smaller one."""
    assert (microusd_of(dollars(one)) <= microusd_of(dollars(other))) or one > other


@given(AMOUNTS, st.sampled_from([1, 10, 10_000, 1_000_000]))
def test_half_goes_up(microusd: int, unit: int) -> None:
    """Rounding gives the nearest multiple, and of two equally near ones the larger amount."""
    found = rounded(microusd, unit)
    assert found % unit == 0
    assert abs(found - microusd) * 2 <= unit
    assert abs(found - microusd) * 2 < unit or abs(found) > abs(microusd)
