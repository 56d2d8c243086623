"""Compares the lengths that one file states and has, because fal may charge by any of them. Workers import this."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Encoders pad sound by up to 0.12 s (HE-AAC), and phones end picture and sound up to 0.2 s apart.
TOLERANCE_S = 0.25
# More frames in a second than any camera in common use records; a reader that assumes a lower rate finds a longer clip.
FRAMES_PER_S_MAX = 240
_MS_PER_S = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Lengths of one file, in seconds; `seconds` is the one to quote and to state."""

    seconds: float
    shortest_s: float
    longest_s: float


def lengths(
    played_s: float,
    *,
    stated_s: Sequence[float],
    media_s: Sequence[float],
    parts_s: Sequence[float],
    padded_s: Sequence[float],
) -> Lengths:
    """Return the lengths of a file whose main stream plays for `played_s`.

    `stated_s` are the lengths that must equal it: the container's, and the main stream's own. `media_s` are the main
    stream's with what an edit list hides; they must equal it too, but for an encoder's padding. `parts_s` are those of
    other streams, which may be shorter, and `padded_s` lengths of any stream with its padding. Padding within the
    tolerance is not charged for. So `seconds` is the longest length without padding if all agree, and else what is
    played, which is what the file must be cut to.
    """
    shown = (played_s, *stated_s, *parts_s)
    shortest, longest = min((played_s, *stated_s, *media_s)), max((*shown, *media_s, *padded_s))
    chosen = max(shown) if agree(shortest, longest) else played_s
    return Lengths(seconds=_ms_up(chosen), shortest_s=_ms_up(shortest), longest_s=_ms_up(longest))


def agree(shortest_s: float | None, longest_s: float | None) -> bool:
    """Whether the file is as long for every reader; a picture, which has no lengths, is."""
    return shortest_s is None or longest_s is None or longest_s - shortest_s <= TOLERANCE_S


def _ms_up(seconds: float) -> float:
    return math.ceil(round(seconds * _MS_PER_S, 3)) / _MS_PER_S
