"""`python -m sandbox.play.later PARENT FILE COMMAND …`: runs `python -m bot COMMAND …`, its clock put ahead by FILE.

The bot reads the wall clock by `time.time` alone. What it measures or sleeps by the monotonic clock takes as long as
ever, so a wait that has begun is not shortened; a new start of the bot reads all dates anew.
"""

import ctypes
import mmap
import os
import runpy
import signal
import struct
import sys
import time
from pathlib import Path

AHEAD_S = struct.Struct("<d")
SET_PARENT_DEATH_SIGNAL = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html


def main(parent: int, path: str, arguments: list[str]) -> None:
    """Run the bot; it never learns of the file, and ends with `parent`, which started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    if os.getppid() != parent:
        sys.exit("The page is not there any more.")
    with Path(path).open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    real = time.time
    time.time = lambda: real() + AHEAD_S.unpack_from(memory)[0]
    sys.argv = ["bot", *arguments]
    runpy.run_module("bot", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
