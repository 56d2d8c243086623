"""The largest resident memory of a process, as Linux counts it."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MIB = 1024 * 1024


def resident_mib(pid: int | str, what: str = "VmRSS") -> int:
    """Return a process's resident memory in MiB; `VmHWM` is the most since the last `reset_peak`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) // 1024
    raise AssertionError(f"/proc/{pid}/status has no {what}")


def reset_peak(pid: int | str) -> None:
    """Forget the most (https://docs.kernel.org/filesystems/proc.html, clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@contextmanager
def grows_at_most(mib: int, pid: int | str = "self") -> Generator[None]:
    """Assert that the process's memory never grows by more than this during the block, not even for a moment."""
    before = resident_mib(pid)
    reset_peak(pid)
    yield
    assert resident_mib(pid, "VmHWM") - before <= mib
