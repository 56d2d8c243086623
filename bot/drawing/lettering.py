"""Fits names that members wrote to the pictures' fonts and to a width.

matplotlib takes each letter from the first font that has it, and shapes whole words, as Arabic needs it.
Its own DejaVu Sans comes first; the others are in `fonts/`, whose README.md says where they are from. Bold text is
amounts alone, and needs no other font.
"""
# matplotlib's stubs leave some types open.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

import unicodedata
from functools import lru_cache
from pathlib import Path

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ft2font import LoadFlags

from bot.texts.plain import cut, is_blank, visible

_CHARS_MAX = 120
_FAMILY = "DejaVu Sans"  # comes with matplotlib
_OTHERS = tuple(sorted(Path(__file__).with_name("fonts").glob("*.ttf")))
_JOINERS = frozenset("\u200c\u200d\ufe0f")  # shaping needs them; nothing is drawn for them
_ENOUGH = 0.5


def families(*, bold: bool = False) -> tuple[str, ...]:
    """Return the names of the fonts for a text, in the order in which they are asked for a letter."""
    return (_FAMILY,) if bold else open_fonts()


@lru_cache(maxsize=1)
def open_fonts() -> tuple[str, ...]:
    """Open all fonts, and return their names."""
    for path in _OTHERS:
        fontManager.addfont(path)
    return (_FAMILY, *(get_font(path).family_name for path in _OTHERS))


def plain_text(words: str) -> str:
    """Return the text on one line, without the characters that all fonts lack."""
    return " ".join("".join(map(_drawable, visible(words[: 4 * _CHARS_MAX]))).split())


def drawable_name(name: str, width: float, size: float) -> str:
    """Return the name cut to `width` pixels, or "" if the fonts lack more than half of its letters or all else."""
    letters = [char for char in visible(name[: 4 * _CHARS_MAX]) if char.isalnum()]
    known = sum(1 for char in letters if _drawable(char))
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
    font = get_font([_path(bold=True)] if bold else [_path(bold=False), *_OTHERS])
    font.set_size(size, 72)
    font.set_text(words, 0.0, flags=LoadFlags.NO_HINTING)
    return font.get_width_height()[0] / 64


def _drawable(char: str) -> str:
    """Return the character, what it stands for if no font has it (a bold Gothic F is an F), or "" if none has that."""
    if char == " " or _has(char):
        return char
    return "".join(filter(_has, unicodedata.normalize("NFKC", char)))


def _has(char: str) -> bool:
    return char in _JOINERS or ord(char) in _letters()


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    return frozenset[int]().union(*(get_font(path).get_charmap() for path in (_path(bold=False), *_OTHERS)))


@lru_cache(maxsize=2)
def _path(*, bold: bool) -> str:
    return findfont(FontProperties(family=_FAMILY, weight="bold" if bold else "normal"))
