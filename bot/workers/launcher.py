"""Sets limits on this process and then executes a program that reads hostile files.

`python -I -S launcher.py <memory MiB> <CPU seconds> <file MiB> <program> <argument…>`. It imports nothing of the bot,
so it starts in hundredths of a second. Limits set by the bot after the start would come too late.
"""

import contextlib
import ctypes
import os
import signal
import sys

try:
    import resource
except ImportError:  # Windows has no such limits; only the bot's timeout applies there
    resource = None

_NICENESS = 19  # the lowest priority: the bot's own loop answers Discord first
_OPEN_FILES_MAX = 64
_PR_SET_PDEATHSIG = 1  # prctl(2)
_MIB = 1024 * 1024  # `bot.units.MIB`, which a program that imports nothing of the bot cannot have


def main() -> None:
    """Set the limits and replace this process by the program; raises OSError when there is no such program."""
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
            with contextlib.suppress(ValueError, OSError):  # not supported here, or already lower
                resource.setrlimit(which, (most, most))
    _die_with_parent()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted, and the bot chose the program


def _die_with_parent() -> None:
    """Have Linux kill this program when the bot dies; a second encode would write to the same file."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
