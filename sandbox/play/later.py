"""`python -m sandbox.play.later FILE COMMAND …`: runs `python -m bot COMMAND …` with a wall clock that FILE puts ahead.

The bot reads the wall clock by `time.time` alone. What it measures or sleeps by the monotonic clock takes as long as
ever, so a wait that has begun is not shortened; a new start of the bot reads all dates anew.
"""

import mmap
import runpy
import sys
import time
from pathlib import Path

from sandbox.play.clock import read_ahead_s


def main(path: str, arguments: list[str]) -> None:
    """Run the bot; it never learns of the file."""
    with Path(path).open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    real = time.time
    time.time = lambda: real() + read_ahead_s(memory)
    sys.argv = ["bot", *arguments]
    runpy.run_module("bot", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
