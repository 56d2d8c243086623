"""The bot's process, which the page may kill and start again, and the process that reads its books."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sandbox.play.clock import ClockFile
from sandbox.stage import Process, StageError

State: TypeAlias = Literal["starting", "ready", "stopped"]
READY_WITHIN_S = 40.0
BOOKS_AGAIN_S = 1.0
SETTINGS = {
    "WANDA_DISCORD_READY_TIMEOUT_S": "0.1",  # all servers are there at once
    "WANDA_WEB_PORT": "0",
    "WANDA_EDIT_INTERVAL_S": "1",  # short videos, so that there is progress to see
}


class Bot:
    """The bot as a child process. `state_changed` is called after each change of `state`, `line` with each log line.

    `books` is called with each line of `python -m bot watch`, read as JSON.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        clock: ClockFile,
        *,
        state_changed: Callable[[], None],
        line: Callable[[str], None],
        books: Callable[[Any], None],
    ) -> None:
        self._environment = {**environment, **SETTINGS, "WANDA_DATA_DIR": str(folder)}
        self._clock = clock
        self._state_changed = state_changed
        self._line = line
        self._books = books
        self._process: Process | None = None
        self._reader: Process | None = None
        self._turn = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self.state: State = "stopped"

    @property
    def pid(self) -> int | None:
        """The bot's process id; None while it does not run."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def start(self) -> None:
        """Start the bot, unless it runs; returns once it is connected, or has ended."""
        async with self._turn:
            if self.pid is not None:
                return
            self._enter("starting")
            arguments = ("-m", "sandbox.play.later", str(os.getpid()), str(self._clock.path), "run")
            self._process = await Process.start("the bot", *arguments, env=self._environment, told=self._line)
            self._watching = asyncio.create_task(self._watch(self._process), name="end of the bot")
            with contextlib.suppress(StageError):
                await self._process.until(lambda line: "Wanda is ready" in line, within_s=READY_WITHIN_S)
                self._enter("ready" if self.pid is not None else "stopped")
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_books(), name="the bot's books")

    async def end(self, how: signal.Signals) -> None:
        """Send the signal and wait for the end of the process."""
        if self._process is not None:
            await self._process.stop(how=how)

    async def close(self) -> None:
        """End the bot and the reader of its books."""
        for task in (self._reading, self._watching):
            if task is not None:
                task.cancel()
        await self.end(signal.SIGTERM)
        if self._reader is not None:
            await self._reader.stop(how=signal.SIGKILL)  # it only reads

    async def _watch(self, process: Process) -> None:
        """Note when the process ends by itself or by a signal."""
        while process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await process.ended(within_s=3600)
        self._line(f"— the process ended with the exit status {process.returncode} —")
        self._enter("stopped")

    async def _read_books(self) -> None:
        """Run `python -m bot watch` for as long as the page is there."""
        while True:
            arguments = ("-m", "sandbox.play.later", str(os.getpid()), str(self._clock.path), "watch", "--every", "0.2")
            self._reader = await Process.start("the books", *arguments, env=self._environment, told=self._tell_books)
            with contextlib.suppress(TimeoutError):
                while self._reader.returncode is None:
                    await self._reader.ended(within_s=3600)
            await asyncio.sleep(BOOKS_AGAIN_S)

    def _tell_books(self, line: str) -> None:
        with contextlib.suppress(ValueError):  # a log line
            self._books(json.loads(line))

    def _enter(self, state: State) -> None:
        self.state = state
        self._state_changed()
