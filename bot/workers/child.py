"""The worker's side of `bot.workers.pool`: `serve` is the main loop of `python -m … <memory MiB> <seconds>`.

Requests and answers are JSON lines. The worker loads its libraries once, and then answers each request in a forked
child that can open only that request's files and ends with its answer. So a file that takes over a decoder meets
neither the next member's file nor its answer. It imports little of the bot, to start fast and to stay small.
"""

import contextlib
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

try:
    import resource
except ImportError:  # Windows has no such limits; only the bot's timeout applies there
    resource = None

from bot.units import MIB
from bot.workers.confinement import Confinement
from bot.workers.environment import python_files
from bot.workers.linux import RefusedByKernel, die_with_parent, forbid_dumps

Answer: TypeAlias = Callable[[dict[str, Any]], Mapping[str, Any]]
Files: TypeAlias = Callable[[dict[str, Any]], list[Path]]

_OPEN_FILES_MAX = 128  # matplotlib keeps each of the pictures' fonts open, some of them twice
_NICENESS = 5
_CHUNK_BYTES = 64 * 1024


def _no_files(_: dict[str, Any]) -> list[Path]:
    return []


def serve(load: Callable[[], Answer], *, files: Files = _no_files) -> None:
    """Answer requests from standard input until it ends, or until a child ends without an answer.

    `load` imports the libraries and returns the function that answers; `files` names the files that a request may
    read. `load` runs before the limits are set; an error in it is reported to the bot as "not ready", because a missing
    library is no fault of a request.
    """
    memory_mib, cpu_s = int(sys.argv[1]), float(sys.argv[2])
    answers = _own_channel()
    try:
        layers = Confinement(executes=False)
        layers.isolate()
        answer = load()
    except Exception as error:  # noqa: BLE001 - the bot logs it, whatever it is
        _write(answers, {"ready": False, "detail": f"{type(error).__name__}: {error}"[:500]})
        return
    _limit_for_good(memory_mib)
    own_files = python_files()
    gc.freeze()  # so that a child does not copy what it only reads
    _write(answers, {"ready": True})

    def respond(line: bytes) -> Mapping[str, Any]:
        request = json.loads(line)
        _limit_cpu(cpu_s)
        layers.confine(readable=[*own_files, *files(request)])
        return answer(request)

    for line in sys.stdin.buffer:
        child, answer_pipe = _fork(answers)
        if child == 0:
            _end_with(answer_pipe, respond, line)
        if not _forward(child, answer_pipe, answers):
            return


def _fork(answers: int) -> tuple[int, int]:
    """Fork; returns 0 and where to write in the child, and the child's process id and where to read in the parent.

    The child has neither the bot's requests nor the channel for answers.
    """
    reading, writing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    for descriptor in (reading, answers, sys.stdin.fileno()):
        os.close(descriptor)
    with contextlib.suppress(RefusedByKernel):  # elsewhere the bot ends the whole process group
        die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    return 0, writing


def _end_with(pipe: int, respond: Callable[[bytes], Mapping[str, Any]], line: bytes) -> NoReturn:
    """Write the answer to the request and end this process; after an error it ends without an answer."""
    try:
        _write(pipe, respond(line))
    finally:
        os._exit(0)


def _forward(child: int, pipe: int, answers: int) -> bool:
    """Forward the child's first line to the bot and end the child; returns whether the line was whole."""
    is_whole = False
    while not is_whole and (chunk := os.read(pipe, _CHUNK_BYTES)):
        line, newline, _ = chunk.partition(b"\n")
        is_whole = bool(newline)
        _write_all(answers, line + newline)
    os.close(pipe)
    os.kill(child, signal.SIGKILL)  # what a file has taken over does not end by itself
    os.waitpid(child, 0)
    return is_whole


def _own_channel() -> int:
    """Return a descriptor for the answers, and redirect standard output to nothing: native libraries print there."""
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return channel


def _write(channel: int, answer: Mapping[str, Any]) -> None:
    """Write the answer as one line."""
    _write_all(channel, json.dumps(dict(answer)).encode() + b"\n")


def _write_all(channel: int, data: bytes) -> None:
    """Write it all; a pipe may take it in several pieces."""
    left = memoryview(data)
    while left:
        left = left[os.write(channel, left) :]


def _limit_for_good(memory_mib: int) -> None:
    """Lower the priority and set limits that this process cannot raise again."""
    sys.dont_write_bytecode = True
    os.nice(_NICENESS)  # the bot's own loop answers Discord first
    with contextlib.suppress(RefusedByKernel):
        forbid_dumps()
    with contextlib.suppress(RefusedByKernel):
        die_with_parent()
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
