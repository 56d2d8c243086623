from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.money import dollars


@pytest.mark.parametrize(
    ("microusd", "words"),
    [
        (0, "$0.00"),
        (750_000, "$0.75"),
        (62_500, "$0.0625"),
        (5_000_000, "$5.00"),
        (1_234_567_890_000, "$1,234,567.89"),
        (1, "$0.000001"),
        (-350_000, "-$0.35"),
    ],
)
def test_dollars_have_two_decimals_and_more_only_when_needed(microusd: int, words: str) -> None:
    """People read dollars and cents; a fraction of a cent is shown, never rounded away."""
    assert dollars(microusd) == words


@given(st.integers(-(10**15), 10**15))
def test_dollars_are_exact(microusd: int) -> None:
    """What is read is the amount itself, for every amount."""
    assert Decimal(dollars(microusd).replace("$", "").replace(",", "")) * 1_000_000 == microusd
