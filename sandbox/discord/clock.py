"""The sandbox's clock: the machine's monotonic clock, which control requests can move forward."""

from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.discord.wire import invalid

DISCORD_EPOCH_MS = 1_420_070_400_000
SEQUENCE_BITS = 22


class Clock:
    """Unix time in seconds; `advance` moves it forward, nothing moves it back."""

    def __init__(self, *, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._offset_s = wall() - monotonic()

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self._monotonic() + self._offset_s

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ApiError: `seconds` is negative.
        """
        if seconds < 0:
            raise invalid("seconds", "NUMBER_TYPE_MIN", "The clock only goes forward.")
        self._offset_s += seconds


def iso(seconds: float) -> str:
    """Return Unix seconds as an ISO 8601 timestamp, as Discord formats it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


class Snowflakes:
    """Generates unique, increasing ids that contain the time (https://discord.com/developers/docs/reference#snowflakes)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._began_ms = int(clock.now() * 1000) - DISCORD_EPOCH_MS
        self._servers = 0

    def next(self) -> int:
        """Return a new id."""
        fresh = (int(self._clock.now() * 1000) - DISCORD_EPOCH_MS) << SEQUENCE_BITS
        self._last = max(fresh, self._last + 1)
        return self._last

    def next_server(self) -> int:
        """Return a new id of a server: each is from a millisecond of its own, one before the other.

        A server's shard is computed from the millisecond, so servers spread evenly over any number of shards.
        """
        self._servers += 1
        return (self._began_ms - self._servers) << SEQUENCE_BITS
