"""Estimates a rendering's progress and remaining time from fal's own progress and from past jobs."""

from dataclasses import dataclass

from bot.jobs.model import Live

_FRACTION_MIN = 0.03  # fal's first log lines hardly predict the total
_ELAPSED_MIN_S = 3.0
_CEILING = 0.99  # only a finished video is 100 %


@dataclass(frozen=True, slots=True)
class Estimate:
    """`fraction` is 0 to 0.99 or None (unknown); `left_s` is None when unknown or already overdue.

    It is overdue when videos like it took less time.
    """

    fraction: float | None
    left_s: float | None
    overdue: bool


def estimate(elapsed_s: float, live: Live) -> Estimate:
    """Return the estimate after `elapsed_s` seconds of rendering; with no data both values are None."""
    total_s = _total_s(elapsed_s, live)
    if total_s is None:
        known = None if live.fraction is None else min(max(live.fraction, 0.0), _CEILING)
        return Estimate(known, None, overdue=False)
    # fal's last step is not the end of the job, and says nothing about how long such jobs usually take.
    overdue = bool(live.typical_s) and elapsed_s >= max(total_s, live.typical_s or 0.0)
    return Estimate(
        _fraction(elapsed_s, total_s, live), None if overdue else max(0.0, total_s - elapsed_s), overdue=overdue
    )


def _total_s(elapsed_s: float, live: Live) -> float | None:
    """Return the expected total time: a mean of fal's pace and the median of past jobs, weighted by fal's progress."""
    typical_s = live.typical_s if live.typical_s is not None and live.typical_s > 0 else None
    fraction = live.fraction
    if fraction is None or fraction < _FRACTION_MIN or elapsed_s < _ELAPSED_MIN_S:
        return typical_s
    fraction = min(fraction, 1.0)
    paced_s = elapsed_s / fraction
    return paced_s if typical_s is None else fraction * paced_s + (1 - fraction) * max(typical_s, elapsed_s)


def _fraction(elapsed_s: float, total_s: float, live: Live) -> float:
    """Return fal's fraction if it gives one, else the elapsed share of `total_s`, which slows down above 90 %."""
    if live.fraction is not None and live.fraction >= _FRACTION_MIN:
        return min(live.fraction, _CEILING)
    share = max(elapsed_s, 0.0) / total_s
    # Above 90 % of the usual time the bar only creeps: nothing says how much is left.
    return min(share if share < 0.9 else 0.9 + 0.09 * (1 - 0.9 / share), _CEILING)  # noqa: PLR2004 - see the comment above
