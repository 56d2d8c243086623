"""Opens a video for an upload to Discord, so that it is sent in large pieces that are read where they are sent.

aiohttp reads a file 64 KiB at a time, each piece in another thread. A video was just written, so it is in the page
cache, and is read at once (RWF_NOWAIT, https://man7.org/linux/man-pages/man2/preadv2.2.html); only what is not there is
read in a thread. 25 MB on loopback take a third of the processor time of pieces of 1 MiB that a thread reads.

A video that is still being downloaded is sent as it arrives.
"""

import asyncio
import io
import os
from pathlib import Path
from typing import Any

import aiohttp
import discord
from aiohttp.abc import AbstractStreamWriter

from bot.net.arrival import Arrival

PIECE_BYTES = 512 * 1024
_NOW: int | None = getattr(os, "RWF_NOWAIT", None)  # Linux has it


class _Video(io.BufferedReader):
    """A video that `_VideoPayload` sends; it has an `arrival` as long as it is not whole."""

    def __init__(self, raw: io.FileIO, arrival: Arrival[Any] | None) -> None:
        super().__init__(raw)
        self.arrival = arrival


class _VideoPayload(aiohttp.BufferedReaderPayload):
    def __init__(self, value: _Video, *args: Any, **options: Any) -> None:
        super().__init__(value, *args, **options)
        self._arrival = value.arrival

    @property
    def size(self) -> int:
        """The bytes of the whole video, also of one that is not there yet."""
        return os.fstat(self._value.fileno()).st_size if self._arrival is None else self._arrival.size_bytes

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Send the whole file, from its start, whatever of it was sent before: discord.py tries again.

        Raises:
            OSError: it cannot be read, is shorter than it was, or broke off while it arrived.
        """
        number, at = self._value.fileno(), 0
        size = self.size if content_length is None else content_length
        while at < size:
            wanted = min(PIECE_BYTES, size - at)
            if self._arrival is not None:
                await self._arrival.reach(at + wanted)
            piece = _at_hand(number, at, wanted) or await asyncio.to_thread(os.pread, number, wanted, at)
            if not piece:
                raise OSError("the file became shorter while it was sent")
            at += len(piece)
            await writer.write(piece)


aiohttp.PAYLOAD_REGISTRY.register(_VideoPayload, _Video)


def _at_hand(number: int, at: int, wanted: int) -> bytearray:
    """Return what is in the page cache from this place on, nothing if a disk would be waited for."""
    piece = bytearray(wanted)
    try:
        got = 0 if _NOW is None else os.preadv(number, [piece], at, _NOW)
    except OSError:  # not in the cache, or a file system that cannot tell
        got = 0
    del piece[got:]
    return piece


def open_video(path: Path, *, name: str, arrival: Arrival[Any] | None = None) -> discord.File:
    """Return the file under the name that people see; `close_file` closes it.

    With an `arrival` that is not over it is the growing file, which will be at the path.

    Raises:
        OSError: it cannot be opened, or broke off while it arrived.
    """
    growing = arrival and arrival.open()
    video = _Video(io.FileIO(path), None) if growing is None else _Video(growing, arrival)
    return discord.File(video, filename=name)


def close_file(file: discord.File) -> None:
    """Close the file, also one that discord.py did not open itself and leaves open."""
    file.close()
    file.fp.close()
