"""The launcher of a program that reads hostile files: give up power for good, then become that program.

`python -I -S limited.py <memory MiB> <CPU seconds> <file MiB> <program> <argument…>`. It imports nothing of the bot,
so it starts in hundredths of a second. A limit set by the bot from outside would leave the program free at its start.
"""

import contextlib
import ctypes
import os
import signal
import sys

try:
    import resource
except ImportError:  # Windows has no such limits; there the bot's own deadline is what remains
    resource = None

_NICENESS = 19  # the lowest priority: the bot's own loop answers Discord first
_OPEN_FILES_MAX = 64
_PR_SET_PDEATHSIG = 1  # prctl(2)
_MIB = 1024 * 1024


def main() -> None:
    """Set the limits and run the program in this process's place; returns only when there is no such program."""
    memory_mib, cpu_s, file_mib = (int(number) for number in sys.argv[1:4])
    command = sys.argv[4:]
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    if resource is not None:
        limits = [
            (resource.RLIMIT_AS, memory_mib * _MIB),
            (resource.RLIMIT_CPU, cpu_s),
            (resource.RLIMIT_FSIZE, file_mib * _MIB),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
        ]
        for which, most in limits:
            with contextlib.suppress(ValueError, OSError):  # a system that cannot, or already has less
                resource.setrlimit(which, (most, most))
    _end_with_the_bot()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted, and the bot chose the program


def _end_with_the_bot() -> None:
    """Have Linux end this program when the bot is killed: two encodes of one video would write to one file."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
