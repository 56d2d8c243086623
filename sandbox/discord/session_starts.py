"""How often a bot may IDENTIFY: 1,000 times in 24 hours, and once in five seconds.

https://discord.com/developers/docs/events/gateway#session-start-limit-object
"""

from sandbox.discord.clock import Clock
from sandbox.discord.wire import Json

STARTS_PER_DAY = 1000
DAY_S = 24 * 3600.0
MAX_CONCURRENCY = 1
IDENTIFY_INTERVAL_S = 5.0


class SessionStarts:
    """Counts IDENTIFYs: `used` are those of today.

    `interval_s` is the time in which `MAX_CONCURRENCY` of them are taken; tests may shorten it.
    """

    def __init__(self, clock: Clock, interval_s: float) -> None:
        self._clock = clock
        self.interval_s = interval_s
        self.used = 0
        self._day_began = self._last = -DAY_S

    def is_too_soon(self) -> bool:
        """Return whether an IDENTIFY now would exceed the concurrency."""
        return self._clock.now() - self._last < self.interval_s

    def take(self) -> bool:
        """Count one session start; False if none is left for today."""
        self._renew()
        self._last = self._clock.now()
        self.used += 1
        return self.used <= STARTS_PER_DAY

    def limit(self) -> Json:
        """Return the session start limit object."""
        self._renew()
        left_s = 0.0 if not self.used else self._day_began + DAY_S - self._clock.now()
        return {
            "total": STARTS_PER_DAY,
            "remaining": max(0, STARTS_PER_DAY - self.used),
            "reset_after": int(left_s * 1000),
            "max_concurrency": MAX_CONCURRENCY,
        }

    def _renew(self) -> None:
        if self._clock.now() - self._day_began >= DAY_S:
            self._day_began, self.used = self._clock.now(), 0
