"""Exponential backoff with jitter."""

from collections.abc import Callable

_DOUBLINGS_MAX = 32  # beyond any bound; a larger exponent would only overflow


def wait_s(attempt: int, *, least_s: float, most_s: float, random: Callable[[], float]) -> float:
    """Return the wait after try `attempt` (from 0): doubling from `least_s` to `most_s`, less up to half at random."""
    full = min(most_s, least_s * 2 ** min(attempt, _DOUBLINGS_MAX))
    return full * (1 - random() / 2)
