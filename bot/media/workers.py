"""A few worker processes that are kept between files, and ended when one misbehaves.

`anyio.to_process` is not used, for what its source does: its worker runs the bot's own `__main__` (all of discord.py),
inherits the environment with both keys, and answers in pickle, which a parser taken over by a hostile file could use
to run code in the bot. These get an empty environment and answer in JSON, which is checked.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bot

_log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
# Decoders leave a little memory behind; a new process from time to time costs nothing to speak of.
FILES_PER_WORKER = 500
_ROOT = Path(bot.__file__).resolve().parents[1]
# What a Python needs in order to start and find its libraries. No key and no address is in it.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZ")


class WorkersUnavailable(Exception):  # noqa: N818 - the state, not a fault of the file
    """No worker can be started, or they were closed."""


class WorkerEnded(Exception):  # noqa: N818 - the event
    """The worker that read the file ended before it answered: its limits, a crash, or the deadline."""


class _Worker:
    """One process and the number of files it has read."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.files = 0

    async def ask(self, line: bytes) -> Any:
        """Send one line and return the answer's JSON; raises WorkerEnded when none comes."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise WorkerEnded("it has no pipes")
        self.files += 1
        try:
            if line:
                stdin.write(line)
                await stdin.drain()
            return json.loads(await stdout.readuntil(b"\n"))
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise WorkerEnded(f"{type(error).__name__}, exit code {self.process.returncode}") from error


class Workers:
    """At most `at_once` processes; each file gets `timeout_s`, `memory_mib` of address space, and no second chance."""

    def __init__(self, *, at_once: int, memory_mib: int, timeout_s: float) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._memory_mib = memory_mib
        self._timeout_s = timeout_s
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, request: Mapping[str, Any]) -> Any:
        """Return a worker's answer, as JSON that is not checked yet.

        Raises:
            WorkerEnded: the worker ended, or was ended after `timeout_s`; the next file gets a new one.
            WorkersUnavailable: no worker could be started.
        """
        line = json.dumps(dict(request)).encode() + b"\n"
        async with self._slots:
            worker = await self._take()
            self._busy.add(worker)
            keep = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await worker.ask(line)
                keep = worker.files < FILES_PER_WORKER and not self._closed
            except TimeoutError as error:
                raise WorkerEnded(f"it was ended after {self._timeout_s:g} s") from error
            except WorkerEnded as error:
                if self._closed:
                    raise WorkersUnavailable("the workers were closed") from error
                raise
            finally:
                self._busy.discard(worker)
                # Also when the caller was cancelled: a worker in the middle of a file is of no use to the next one.
                if keep:
                    self._idle.append(worker)
                else:
                    self._end(worker.process)
            return answer

    async def close(self) -> None:
        """End every worker, busy or not, and return when they are gone. Nothing can be asked afterwards."""
        self._closed = True
        for worker in (*self._idle, *self._busy):
            self._end(worker.process)
        self._idle.clear()
        while self._ending:
            await asyncio.wait(self._ending)

    async def _take(self) -> _Worker:
        """Return an idle worker that still lives, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.returncode is None:
                return worker
            self._end(worker.process)
        if self._closed:
            raise WorkersUnavailable("the workers are closed")
        return await self._start()

    async def _start(self) -> _Worker:
        """Start a process and return it once it says that it is ready."""
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-E", "-s", "-m", "bot.media.worker", str(self._memory_mib), str(self._timeout_s)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=_ROOT,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                start_new_session=True,  # Ctrl+C in a terminal is for the bot, which then closes its workers
            )
        except OSError as error:
            raise WorkersUnavailable(f"no worker could be started: {error}") from error
        worker = _Worker(process)
        ready = False
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                answer = await worker.ask(b"")
            ready = isinstance(answer, dict) and answer.get("ready") is True  # pyright: ignore[reportUnknownMemberType] - JSON
            if not ready:
                raise WorkersUnavailable(f"a worker could not load its libraries: {answer!r:.500}")
        except (TimeoutError, WorkerEnded) as error:
            raise WorkersUnavailable(f"a worker did not become ready: {error}") from error
        finally:
            if not ready:
                self._end(process)
        return worker

    def _end(self, process: Process) -> None:
        """Kill a process without waiting, so that this also works in a task that is being cancelled."""
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        task = asyncio.create_task(_gone(process))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _gone(process: Process) -> None:
    """Return when the process is gone and its exit code collected."""
    await process.wait()
