"""One clock for all: Discord's and fal's are in this process, the bot reads the file that `ClockFile` writes."""

import mmap
import struct
from pathlib import Path

from sandbox.discord.clock import Clock
from sandbox.fal.runner import FalSettings

_SECONDS = struct.Struct("<d")
AHEAD_MAX_S = 400 * 24 * 3600.0


class ClockFile:
    """How many seconds the clock is ahead of the machine's, in a file that the bot's process maps into its memory."""

    def __init__(self, path: Path) -> None:
        """Create the file."""
        self.path = path
        path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SECONDS.size)

    @property
    def ahead_s(self) -> float:
        """The seconds ahead."""
        return read_ahead_s(self._memory)

    def advance(self, seconds: float, discord: Clock, fal: FalSettings) -> None:
        """Move the bot's clock, Discord's and fal's forward.

        Raises:
            ValueError: the clock would go back, or more than `AHEAD_MAX_S` ahead.
        """
        if not 0 < seconds <= AHEAD_MAX_S - self.ahead_s:
            raise ValueError("The clock only goes forward, and at most a year.")
        discord.advance(seconds)
        fal.clock_ahead_s += seconds
        self._memory[:] = _SECONDS.pack(self.ahead_s + seconds)

    def close(self) -> None:
        """Release the file."""
        self._memory.close()


def read_ahead_s(memory: mmap.mmap) -> float:
    """Return the seconds that the mapped file holds."""
    return float(_SECONDS.unpack_from(memory)[0])
