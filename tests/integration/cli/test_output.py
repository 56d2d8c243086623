"""Where a command's output goes to is the operator's matter: no terminal, pipe or disk makes a traceback of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "bot"]
PRICE = ("price", "wan27-image", "duration=5")


def environment(**settings: str) -> dict[str, str]:
    """Return this project's, without a home."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}


def run(
    *arguments: str, output: int | IO[bytes] = subprocess.PIPE, **settings: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command with its output in pipes, or with its standard output elsewhere."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**settings),
        cwd=ROOT.anchor,
        stdout=output,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_of_few_letters(encoding: str) -> None:
    """A character that the terminal's encoding lacks is written by its number; JSON stays JSON."""
    done = run(*PRICE, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    sign = "×".encode(encoding, "backslashreplace")
    assert done.stdout.split() == [b"$0.50", b"=", b"5", b"s", sign, b"$0.10"]
    for arguments in (PRICE, ("price",)):
        as_json = run(*arguments, "--json", PYTHONIOENCODING=encoding)
        assert "×" in str(json.loads(as_json.stdout))


@pytest.mark.parametrize("arguments", [PRICE, ("commands",)], ids=lambda arguments: arguments[0])
def test_a_pipe_that_is_closed(arguments: tuple[str, ...]) -> None:
    """`| head` ends a command without a word, however much it had to say."""
    reading, writing = os.pipe()
    os.close(reading)
    done = run(*arguments, output=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux alone")
def test_a_disk_that_is_full() -> None:
    """A command whose output is not written whole says so in a line and does not count as done."""
    with Path("/dev/full").open("wb") as full:
        done = run(*PRICE, output=full)
    assert (done.returncode, done.stderr) == (1, b"The output could not be written: No space left on device.\n")


@pytest.mark.parametrize("seconds", ["nan", "soon"])
def test_no_time_to_look_again(seconds: str) -> None:
    """`watch` takes a number of seconds that it can wait for."""
    done = run("watch", f"--every={seconds}")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"{seconds} is no number of seconds between 0.05 and 86400".encode())


@pytest.mark.parametrize("name", ["EPIPE", "ENOSPC"])
def test_trouble_of_something_else_keeps_its_traceback(name: str) -> None:
    """A connection that breaks, or another disk that is full, is not taken for the output."""
    script = (
        "import errno, bot.__main__ as program\n"
        f"def fail(): raise OSError(errno.{name}, 'of something else')\n"
        "program._run = fail\n"
        "program.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), cwd=ROOT.anchor, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert b"of something else" in done.stderr
    assert b"Traceback" in done.stderr
