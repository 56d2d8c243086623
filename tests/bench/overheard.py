"""Wanda's ffmpeg, whose calls can be repeated by ffmpeg alone: without probes, resource limits or progress."""

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from bot.media.ffmpeg import Ffmpeg, OnFraction
from bot.settings import MediaSettings
from bot.workers.run_once import FileAccess
from tests.bench.figures import Reading

LOWEST_PRIORITY = ("nice", "-n", "19")
LIST_BYTES_MAX = 10_000


class Overheard(Ffmpeg):
    """Runs ffmpeg, and keeps its arguments and the small lists that it reads."""

    def __init__(self, settings: MediaSettings) -> None:
        super().__init__(settings)
        self._asked: list[tuple[Sequence[str], FileAccess]] = []
        self._lists: dict[Path, bytes] = {}

    async def run(
        self,
        arguments: Sequence[str],
        files: FileAccess,
        *,
        timeout_s: float,
        file_bytes_max: int,
        memory_mib: int | None = None,
        seconds: float | None = None,
        on_fraction: OnFraction | None = None,
    ) -> None:
        """Note the call and run ffmpeg."""
        self._asked.append((arguments, files))
        small = [path for path in files.read if path.stat().st_size <= LIST_BYTES_MAX]
        self._lists |= {path: path.read_bytes() for path in small}
        await super().run(
            arguments,
            files,
            timeout_s=timeout_s,
            file_bytes_max=file_bytes_max,
            memory_mib=memory_mib,
            seconds=seconds,
            on_fraction=on_fraction,
        )

    def forget(self) -> None:
        """Forget what was asked so far."""
        self._asked.clear()
        self._lists.clear()

    async def repeat(self) -> Reading:
        """Ask ffmpeg the same again at the same priority, then remove what it wrote; return `seconds` and `cpu_s`."""
        program = (await self.program()).path
        folders = await asyncio.to_thread(self._put_back)
        cpu_s, began = cpu_time_s(), time.perf_counter()
        for arguments, _ in self._asked:
            await run(*LOWEST_PRIORITY, program, "-nostdin", "-v", "error", "-y", *arguments)
        took = {"seconds": time.perf_counter() - began, "cpu_s": cpu_time_s() - cpu_s}
        await asyncio.to_thread(self._clean, folders)
        return took

    def _put_back(self) -> set[Path]:
        """Make the folders and lists again that were removed after the call; return these folders."""
        folders = {files.folder for _, files in self._asked if files.folder is not None}
        lost = {folder for folder in (*folders, *(path.parent for path in self._lists)) if not folder.exists()}
        for folder in lost:
            folder.mkdir()
        for path, content in self._lists.items():
            path.write_bytes(content)
        return lost

    def _clean(self, folders: set[Path]) -> None:
        for _, files in self._asked:
            for path in files.made:
                path.unlink(missing_ok=True)
        for folder in folders:
            shutil.rmtree(folder)


def cpu_time_s() -> float:
    """Return the CPU time of this process and its ended children, which do not include the prober's worker."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


async def run(*command: str) -> None:
    """Run a program to its end, in a session of its own, as Wanda does.

    Linux shares the processor between sessions first (autogroups in https://man7.org/linux/man-pages/man7/sched.7.html),
    so that beside other load a program in this process's session would get less.

    Raises:
        RuntimeError: it failed.
    """
    process = await asyncio.create_subprocess_exec(*command, start_new_session=True)
    if await process.wait():
        raise RuntimeError(f"{command[0]} ended with status {process.returncode}")
