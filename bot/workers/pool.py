"""A pool of worker processes, each reused for many requests and killed when it misbehaves.

`anyio.to_process` is not used: its worker imports the bot's `__main__` (all of discord.py), inherits the environment
with both keys, and answers in pickle, with which a hijacked parser could run code in the bot. These workers get an
environment without keys, answer each request in a confined child, and answer in JSON, which the caller validates.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bot
from bot.requester import Requester
from bot.turns import FairTurns, Patience
from bot.workers.environment import child_environment

_log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
# Libraries leak a little memory; replacing the process now and then costs almost nothing.
REQUESTS_PER_WORKER = 500
_DRAIN_BYTES = 64 * 1024
ROOT = Path(bot.__file__).resolve().parents[1]


class WorkersUnavailable(Exception):  # noqa: N818 - a state, not a fault of the request
    """No worker can be started, or the pool is closed."""


class WorkerEnded(Exception):  # noqa: N818 - the event
    """The worker ended before it answered: by its limits, a crash or the timeout."""


class _Worker:
    """One process, and how many requests it was sent."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.requests = 0
        self.retiring: asyncio.TimerHandle | None = None

    async def ask(self, line: bytes) -> Any:
        """Send one line and return the answer's JSON; raises WorkerEnded when none comes."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise WorkerEnded("it has no pipes")
        self.requests += 1
        try:
            if line:
                stdin.write(line)
                await stdin.drain()
            return json.loads(await stdout.readuntil(b"\n"))
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise WorkerEnded(f"{type(error).__name__}, exit code {self.process.returncode}") from error


class Workers:
    """At most `at_once` processes of `python -m module`, which is written with `bot.workers.child.serve`.

    A request gets `timeout_s` and `memory_mib` of address space and is not retried; its answer has at most
    `answer_bytes_max`. A worker that is idle for `idle_s` seconds is ended; with None it is kept. With a `name` the
    turns are shown at /metrics.
    """

    def __init__(
        self,
        module: str,
        *,
        at_once: int,
        memory_mib: int,
        timeout_s: float,
        answer_bytes_max: int = 64 * 1024,
        idle_s: float | None = None,
        name: str = "",
    ) -> None:
        self._module = module
        self._answer_bytes_max = answer_bytes_max
        self._idle_s = idle_s
        self._turns = FairTurns(at_once, name=name)
        self._memory_mib = memory_mib
        self._timeout_s = timeout_s
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, request: Mapping[str, Any], requester: Requester, patience: Patience | None = None) -> Any:
        """Return a worker's answer to this requester's request, as JSON that is not validated yet.

        Raises:
            WorkerEnded: the worker ended, or was killed after `timeout_s`; the next request gets a new one.
            WorkersUnavailable: no worker could be started.
            NoTurn: the patience ended before a worker was free.
        """
        line = json.dumps(dict(request)).encode() + b"\n"
        async with self._turns.turn(requester, patience):
            worker = await self._take()
            self._busy.add(worker)
            keep = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await worker.ask(line)
                keep = worker.requests < REQUESTS_PER_WORKER and not self._closed
            except TimeoutError as error:
                raise WorkerEnded(f"it was ended after {self._timeout_s:g} s") from error
            except WorkerEnded as error:
                if self._closed:
                    raise WorkersUnavailable("the workers were closed") from error
                raise
            finally:
                self._busy.discard(worker)
                # A cancelled caller leaves a worker in the middle of a request, which the next one cannot use.
                if keep:
                    self._rest(worker)
                else:
                    self._end(worker.process)
            return answer

    async def close(self) -> None:
        """Kill every worker, busy or idle, and wait until they are gone; `ask` fails afterwards."""
        self._closed = True
        for worker in (*self._idle, *self._busy):
            _cancel_retirement(worker)
            self._end(worker.process)
        self._idle.clear()
        while self._ending:
            await asyncio.wait(self._ending)

    async def _take(self) -> _Worker:
        """Return an idle worker that is still alive, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            _cancel_retirement(worker)
            if worker.process.returncode is None:
                return worker
            self._end(worker.process)
        if self._closed:
            raise WorkersUnavailable("the workers are closed")
        return await self._start()

    def _rest(self, worker: _Worker) -> None:
        """Make the worker idle, and end it after `idle_s`."""
        self._idle.append(worker)
        if self._idle_s is not None:
            worker.retiring = asyncio.get_running_loop().call_later(self._idle_s, self._retire, worker)

    def _retire(self, worker: _Worker) -> None:
        self._idle.remove(worker)
        self._end(worker.process)

    async def _start(self) -> _Worker:
        """Start a process and return it once it reports that it is ready."""
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-E", "-s", "-m", self._module, str(self._memory_mib), str(self._timeout_s)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=self._answer_bytes_max,
                cwd=ROOT,
                env=child_environment(),
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
        """Kill a process and its children without awaiting it, so that this works in a cancelled task."""
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()
        task = asyncio.create_task(_gone(process))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _cancel_retirement(worker: _Worker) -> None:
    """Cancel the timer that ends an idle worker."""
    if worker.retiring is not None:
        worker.retiring.cancel()
        worker.retiring = None


async def _gone(process: Process) -> None:
    """Wait until the process has ended and its exit code was collected."""
    if process.stdout is not None:
        # asyncio reports an exit only after the pipe's end, and stops reading a pipe whose line grew too long.
        with contextlib.suppress(RuntimeError):  # a caller that still waits for the answer reads to the end
            while await process.stdout.read(_DRAIN_BYTES):
                pass
    await process.wait()
