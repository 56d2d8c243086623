"""What several members pay for one job is divided in proportion, to the micro-dollar."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from bot.ledger.shares import divided

AMOUNTS = st.integers(0, 10**12)


@given(held=st.lists(AMOUNTS, max_size=25), share=st.fractions(0, 1))
@example(held=[1, 1, 1], share=Fraction(2, 3))
def test_the_parts_sum_up_and_none_is_above_what_is_held(held: list[int], share: Fraction) -> None:
    """Nothing is lost or made by rounding, and each part is within a micro-dollar of the exact one."""
    total = sum(held)
    amount = int(total * share)
    parts = divided(amount, held)
    assert sum(parts) == amount
    assert all(0 <= part <= one for part, one in zip(parts, held, strict=True))
    assert all(abs(part * total - amount * one) < total for part, one in zip(parts, held, strict=True) if total)


def test_odd_micro_dollars_go_to_whoever_loses_most_by_rounding() -> None:
    """Of equals the first gets one; whoever holds nothing gets nothing."""
    assert divided(2, [1, 1, 1]) == (1, 1, 0)
    assert divided(50, [60, 30, 10]) == (30, 15, 5)
    assert divided(10, [7, 0, 8]) == (5, 0, 5)
    assert divided(0, [0, 0]) == (0, 0)
