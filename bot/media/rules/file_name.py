"""File names as people may see them. Pure."""

import re
import unicodedata

SHOWN_CHARACTERS_MAX = 60
_EXTENSION_CHARACTERS_MAX = 10
_UNNAMED = "the file"

# Discord's markdown, its mentions and channels, and what would make a link of a name.
_DROPPED = frozenset('*~`|\\<>@#[]{}/:“”"')
# An underscore between letters is plain text; anywhere else, or doubled, it would slant or underline what follows.
_LOOSE_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])|_{2,}")
_SPACES = re.compile(r"\s+")


def shown_name(given: str) -> str:
    """Return a name that is safe inside a Discord message: no markdown, mention, link or control character.

    It is at most `SHOWN_CHARACTERS_MAX` long and keeps its extension; "the file" stands for a name of which nothing is
    left.
    """
    text = unicodedata.normalize("NFC", given[:1000])
    # Categories C… hold control characters and the ones that turn the reading direction around.
    kept = "".join(
        " " if unicodedata.category(char) in {"Zl", "Zp", "Cc"} else char
        for char in text
        if char not in _DROPPED and unicodedata.category(char) not in {"Cf", "Cs", "Co", "Cn", "Me"}
    )
    name = _SPACES.sub(" ", _LOOSE_UNDERSCORES.sub(" ", kept)).strip()
    return _shortened(name) or _UNNAMED


def _shortened(name: str) -> str:
    """Cut the middle out of a long name, so that its beginning and its extension stay."""
    if len(name) <= SHOWN_CHARACTERS_MAX:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _EXTENSION_CHARACTERS_MAX:
        return name[: SHOWN_CHARACTERS_MAX - 1] + "…"
    tail = f"….{extension}"
    return stem[: SHOWN_CHARACTERS_MAX - len(tail)] + tail
