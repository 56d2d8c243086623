"""Fits names that members wrote to the pictures' font and to a width."""
# matplotlib's stubs leave some types open.
# pyright: reportUnknownVariableType=false

from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags

from bot.texts.plain import cut, is_blank, visible

_CHARS_MAX = 120
_FAMILY = "DejaVu Sans"  # comes with matplotlib
_ENOUGH = 0.5


def plain_text(words: str) -> str:
    """Return the text on one line, without the characters that the font lacks."""
    return " ".join("".join(char for char in visible(words[: 4 * _CHARS_MAX]) if char == " " or _has(char)).split())


def drawable_name(name: str, width: float, size: float) -> str:
    """Return the name cut to `width` pixels, or "" if the font lacks more than half of its letters or all else."""
    letters = [char for char in visible(name[: 4 * _CHARS_MAX]) if char.isalnum()]
    known = sum(1 for char in letters if _has(char))
    drawn = plain_text(name)
    if is_blank(drawn) or known < _ENOUGH * len(letters):
        return ""
    return fit_width(drawn, width, size)


def fit_width(words: str, width: float, size: float) -> str:
    """Return the text, or as much of its beginning as fits with "…" into `width` pixels."""
    words = cut(words, _CHARS_MAX)
    if width_of(words, size) <= width:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(cut(words, middle), size) <= width:
            low = middle
        else:
            high = middle - 1
    return cut(words, low)


def width_of(words: str, size: float, *, bold: bool = False) -> float:
    """Return the width of the text in pixels."""
    if not words:
        return 0.0
    font = get_font(_path(bold=bold))
    font.set_size(size, 72)
    font.set_text(words, 0.0, flags=LoadFlags.NO_HINTING)
    return font.get_width_height()[0] / 64


def _has(char: str) -> bool:
    return ord(char) in _letters()


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    return frozenset(get_font(_path(bold=False)).get_charmap())


@lru_cache(maxsize=2)
def _path(*, bold: bool) -> str:
    return findfont(FontProperties(family=_FAMILY, weight="bold" if bold else "normal"))
