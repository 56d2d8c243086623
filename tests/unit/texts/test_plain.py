"""Text of members is cut between characters as people see them, and text with nothing to see is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts.plain import cut, is_blank, visible

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAG = "\U0001f1e9\U0001f1ea"
THUMB = "\U0001f44d\U0001f3fd"
THAI = "\u0e19\u0e49\u0e33"


@pytest.mark.parametrize("whole", [FAMILY, FLAG, THUMB, "e\u0301", "\u0915\u093f", "❤\ufe0f"])
@given(count=st.integers(1, 30), chars_max=st.integers(1, 80))
def test_a_composed_character_is_never_split(whole: str, count: int, chars_max: int) -> None:
    """What is left of a name of 30 emoji, flags or accented letters is whole ones and an ellipsis."""
    name = whole * count
    short = cut(name, chars_max)
    assert len(short) <= chars_max
    assert short == name or (short.endswith("…") and len(short[:-1]) % len(whole) == 0)


@pytest.mark.parametrize("name", ["", "\u200f" * 32, "\u200d\u200d", "\u3164", "\u2800 \u2800", "\u0301"])
def test_nothing_to_see(name: str) -> None:
    """Direction marks, joiners, fillers and lone marks show nothing."""
    assert is_blank(visible(name))


@pytest.mark.parametrize("name", ["a", FAMILY, THAI, "\u202eevil"])
def test_something_to_see(name: str) -> None:
    """A letter or an emoji is something to see."""
    assert not is_blank(visible(name))


def test_plain_letters_are_shown_alike_beside_others() -> None:
    """Every ASCII character is kept, or becomes a space, whether or not the text has other characters too."""
    for char in map(chr, range(128)):
        text = f" a{char}  b"
        assert (
            visible(text)
            == visible(f"{text}é").removesuffix("é")
            == ("a b" if char < "!" or char > "~" else f"a{char} b")
        )
