"""The worker's side of `bot.workers.pool`: `serve` is the main loop of `python -m … <memory MiB> <seconds>`.

Requests and answers are JSON lines. It imports nothing of the bot, so that a worker starts fast and stays small.
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
except ImportError:  # Windows has no such limits; only the bot's timeout applies there
    resource = None

from bot.units import MIB

Answer: TypeAlias = Callable[[dict[str, Any]], Mapping[str, Any]]

_OPEN_FILES_MAX = 32
_NICENESS = 5


def serve(load: Callable[[], Answer]) -> None:
    """Answer requests from standard input until it ends.

    `load` imports the libraries and returns the function that answers. It runs before the limits are set; an error in
    it is reported to the bot as "not ready", because a missing library is no fault of a request.
    """
    memory_mib, cpu_s = int(sys.argv[1]), float(sys.argv[2])
    answers = _own_channel()
    try:
        answer = load()
    except Exception as error:  # noqa: BLE001 - the bot logs it, whatever it is
        _write(answers, {"ready": False, "detail": f"{type(error).__name__}: {error}"[:500]})
        return
    _limit_for_good(memory_mib)
    _write(answers, {"ready": True})
    for line in sys.stdin.buffer:
        _limit_cpu(cpu_s)
        _write(answers, answer(json.loads(line)))


def _own_channel() -> int:
    """Return a descriptor for the answers, and redirect standard output to nothing: native libraries print there."""
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return channel


def _write(channel: int, answer: Mapping[str, Any]) -> None:
    """Write the answer as one line; a pipe may take it in several pieces."""
    left = memoryview(json.dumps(dict(answer)).encode() + b"\n")
    while left:
        left = left[os.write(channel, left) :]


def _limit_for_good(memory_mib: int) -> None:
    """Lower the priority and set limits that this process cannot raise again."""
    sys.dont_write_bytecode = True
    os.nice(_NICENESS)  # the bot's own loop answers Discord first
    if resource is None:
        return
    limits = [
        (resource.RLIMIT_AS, memory_mib * MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
    ]
    for which, most in limits:
        with contextlib.suppress(ValueError, OSError):  # not supported here, or already lower
            resource.setrlimit(which, (most, most))


def _limit_cpu(cpu_s: float) -> None:
    """Let the kernel end this process after `cpu_s` more seconds of CPU time, in case the bot is gone."""
    if resource is not None:
        most = int(time.process_time() + cpu_s) + 2
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
