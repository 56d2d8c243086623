"""A file that is on its way to disk, for whoever reads it before it is whole."""

import asyncio
import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

Verdict = TypeVar("Verdict")
Judge = Callable[[Path, int], Verdict | None]
_JUDGED_FROM_BYTES = 256 * 1024
_JUDGED_UP_TO_BYTES = 4 * 1024 * 1024
PIECE_WITHIN_S = 10.0  # a slower download is waited for without a reader, who may hold a place that others need
_BROKE_OFF = "the file broke off while it arrived"


class Arrival(Generic[Verdict]):
    """How much of a download is on disk. Its thread tells it of each piece, and the event loop reads.

    `judge` gets the file and the size that it will have, and returns what the reader must know of it, or None as long
    as it cannot tell. It is asked in the thread: first when 256 KiB are there, then at twice as much, up to 4 MiB.
    What breaks off and is downloaded anew may be judged anew, unless somebody may have begun to read it.
    """

    def __init__(self, judge: Judge[Verdict]) -> None:
        self._judge = judge
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._wanted: int | None = None  # bytes that are waited for; the thread tells no earlier
        self._file: io.FileIO | None = None
        self._part = Path()
        self._judged_next = _JUDGED_FROM_BYTES
        self._here = 0
        self._is_over = False
        self.size_bytes = 0
        self.verdict: Verdict | None = None
        self.is_broken = False

    # What the download's thread calls.

    def begin(self, part: Path, size_bytes: int | None) -> None:
        """A download to `part` begins; `size_bytes` is None if its size is not known before the end."""
        if self.verdict is None:
            self._part, self.size_bytes = part, size_bytes or 0
            self._here, self._judged_next = 0, _JUDGED_FROM_BYTES

    def grow(self, part: Path, here: int) -> None:
        """So many bytes of it are on disk."""
        if part != self._part:
            return
        self._here = here
        if self.verdict is None and self._judged_next <= min(here, _JUDGED_UP_TO_BYTES) and here < self.size_bytes:
            self._judged_next *= 2
            self._judge_now()
        if self._wanted is not None and here >= self._wanted:
            self._tell()

    def _judge_now(self) -> None:
        try:
            verdict = self._judge(self._part, self.size_bytes)
            file = None if verdict is None else io.FileIO(self._part)
        except OSError:  # too many files are open; the download itself goes on
            return
        if file is None:
            return
        self._file = file
        if self._is_over:  # `end` may have come before there was a file to close
            file.close()
            return
        self.verdict = verdict
        self._tell()

    def break_off(self, part: Path) -> None:
        """The download to `part` failed."""
        if part == self._part and self.verdict is not None:
            self.is_broken = True
            self._tell()

    def _tell(self) -> None:
        self._wanted = None
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(self._news.set)

    # What the event loop calls.

    def end(self) -> None:
        """The download is over: the file is at its place, or there is none."""
        self._is_over = True
        if self.verdict is not None and self._here < self.size_bytes:
            self.is_broken = True
        if self._file is not None:
            self._file.close()
        self._news.set()

    async def judged(self) -> Verdict | None:
        """Return the verdict as soon as there is one, or None once the download is over without one."""
        while self.verdict is None and not self._is_over:
            await self._told()
        return self.verdict

    async def over(self) -> None:
        """Return once the download is over."""
        while not self._is_over:
            await self._told()

    async def reach(self, size: int) -> None:
        """Return once so many bytes are on disk.

        Raises:
            OSError: the download broke off before, or the next bytes took longer than `PIECE_WITHIN_S`.
        """
        async with asyncio.timeout(PIECE_WITHIN_S):  # TimeoutError is an OSError
            await self._reached(size)

    async def _reached(self, size: int) -> None:
        while self._here < size:
            self._wanted = size
            if self.is_broken or self._is_over:
                raise OSError(_BROKE_OFF)
            if self._here < size:  # the thread may have got there before it could know that it is waited for
                await self._told()

    async def _told(self) -> None:
        await self._news.wait()
        self._news.clear()

    def open(self) -> io.FileIO | None:
        """Return the growing file, from its start; None once the download is over.

        Raises:
            OSError: the download broke off. One that began anew may have brought another file.
        """
        if self.is_broken:
            raise OSError(_BROKE_OFF)
        return None if self._is_over or self._file is None else io.FileIO(os.dup(self._file.fileno()))
