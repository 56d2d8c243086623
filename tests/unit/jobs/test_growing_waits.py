from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.growing_waits import GrowingWaits

WEEK_S = 7 * 86_400.0
WAITS = GrowingWaits(whole_s=WEEK_S, least_s=2.0, most_s=1800.0)


def test_a_week_of_tries() -> None:
    """Waits grow from the shortest to the longest, and a week takes a few hundred tries."""
    now, waits = 0.0, list[float]()
    while (wait_s := WAITS.wait_s(0.0, now)) is not None:
        waits.append(wait_s)
        now += wait_s
    assert waits == sorted(waits)
    assert waits[:4] == [2.0, 2.0, 2.0, 3.0]
    assert waits[-1] == 1800.0
    assert 300 < len(waits) < 400
    assert WAITS.next_at(0.0, WEEK_S) is None
    assert WAITS.next_at(0.0, 0.0) == 2.0


@given(st.floats(0, 2e9), st.floats(0, 2e9))
def test_waits_are_bounded(since: float, now: float) -> None:
    """Also when the clock was set back, a wait is neither too short nor too long."""
    wait_s = WAITS.wait_s(since, now)
    assert wait_s is None or 2.0 <= wait_s <= 1800.0
    assert (wait_s is None) == (now - since >= WEEK_S)


def test_a_machine_that_was_off_begins_anew() -> None:
    """After days without a try the next ones come soon, and the time after which it is over stays the same."""
    assert WAITS.wait_s(0.0, 3 * 86_400.0) == 1800.0
    assert WAITS.wait_s(0.0, 3 * 86_400.0, awake_since=3 * 86_400.0 - 10.0) == 5.0
    assert WAITS.wait_s(0.0, WEEK_S, awake_since=WEEK_S) is None
