"""How long, and how often, the last steps of a paid job are tried again: its result, its download, its post."""

from dataclasses import dataclass

_GROWTH = 0.5  # a wait is half of the time that has passed, so each is half as long again as the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingWaits:
    """Waits that grow with the time since the first try, so that nothing but that time has to be stored.

    `whole_s` is after how many seconds it ends; a single wait lasts from `least_s` to `most_s` seconds.
    """

    whole_s: float
    least_s: float
    most_s: float

    def wait_s(self, since: float, now: float, *, awake_since: float = 0.0) -> float | None:
        """Return the seconds until the next try of what is tried since `since` (Unix seconds); None if it is over.

        After `awake_since` the waits begin anew: a machine that was off for days did not try in that time.
        """
        if max(0.0, now - since) >= self.whole_s:
            return None
        return min(self.most_s, max(self.least_s, (now - max(since, awake_since)) * _GROWTH))

    def next_at(self, since: float, now: float, *, awake_since: float = 0.0) -> float | None:
        """Return when the next try is due, in Unix seconds; None if it is over."""
        wait_s = self.wait_s(since, now, awake_since=awake_since)
        return None if wait_s is None else now + wait_s
