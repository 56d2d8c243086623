"""Text made of lines or parts that fits into what Discord takes, and says how much was left out."""

from collections.abc import Sequence

MESSAGE_CHARS_MAX = 2000
DESCRIPTION_CHARS_MAX = 3000  # of Discord's 4,096, because a whole panel has 6,000
FIELD_CHARS_MAX = 900  # of Discord's 1,024, likewise
_NOTE_CHARS = 30


def fitting(parts: Sequence[str], chars_max: int, *, between: str = "\n") -> str:
    """Return the first parts that fit, and how many more there are; a part that is too long alone is cut."""
    text = between.join(parts)
    if len(text) <= chars_max:
        return text
    kept: list[str] = []
    room = chars_max - _NOTE_CHARS - len(between)
    for part in parts:
        room -= len(part) + len(between)
        if room < 0:
            break
        kept.append(part)
    kept = kept or [_cut(parts[0], chars_max - _NOTE_CHARS - len(between))]
    left_out = len(parts) - len(kept)
    return between.join([*kept, f"… and {left_out:,} more"] if left_out else kept)


def _cut(part: str, chars_max: int) -> str:
    """Return the beginning, not ending in a backslash that would escape what follows."""
    return part[: chars_max - 1].rstrip("\\") + "…"
