"""What a file could try that has taken over a decoder: a worker whose every request is an attack on the bot.

`python -m tests.support.hostile_worker <memory MiB> <seconds>` serves the pool; `python hostile_worker.py <JSON>` is a
program for the launcher. Either reports, for each attempt, why it failed, or "" when it succeeded.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import platform
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PTRACE_ATTACH = 16
_PTRACE_DETACH = 17
_IO_URING_SETUP = 425
_DESCRIPTORS_MAX = 64
_PROCESS_VM_READV = {"x86_64": 310, "aarch64": 270}


def attack(target: dict[str, Any]) -> dict[str, str]:
    """Try everything on the bot of this process id, folder and port; only `own` is this worker's to read."""
    bot, folder, own = int(target["bot"]), Path(target["folder"]), Path(target["own"])
    proc = Path(f"/proc/{bot}")
    attempts: dict[str, Callable[[], object]] = {
        "its own file": own.read_bytes,
        "bot's environment": lambda: _found((proc / "environ").read_bytes()),
        "bot's memory": lambda: _memory(proc, int(target["secret_at"])),
        "bot's descriptors": lambda: list((proc / "fd").iterdir()),
        "bot's memory by system call": lambda: _vm_read(bot, int(target["secret_at"])),
        "bot traced": lambda: _trace(bot),
        "bot signalled": lambda: os.kill(bot, signal.SIGURG),
        "bot's limits": lambda: resource.prlimit(bot, resource.RLIMIT_CORE, (0, 0)),
        "bot's priority": lambda: os.setpriority(os.PRIO_PROCESS, bot, 10),
        "a signal by a descriptor": lambda: _signal_by_pipe(bot),
        "database": (folder / "wanda.db").read_bytes,
        "settings": (folder / ".env").read_bytes,
        "another member's file": (folder / "inputs" / "other").read_bytes,
        "names of files": lambda: list(folder.iterdir()),
        "its own file changed": lambda: own.open("r+b").close(),
        "a new file": (folder / "planted").touch,
        "a file in /tmp": lambda: _planted(folder.parent / f"planted-{os.getpid()}"),
        "loopback": lambda: _connect(int(target["port"])),
        "io_uring": _io_uring,
        "another process": _forked,
        "another program": lambda: _run("/bin/true"),
    }
    return {name: _outcome(attempt) for name, attempt in attempts.items()}


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _found(data: bytes) -> None:
    if b"very-secret" not in data:
        raise OSError("no secret in it")


def _memory(proc: Path, at: int) -> None:
    with (proc / "mem").open("rb", buffering=0) as memory:
        memory.seek(at)
        _found(memory.read(64))


def _vm_read(pid: int, at: int) -> None:
    data = ctypes.create_string_buffer(64)
    mine = (ctypes.c_uint64 * 2)(ctypes.addressof(data), 64)
    theirs = (ctypes.c_uint64 * 2)(at, 64)
    _call(_PROCESS_VM_READV[platform.machine()], pid, mine, 1, theirs, 1, 0)
    _found(data.raw)


def _trace(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_ATTACH, pid, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    libc.ptrace(_PTRACE_DETACH, pid, None, None)


def _signal_by_pipe(pid: int) -> None:
    """Have the kernel signal the bot when a pipe has something to read."""
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETOWN, pid)
    os.close(reading)
    os.close(writing)


def _planted(path: Path) -> None:
    path.touch()
    path.unlink()


def _connect(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def _io_uring() -> None:
    os.close(_call(_IO_URING_SETUP, 1, ctypes.create_string_buffer(120)))


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in (number, *arguments)]
    result: int = libc.syscall(*words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _forked() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _run(program: str) -> None:
    """Execute the program in a child, or, where none can be made, find out whether exec would be let through."""
    if not os.access(program, os.X_OK):
        raise OSError(f"there is no {program}")
    pid = os.posix_spawn(program, [program], {})
    if os.waitpid(pid, 0)[1]:
        raise OSError("it did not run")


def _serve() -> None:
    from bot.workers.child import serve  # noqa: PLC0415 - the launcher's program has only this file

    serve(lambda: _answer, files=lambda request: [Path(request["own"])] if "own" in request else [])


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Attack, or echo the request, or write forged answers to wherever something can be written."""
    if "echo" in request:
        return request
    if "forge" not in request:
        return attack(request)
    for descriptor in range(_DESCRIPTORS_MAX):
        with contextlib.suppress(OSError):
            os.write(descriptor, b'{"forged": 1}\n{"forged": 2}\n')
    signal.pause()
    return {}


if __name__ == "__main__":
    if sys.argv[1].startswith("{"):
        print(json.dumps(attack(json.loads(sys.argv[1]))))  # noqa: T201 - the answer
    else:
        _serve()
