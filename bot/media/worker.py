"""The process that reads hostile files: `python -m bot.media.worker <memory MiB> <seconds>`.

`bot.media.workers` starts it.

It knows no secret (its environment is empty), may write no file, and is ended by the bot or by its own limits when a
file makes it misbehave. One JSON line in, `{"path", "pixels_max"}`; one JSON line out. It imports nothing of the bot
but the readers, so that it starts fast and stays small.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import resource
except ImportError:  # Windows has no such limits; there the bot's own deadline is what remains
    resource = None

from bot.media.sniff import HEAD_BYTES, sniff
from bot.media.verdict import Reason, Unreadable

_OPEN_FILES_MAX = 32
_NICENESS = 5
_MIB = 1024 * 1024


def main() -> None:
    """Answer requests from standard input until it ends."""
    memory_mib, cpu_s = int(sys.argv[1]), float(sys.argv[2])
    answers = _own_channel()
    try:
        _readers()
    except Exception as error:  # noqa: BLE001 - whatever it is, the bot's log shall name it
        _answer(answers, {"ready": False, "detail": f"{type(error).__name__}: {error}"[:500]})
        return
    _limit_for_good(memory_mib)
    _answer(answers, {"ready": True})
    for line in sys.stdin.buffer:
        _limit_cpu(cpu_s)
        request = json.loads(line)
        _answer(answers, examine(Path(request["path"]), pixels_max=int(request["pixels_max"])))


def examine(path: Path, *, pixels_max: int) -> dict[str, Any]:
    """Return what the file is, or `{"reason", "detail"}` when it is not vouched for. Never raises for a bad file."""
    label = ""
    read_picture, read_clip = _readers()
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size == 0:
                return _refused("empty")
            named = sniff(head)
            label = named.label
            match named.family:
                case "foreign":
                    return _refused("foreign", label)
                case "picture":
                    return {"size_bytes": size} | read_picture(file, head, named, pixels_max=pixels_max)
                case "clip":
                    return {"size_bytes": size} | read_clip(file, named, pixels_max=pixels_max)
    except FileNotFoundError:
        return _refused("missing")
    except Unreadable as verdict:
        return _refused(verdict.reason, verdict.detail)
    except MemoryError:
        return _refused("costly", label)
    except Exception:  # noqa: BLE001 - parsers raise whatever they like on hostile bytes; here it all means one thing
        return _refused("damaged", label)


def _readers() -> tuple[Callable[..., dict[str, Any]], Callable[..., dict[str, Any]]]:
    """Load the parsers: not with this module, so that a machine that lacks a library of theirs is told so in a line."""
    from bot.media.clips import read_clip  # noqa: PLC0415 - see above
    from bot.media.pictures import read_picture  # noqa: PLC0415 - see above

    return read_picture, read_clip


def _refused(reason: Reason, detail: str = "") -> dict[str, Any]:
    return {"reason": reason, "detail": detail[:200]}


def _own_channel() -> int:
    """Return a descriptor for the answers, and point standard output at nothing: native libraries print there."""
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return channel


def _answer(channel: int, answer: dict[str, Any]) -> None:
    """Write one line. It is far shorter than a pipe's buffer, so it is written at once."""
    os.write(channel, json.dumps(answer).encode() + b"\n")


def _limit_for_good(memory_mib: int) -> None:
    """Give up, for the rest of this process's life, what reading a file does not need."""
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


if __name__ == "__main__":
    main()
