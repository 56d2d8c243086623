"""Starts Wanda and the stand-ins by a fork of a process that has imported them.

Their imports take 1.5 s and 0.6 s of processor time, and the end-to-end tests start about a hundred of each. A fork is
a process of its own with its own environment, log and end, as `python -m bot run` is; it only has the modules already,
and leaves them out when it collects garbage.
Tests of what Python itself does at a start (arguments, missing packages, an old interpreter) run `python -m bot`.

One parent of forks serves one pytest process. It has no threads and no event loop, so a fork finds nothing half done.
"""

import asyncio
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from sandbox.stage import Running, run_python

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = (
    *("bot.app", "bot.command_line", "bot.storage.postgres", "cogs.all"),
    *("sandbox.discord", "sandbox.fal", "sandbox.__main__"),
    *("anyio._backends._asyncio", "certifi", "httpcore"),  # with httpx's first request
    *("av.subtitles.stream", "PIL.JpegImagePlugin", "PIL.PngImagePlugin"),  # with the stand-in's first file
)
REQUEST_BYTES_MAX = 65_536
FDS_MAX = 1024


class Fork:
    """A forked process, with the part of `asyncio.subprocess.Process` that `sandbox.stage.Process` uses."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, status: asyncio.StreamReader) -> None:
        """`status` ends with the exit status as a number."""
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._end = asyncio.create_task(self._ended(status), name=f"end of process {pid}")

    async def _ended(self, status: asyncio.StreamReader) -> int:
        self.returncode = int(await status.read() or -signal.SIGKILL)
        return self.returncode

    async def wait(self) -> int:
        """Return the exit status once it has ended; that of a signal is negative."""
        return await asyncio.shield(self._end)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        self.send_signal(signal.SIGKILL)


class Forker:
    """The parent of all forks of one pytest process, which is started with the first fork."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._parent: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    async def spawn(self, args: Sequence[str], env: Mapping[str, str]) -> Running:
        """Run `python {args}` with this environment alone: -m and a package that is imported already as a fork."""
        if tuple(args[:2]) not in {("-m", "bot"), ("-m", "sandbox")}:
            return await run_python(args, env)
        line = self._line or await asyncio.to_thread(self._start)
        (output, output_end), (status, status_end) = os.pipe(), os.pipe()
        try:
            request = json.dumps({"args": list(args), "env": dict(env)}).encode()
            socket.send_fds(line, [request], [output_end, status_end])
            pid = int(await asyncio.to_thread(line.recv, 32))
        finally:
            os.close(output_end)
            os.close(status_end)
        return Fork(pid, await _reader_of(output), await _reader_of(status))

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forks", str(theirs.fileno())],
                cwd=ROOT.anchor,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "PYTHONSAFEPATH": "1",
                    "PYTHONUNBUFFERED": "1",
                },
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._line = ours
        return ours

    def stop(self) -> None:
        """Stop the parent of the forks; those that run go on."""
        if self._line is not None:
            self._line.close()
        if self._parent is not None:
            self._parent.wait()


async def _reader_of(pipe: int) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=4 * 1024 * 1024, loop=loop)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), os.fdopen(pipe, "rb"))
    return reader


def serve(line: socket.socket) -> int:
    """Fork for each request until the line is closed; returns 0 then, and in a fork its exit status."""
    for name in PRELOADED:
        import_module(name)
    gc.freeze()  # a fork that looked through them would get its own copy of every page
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _do_nothing)  # but wake the selector
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest, which stops what it started
    ends: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if woken in ready:
                with suppress(BlockingIOError):
                    os.read(woken, 4096)
            _tell_ends(ends)
            if line not in ready:
                continue
            request, pipes, _, _ = socket.recv_fds(line, REQUEST_BYTES_MAX, 2)
            if not request:
                return 0
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                asked = json.loads(request)
                return _run(asked["args"], asked["env"], pipes[0])
            os.close(pipes[0])
            ends[pid] = pipes[1]
            line.send(str(pid).encode())


def _do_nothing(_number: int, _frame: object) -> None:
    """Handle a signal that only has to interrupt a wait."""


def _tell_ends(ends: dict[int, int]) -> None:
    """Write the exit status of each fork that has ended into its pipe."""
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        pipe = ends.pop(pid)
        with suppress(BrokenPipeError):
            os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(pipe)


def _run(args: Sequence[str], env: Mapping[str, str], output: int) -> int:
    """Become `python -m PACKAGE ARGUMENT…`, and return its exit status."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, FDS_MAX)
    os.environ.clear()
    os.environ.update(env)
    _, package, *sys.argv[1:] = args
    return int(import_module(f"{package}.__main__").main())


if __name__ == "__main__":
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1]))))
