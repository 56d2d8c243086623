"""Runs one program to its end, confined to its files and within limits of memory, CPU time, file size and time."""

import asyncio
import contextlib
import json
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.workers import launcher
from bot.workers.environment import child_environment, package_folders
from bot.workers.pool import ROOT

_LINE_BYTES_MAX = 64 * 1024
_TOLD_BYTES_MAX = 2000
_LAUNCHER = str(Path(launcher.__file__).resolve())
_LOOK_TIMEOUT_S = 20.0


class RunFailed(Exception):  # noqa: N818 - the event
    """The program could not be started, failed, or was killed after its timeout; `str()` has its last output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What one run may use. `cpu_s` is CPU time of all cores together; `timeout_s` is wall time."""

    memory_mib: int
    cpu_s: int
    file_mib: int
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAccess:
    """The only files that one run may open, beside the system's libraries.

    A path in `made` is a file that need not exist yet; `folder` exists, and files can be made and removed in it.
    """

    read: Sequence[Path] = ()
    made: Sequence[Path] = ()
    folder: Path | None = None


async def run_once(
    command: Sequence[str], limits: RunLimits, files: FileAccess, *, on_line: Callable[[str], None] | None = None
) -> None:
    """Run `command`, an absolute path with its arguments, at the lowest priority; `on_line` gets each line it prints.

    It has no network, and starts no other program. Cancelling the caller kills it.

    Raises:
        RunFailed: it did not end with status 0 within the limits.
    """
    process = await _start(command, limits, files)
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


def output_of(command: Sequence[str], limits: RunLimits) -> bytes:
    """Run `command` as `run_once` does, without files of its own, and return what it prints; blocks until it ends.

    Raises:
        RunFailed: it could not be started, or did not end within the limits.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the bot chose the program
            _launched(command, limits, FileAccess()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.timeout_s,
            check=False,
            cwd=ROOT,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunFailed(f"it could not be run: {error}") from error
    return done.stdout


def refused_layers() -> Mapping[str, str]:
    """Return the kernel's reason for each layer of confinement that it refuses to workers; blocks for a moment.

    Raises:
        RunFailed: the launcher cannot be run, so no worker can be.
    """
    printed = output_of([], RunLimits(memory_mib=0, cpu_s=0, file_mib=0, timeout_s=_LOOK_TIMEOUT_S))
    try:
        return dict(json.loads(printed))
    except ValueError as error:
        raise RunFailed(f"the launcher printed {printed[:200]!r}") from error


def _launched(command: Sequence[str], limits: RunLimits, files: FileAccess) -> list[str]:
    """Return the command that limits and confines itself, and then becomes `command`."""
    folder = [files.folder] if files.folder else []
    run = {
        "imports": [str(ROOT), *map(str, package_folders())],
        "memory_mib": limits.memory_mib,
        "cpu_s": limits.cpu_s,
        "file_mib": limits.file_mib,
        "readable": [str(path.absolute()) for path in files.read],
        "made": [str(path.absolute()) for path in files.made],
        "writable": [str(path.absolute()) for path in (*files.made, *folder)],
        "command": list(command),
    }
    return [sys.executable, "-I", "-S", _LAUNCHER, json.dumps(run)]


def _environment() -> dict[str, str]:
    # glibc reserves address space for each thread, which counts against the memory limit.
    return child_environment(MALLOC_ARENA_MAX="2")


async def _start(command: Sequence[str], limits: RunLimits, files: FileAccess) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *_launched(command, limits, files),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LINE_BYTES_MAX,
            cwd=ROOT,
            env=_environment(),
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
