"""What is counted as a process's costs."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.process_costs import cpu_s_of, family_cpu_s

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
BUSY_S = 0.2
PARENT = f"""
import os, sys, time
if not (child := os.fork()):
    while time.process_time() < {BUSY_S}:
        pass
    os._exit(0)
os.waitpid(child, 0)
print("ended", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[int]:
    """A process whose child was busy for `BUSY_S` and has ended; its id."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ended\n"
        yield process.pid


def test_ended_children_count(parent: int) -> None:
    """A family's processor time has that of children which have ended, such as those that read one file each."""
    assert family_cpu_s(parent) >= cpu_s_of(parent) + BUSY_S * 0.9
