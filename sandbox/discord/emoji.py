"""Tells emoji from other text."""

import re
import unicodedata

_CUSTOM = re.compile(r"(a:)?\w{2,32}:\d{1,20}")
_PICTURES = range(0x1F000, 0x1FB00)  # Unicode adds emoji here that Python's tables do not know yet
_LONE = frozenset(
    "\u203c\u2049\u2139\u3030"
)  # emoji that are no symbols: two punctuation marks, the information sign, the wavy dash
_PARTS = frozenset("\u200d\u20e3\ufe0f") | {chr(n) for n in range(0xE0020, 0xE0080)}
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")


def is_emoji(name: str) -> bool:
    """Return whether the name is one emoji, or a custom one as `name:id`."""
    if _CUSTOM.fullmatch(name) or _KEYCAP.fullmatch(name):
        return True
    shown = [char for char in name if char not in _PARTS]
    return bool(shown) and all(
        ord(char) in _PICTURES or char in _LONE or unicodedata.category(char) in {"So", "Sm"} for char in shown
    )
