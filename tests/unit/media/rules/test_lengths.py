"""Which of a file's lengths is quoted."""

from hypothesis import given
from hypothesis import strategies as st

from bot.media.rules.lengths import TOLERANCE_S, agree, lengths

SECONDS = st.floats(0, 100)
SOME = st.lists(SECONDS, max_size=4)


@given(SECONDS, SOME, SOME, SOME, SOME)
def test_a_quote_is_no_less_than_what_fal_may_find(
    played: float, stated: list[float], media: list[float], parts: list[float], padded: list[float]
) -> None:
    """Lengths agree only if nothing is longer than the quoted one by more than padding, and nothing stated is short."""
    found = lengths(played, stated_s=stated, media_s=media, parts_s=parts, padded_s=padded)
    everything = [played, *stated, *media, *parts, *padded]
    assert abs(found.longest_s - max(everything)) <= 0.001
    if not agree(found.shortest_s, found.longest_s):
        assert abs(found.seconds - played) <= 0.001
        return
    assert found.seconds >= max([played, *stated, *parts]) - 1e-6
    assert max(everything) - found.seconds <= TOLERANCE_S + 0.002
    assert played - min([played, *stated, *media]) <= TOLERANCE_S + 0.002


@given(SECONDS, SECONDS)
def test_a_part_may_be_shorter(played: float, shorter: float) -> None:
    """Sound that ends before the picture costs nothing and is no reason to write the file again."""
    part = min(played, shorter)
    found = lengths(played, stated_s=[played], media_s=[], parts_s=[part], padded_s=[part])
    assert agree(found.shortest_s, found.longest_s)


def test_a_picture_has_no_lengths() -> None:
    """Nothing disagrees in a file that does not play."""
    assert agree(None, None)
