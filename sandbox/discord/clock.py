"""The sandbox's time: the machine's monotonic clock, moved forward on request."""

from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.discord.wire import invalid

DISCORD_EPOCH_MS = 1_420_070_400_000
SEQUENCE_BITS = 22


class Clock:
    """Seconds since 1970 in the sandbox's own time; `advance` moves it, nothing moves it back."""

    def __init__(self, *, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._offset_s = wall() - monotonic()

    def now(self) -> float:
        """Unix seconds."""
        return self._monotonic() + self._offset_s

    def advance(self, seconds: float) -> None:
        """Jump ahead.

        Raises:
            ApiError: when asked to go back.
        """
        if seconds < 0:
            raise invalid("seconds", "NUMBER_TYPE_MIN", "The clock only goes forward.")
        self._offset_s += seconds


def iso(seconds: float) -> str:
    """Unix seconds as Discord prints a timestamp."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


class Snowflakes:
    """Hands out ids: unique, growing, and carrying the sandbox's time as Discord's do."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A new id."""
        fresh = (int(self._clock.now() * 1000) - DISCORD_EPOCH_MS) << SEQUENCE_BITS
        self._last = max(fresh, self._last + 1)
        return self._last
