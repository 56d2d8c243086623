"""Makes file names safe to show in Discord."""

import re
import unicodedata

SHOWN_CHARACTERS_MAX = 60
_EXTENSION_CHARACTERS_MAX = 10
_UNNAMED = "the file"

# Discord's markdown, mentions and channels, and the characters of links.
_DROPPED = frozenset('*~`|\\<>@#[]{}/:“”"')
# An underscore between letters is plain text; elsewhere, or doubled, it starts italics or underlining.
_LOOSE_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])|_{2,}")
_SPACES = re.compile(r"\s+")


def shown_name(given: str) -> str:
    """Return a name that is safe inside a Discord message: no markdown, mention, link or control character.

    It has at most `SHOWN_CHARACTERS_MAX` characters and keeps its extension; it is "the file" if nothing is left.
    """
    text = unicodedata.normalize("NFC", given[:1000])
    # The categories C… are control characters, some of which reverse the reading direction.
    kept = "".join(
        " " if unicodedata.category(char) in {"Zl", "Zp", "Cc"} else char
        for char in text
        if char not in _DROPPED and unicodedata.category(char) not in {"Cf", "Cs", "Co", "Cn", "Me"}
    )
    name = _SPACES.sub(" ", _LOOSE_UNDERSCORES.sub(" ", kept)).strip()
    return _shortened(name) or _UNNAMED


def _shortened(name: str) -> str:
    """Cut the middle out of a long name; keep its beginning and its extension."""
    if len(name) <= SHOWN_CHARACTERS_MAX:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _EXTENSION_CHARACTERS_MAX:
        return name[: SHOWN_CHARACTERS_MAX - 1] + "…"
    tail = f"….{extension}"
    return stem[: SHOWN_CHARACTERS_MAX - len(tail)] + tail
