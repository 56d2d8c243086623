"""An operator's mistake ends each command at once: one line on standard error, and exit status 2."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str, flags: Sequence[str] = (), **settings: str) -> tuple[int, list[str]]:
    """Run this Python on this project with these settings alone; returns the exit status and what it said."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    done = subprocess.run(
        [sys.executable, *flags, *arguments],
        env=environment,
        cwd=ROOT.anchor,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr.splitlines()


def test_an_older_python() -> None:
    """It is told before anything is loaded that an older Python cannot read."""
    script = "import sys; sys.version_info = (3, 10, 13); import bot"
    assert run("-c", script) == (2, [f"Wanda needs Python 3.11 or newer; {sys.executable} is 3.10."])


def test_a_missing_package() -> None:
    """The line names the package and what installs it."""
    status, (line,) = run("-m", "bot", "run", flags=["-S"])
    assert status == 2
    assert line.startswith("The Python package dotenv is not installed for ")
    assert "requirements.lock" in line


@pytest.mark.parametrize("command", ["run", "check", "ledger", "price", "commands"])
def test_a_setting(command: str) -> None:
    """Every command refuses settings that do not mean what the operator thinks."""
    arguments = ("wan27-image",) if command == "price" else ()
    status, (line,) = run("-m", "bot", command, *arguments, WANDA_MEMBER_DAILY="1")
    assert status == 2
    assert line == "There is no setting WANDA_MEMBER_DAILY (in the environment): did you mean WANDA_MEMBER_DAILY_USD?"


def test_no_keys() -> None:
    """A run without its keys says which are missing."""
    status, (line,) = run("-m", "bot", "run", FAL_KEY="id:secret")
    assert status == 2
    assert line.startswith("DISCORD_TOKEN is not set")
