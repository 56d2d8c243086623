"""How often a bot may IDENTIFY: 1,000 times in 24 hours, and once in five seconds for each bucket of shards.

A shard's bucket is its id modulo `max_concurrency`, over all connections of the bot
(https://discord.com/developers/docs/events/gateway#sharding-max-concurrency).
"""

from sandbox.discord.clock import Clock
from sandbox.discord.wire import Json

STARTS_PER_DAY = 1000
DAY_S = 24 * 3600.0
IDENTIFY_INTERVAL_S = 5.0


class SessionStarts:
    """Counts IDENTIFYs: `used` are those of today, of `total`.

    In `interval_s` one of them is taken for each bucket; tests may shorten it.
    """

    def __init__(self, clock: Clock, interval_s: float) -> None:
        self._clock = clock
        self.interval_s = interval_s
        self.total = STARTS_PER_DAY
        self.max_concurrency = 1
        self.used = 0
        self._day_began = -DAY_S
        self._last: dict[int, float] = {}

    def is_too_soon(self, shard: int) -> bool:
        """Return whether an IDENTIFY of this shard now would be the second of its bucket within the interval."""
        return self._clock.now() - self._last.get(shard % self.max_concurrency, -DAY_S) < self.interval_s

    def take(self, shard: int) -> bool:
        """Count one session start; False if none is left for today."""
        self._renew()
        self._last[shard % self.max_concurrency] = self._clock.now()
        self.used += 1
        return self.used <= self.total

    def renew_in(self, seconds: float) -> None:
        """Let the day of the counting end after this time."""
        self._day_began = self._clock.now() + seconds - DAY_S

    def limit(self) -> Json:
        """Return the session start limit object.

        https://discord.com/developers/docs/events/gateway#session-start-limit-object
        """
        self._renew()
        left_s = 0.0 if not self.used else self._day_began + DAY_S - self._clock.now()
        return {
            "total": self.total,
            "remaining": max(0, self.total - self.used),
            "reset_after": int(left_s * 1000),
            "max_concurrency": self.max_concurrency,
        }

    def _renew(self) -> None:
        if self._clock.now() - self._day_began >= DAY_S:
            self._day_began, self.used = self._clock.now(), 0
