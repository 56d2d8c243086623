"""One clock for all: Discord's and fal's are in this process, the bot reads the file that `ClockFile` writes."""

import mmap
from pathlib import Path

from sandbox.discord.clock import Clock
from sandbox.fal.runner import FalSettings
from sandbox.play.later import AHEAD_S

AHEAD_MAX_S = 400 * 24 * 3600.0


class ClockFile:
    """How many seconds the clock is ahead of the machine's, in a file that the bot's process maps into its memory."""

    def __init__(self, path: Path) -> None:
        """Create the file."""
        self.path = path
        path.write_bytes(AHEAD_S.pack(0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), AHEAD_S.size)

    @property
    def ahead_s(self) -> float:
        """The seconds ahead."""
        return float(AHEAD_S.unpack_from(self._memory)[0])

    def advance(self, seconds: float, discord: Clock, fal: FalSettings) -> None:
        """Move the bot's clock, Discord's and fal's forward.

        Raises:
            ValueError: the clock would go back, or more than `AHEAD_MAX_S` ahead.
        """
        if not 0 < seconds <= AHEAD_MAX_S - self.ahead_s:
            raise ValueError("The clock only goes forward, and at most a year.")
        discord.advance(seconds)
        fal.clock_ahead_s += seconds
        self._memory[:] = AHEAD_S.pack(self.ahead_s + seconds)

    def close(self) -> None:
        """Release the file."""
        self._memory.close()
