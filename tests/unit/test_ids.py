import re
from itertools import pairwise

from bot.ids import new_id
from bot.jobs.short_id import short_id

AT = 1_795_000_000.0
_EVERY_DIGIT_S = 2**32 / 1000


def test_an_id_is_32_digits_whatever_the_time() -> None:
    """Buttons, folders and commands know an id by its 32 hexadecimal digits."""
    for at in (0.0, 0.001, AT, AT + 0.0004, _EVERY_DIGIT_S - 0.001, _EVERY_DIGIT_S, 253402300799.0):
        assert re.fullmatch(r"[0-9a-f]{32}", new_id(at=at))


def test_ids_stand_in_the_order_in_which_they_were_made() -> None:
    """A later job's id comes after an earlier one's, as long as the eight digits of the time have not begun anew."""
    begins_anew_at = -(-AT // _EVERY_DIGIT_S) * _EVERY_DIGIT_S
    moments = (begins_anew_at + 0.5, begins_anew_at + 0.502, begins_anew_at + 3600, begins_anew_at + 49 * 86400)
    ids = [new_id(at=at) for at in moments]
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_jobs_of_one_moment_have_short_ids_of_their_own() -> None:
    """A member who orders eight videos at once, or a thousand, has as many short ids."""
    assert len({short_id(new_id(at=AT)) for _ in range(1000)}) == 1000


def test_ids_of_the_same_moment_differ() -> None:
    """The rest of an id is random: no id is made twice, also within one millisecond."""
    assert len({new_id(at=AT) for _ in range(10_000)}) == 10_000
