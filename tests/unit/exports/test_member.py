"""A member's files in parts that Discord takes."""

from hypothesis import given
from hypothesis import strategies as st

from bot.exports.member import MARGIN_BYTES, Item, divide

LIMIT = 1024 * 1024
sizes = st.lists(st.integers(0, 2 * LIMIT), max_size=30)


@given(sizes=sizes, used=st.integers(0, LIMIT // 2))
def test_every_file_is_in_one_part_or_too_large(sizes: list[int], used: int) -> None:
    """Each file is in one part or left out, in order, and no part exceeds the limit."""
    items = [Item(str(number), str(number), size) for number, size in enumerate(sizes)]
    parts, too_large = divide(items, LIMIT, first_used_bytes=used)
    assert parts
    kept = [item for part in parts for item in part]
    assert [item for item in items if item not in too_large] == kept
    for number, part in enumerate(parts):
        assert sum(item.size_bytes for item in part) + (0 if number else used) <= LIMIT - MARGIN_BYTES
    assert all(part for part in parts[1:])


@given(sizes=sizes)
def test_only_what_fits_nowhere_is_left_out(sizes: list[int]) -> None:
    """A file that fits into a part of its own is never left out."""
    items = [Item(str(number), str(number), size) for number, size in enumerate(sizes)]
    _, too_large = divide(items, LIMIT, first_used_bytes=0)
    assert all(item.size_bytes > LIMIT - 2 * MARGIN_BYTES for item in too_large)
