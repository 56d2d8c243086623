"""The child's side of a worker: `serve` is the main function of every `python -m … <memory MiB> <seconds>`.

One JSON line in, one JSON line out. It imports nothing of the bot, so that a worker starts fast and stays small.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

try:
    import resource
except ImportError:  # Windows has no such limits; there the bot's own deadline is what remains
    resource = None

Answer: TypeAlias = Callable[[dict[str, Any]], Mapping[str, Any]]

_OPEN_FILES_MAX = 32
_NICENESS = 5
_MIB = 1024 * 1024


def serve(load: Callable[[], Answer]) -> None:
    """Answer requests from standard input until it ends.

    `load` imports what the work needs and returns the function that does it. It runs before the limits hold, and what
    it raises is told to the bot in one line: a machine that lacks a library is not a bad request.
    """
    memory_mib, cpu_s = int(sys.argv[1]), float(sys.argv[2])
    answers = _own_channel()
    try:
        answer = load()
    except Exception as error:  # noqa: BLE001 - whatever it is, the bot's log shall name it
        _write(answers, {"ready": False, "detail": f"{type(error).__name__}: {error}"[:500]})
        return
    _limit_for_good(memory_mib)
    _write(answers, {"ready": True})
    for line in sys.stdin.buffer:
        _limit_cpu(cpu_s)
        _write(answers, answer(json.loads(line)))


def _own_channel() -> int:
    """Return a descriptor for the answers, and point standard output at nothing: native libraries print there."""
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return channel


def _write(channel: int, answer: Mapping[str, Any]) -> None:
    """Write one line, in as many pieces as the pipe takes it."""
    left = memoryview(json.dumps(dict(answer)).encode() + b"\n")
    while left:
        left = left[os.write(channel, left) :]


def _limit_for_good(memory_mib: int) -> None:
    """Give up, for the rest of this process's life, what the work does not need."""
    sys.dont_write_bytecode = True
    os.nice(_NICENESS)  # the bot's own loop answers Discord first
    if resource is None:
        return
    limits = [
        (resource.RLIMIT_AS, memory_mib * _MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
    ]
    for which, most in limits:
        with contextlib.suppress(ValueError, OSError):  # a system that cannot, or already has less
            resource.setrlimit(which, (most, most))


def _limit_cpu(cpu_s: float) -> None:
    """End this process by itself after `cpu_s` more seconds of computing, in case nobody is left to end it."""
    if resource is not None:
        most = int(time.process_time() + cpu_s) + 2
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
