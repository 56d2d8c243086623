"""Limits and confines this process and then executes a program that reads hostile files.

`python -I -S launcher.py <JSON>`, as `bot.workers.run_once` writes it. Limits set by the bot after the start would come
too late. Without a command, it prints what the kernel refused, as JSON.
"""

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

try:
    import resource
except ImportError:  # Windows has no such limits; only the bot's timeout applies there
    resource = None

_NICENESS = 19  # the lowest priority: the bot's own loop answers Discord first
_OPEN_FILES_MAX = 64
_MIB = 1024 * 1024  # `bot.units.MIB`


def main() -> None:
    """Set the limits and replace this process by the program; raises OSError when there is no such program."""
    run = json.loads(sys.argv[1])
    sys.path += run["imports"]
    command = run["command"]
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    for path in run["made"]:
        # Landlock's rules name existing files; a name alone cannot be made writable.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    refusals = _confine(run)
    if not command:
        print(json.dumps(refusals))  # noqa: T201 - the answer
        return
    _limit(run["memory_mib"], run["cpu_s"], run["file_mib"])
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted, and the bot chose the program


def _confine(run: Mapping[str, Any]) -> dict[Any, str]:
    """Set every layer that the kernel offers; returns its reasons for the others."""
    from bot.workers import confinement, linux  # noqa: PLC0415 - only now does Python know where they are

    layers = confinement.Confinement(executes=True)
    layers.isolate()
    with contextlib.suppress(linux.RefusedByKernel):  # only Linux can: a second encode would write to the same file
        linux.die_with_parent()
    layers.confine(
        readable=map(Path, run["readable"]),
        writable=map(Path, run["writable"]),
        program=Path(run["command"][0]) if run["command"] else None,
    )
    return dict(layers.refusals)


def _limit(memory_mib: int, cpu_s: int, file_mib: int) -> None:
    """Set limits that the program cannot raise."""
    if resource is None:
        return
    limits = [
        (resource.RLIMIT_AS, memory_mib * _MIB),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_mib * _MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
    ]
    for which, most in limits:
        with contextlib.suppress(ValueError, OSError):  # not supported here, or already lower
            resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    main()
