"""What a process and everything it started costs: memory and processor time, from /proc (see proc(5))."""

import os
from pathlib import Path


def family_of(pid: int) -> list[int]:
    """Return the process and all its descendants."""
    found, waiting = list[int](), [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for task in _threads(one):
            waiting += _numbers(task / "children")
    return found


def _threads(pid: int) -> list[Path]:
    """Return the folder of each thread; none of a process that ended meanwhile."""
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text().split()]
    except OSError:
        return []


def cpu_s_of(pid: int, *, with_ended_children: bool = False) -> float:
    """Return the seconds in user and system mode, all threads together; 0 for a process that is gone.

    The time of children that ended counts for the parent that waited for them.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    counted = fields[11:15] if with_ended_children else fields[11:13]
    return sum(map(int, counted)) / os.sysconf("SC_CLK_TCK")


def family_cpu_s(pid: int) -> float:
    """Return the processor time of the process and everything that it started and that it waits for, in seconds."""
    return sum(cpu_s_of(one, with_ended_children=True) for one in family_of(pid))


def proportional_bytes(pid: int) -> int:
    """Return the resident bytes, shared pages divided among those who share them; 0 for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def resident_bytes(pid: int) -> int:
    """Return the resident bytes of this process alone."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
