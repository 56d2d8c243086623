"""A prober that reads nothing, for files that only look like videos."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bot.errors import Busy, MediaRefused
from bot.media.probe import Facts
from bot.requester import Requester


@dataclass
class FakeProber:
    """Says of every file that it is a video that plays, unless the test says otherwise."""

    plays: bool = True
    busy: bool = False

    async def facts(self, path: Path, *, shown_name: str, requester: Requester) -> Facts:
        """Return the facts, or refuse."""
        if self.busy:
            raise Busy("no worker")
        if not self.plays:
            raise MediaRefused(f"{shown_name} is damaged")
        size = (await asyncio.to_thread(path.stat)).st_size
        return Facts(
            kind="video", format="mp4", size_bytes=size, width=9, height=9, seconds=5.0, shortest_s=5.0, longest_s=5.0
        )
