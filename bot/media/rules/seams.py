"""The seams between the parts of a film, and how long the film becomes by them."""

from collections.abc import Sequence

SEAM_FADES_S = (0.0, 0.5, 1.0)  # none, or how long the picture and the sound of two parts overlap
PARTS_MAX = 8


def joined_s(parts_s: Sequence[float], fades_s: Sequence[float]) -> float:
    """Return how long the parts play when they are joined; each seam takes its fade from the sum."""
    return sum(parts_s) - sum(fades_s)
