"""One request after the other for each channel, where the bot's own token is used.

discord.py lets as many requests go at once as the last answer's numbers allow, and at the border of a window that is
one too many: Discord answers 429, and thousands of those get an address banned. Sent one by one, each request knows the
numbers of the one before.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

What: TypeAlias = Literal["send", "edit", "delete"]  # each is a bucket of its own


@dataclass(slots=True)
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class ChannelQueue:
    """Keeps the lines of all channels; a line that nobody stands in is forgotten."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lines: dict[tuple[int, What], _Line] = {}

    @asynccontextmanager
    async def turn(self, channel_id: int, what: What) -> AsyncGenerator[None]:
        """Wait for one's turn in this channel's line; the turn lasts until the block is left."""
        key = (channel_id, what)
        line = self._lines.setdefault(key, _Line())
        line.length += 1
        try:
            async with line.lock:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[key]

    def is_free(self, channel_id: int, what: What) -> bool:
        """Return whether nobody stands in this line."""
        return (channel_id, what) not in self._lines
