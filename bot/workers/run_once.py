"""Runs one program to its end, within limits of memory, CPU time, file size and time."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.workers import launcher
from bot.workers.pool import ENVIRONMENT, ROOT

_LINE_BYTES_MAX = 64 * 1024
_TOLD_BYTES_MAX = 2000
_LAUNCHER = str(Path(launcher.__file__).resolve())


class RunFailed(Exception):  # noqa: N818 - the event
    """The program could not be started, failed, or was killed after its timeout; `str()` has its last output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What one run may use. `cpu_s` is CPU time of all cores together; `timeout_s` is wall time."""

    memory_mib: int
    cpu_s: int
    file_mib: int
    timeout_s: float


async def run_once(command: Sequence[str], limits: RunLimits, *, on_line: Callable[[str], None] | None = None) -> None:
    """Run `command`, an absolute path with its arguments, at the lowest priority; `on_line` gets each line it prints.

    Cancelling the caller kills the program.

    Raises:
        RunFailed: it did not end with status 0 within the limits.
    """
    process = await _start(command, limits)
    told: deque[bytes] = deque(maxlen=20)
    try:
        async with asyncio.timeout(limits.timeout_s), asyncio.TaskGroup() as group:
            group.create_task(_lines(process.stdout, _decoded(on_line)))
            group.create_task(_lines(process.stderr, told.append))
            status = await process.wait()
    except TimeoutError:
        raise RunFailed(f"it was ended after {limits.timeout_s:g} s") from None
    finally:
        await _end(process)
    if status:
        words = b" ".join(told).decode(errors="replace")[-_TOLD_BYTES_MAX:]
        raise RunFailed(f"exit status {status}: {words}")


def _decoded(on_line: Callable[[str], None] | None) -> Callable[[bytes], None]:
    return lambda line: on_line(line.decode(errors="replace")) if on_line else None


async def _start(command: Sequence[str], limits: RunLimits) -> Process:
    given = (str(limits.memory_mib), str(limits.cpu_s), str(limits.file_mib))
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _LAUNCHER, *given, *command),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LINE_BYTES_MAX,
            cwd=ROOT,
            # glibc reserves address space for each thread, which counts against the memory limit.
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | {"MALLOC_ARENA_MAX": "2"},
            start_new_session=True,  # Ctrl+C in a terminal is for the bot, which then ends what it started
        )
    except OSError as error:
        raise RunFailed(f"it could not be started: {error}") from error


async def _lines(stream: asyncio.StreamReader | None, take: Callable[[bytes], None]) -> None:
    """Pass on each line; a line above `_LINE_BYTES_MAX` is dropped."""
    if stream is None:
        return
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        take(line.strip())


async def _end(process: Process) -> None:
    """Kill the process if it still runs, and collect its exit code, even in a cancelled task."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    # Its pipes close with it, so this is quick; shielded, because a second cancellation may come.
    await asyncio.shield(_gone(process))


async def _gone(process: Process) -> None:
    """Wait until the process has ended; asyncio reports that only after its pipes are read to the end."""
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(RuntimeError):  # a task that still waits for a line reads to the end
                while await stream.read(_LINE_BYTES_MAX):
                    pass
    await process.wait()
