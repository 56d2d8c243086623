"""An operator's mistake ends each command at once: one line on standard error, and exit status 2."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.cli.finding import Finding

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
    assert line.startswith("DISCORD_TOKEN is not set. Copy it from Discord's developer portal")
    status, lines = run("-m", "bot", "run")
    assert status == 2
    assert [line.partition(" ")[0] for line in lines] == ["DISCORD_TOKEN", "FAL_KEY"]


@pytest.mark.parametrize("arguments", [(), ("--close", "1" * 32, "--at", "0")])
def test_no_books(arguments: Sequence[str], tmp_path: Path) -> None:
    """Without a database there are no books: the line names the path that was looked at, and nothing is made."""
    folder = tmp_path / "data"
    status, (line,) = run("-m", "bot", "ledger", *arguments, WANDA_DATA_DIR=str(folder))
    assert status == 2
    assert line.startswith(f"There's no database at SQLite {folder}/wanda.db.")
    assert not folder.exists()


def test_what_is_to_fix(tmp_path: Path) -> None:
    """A check tells the budgets, and ends with how many things are to be fixed."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "check"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "WANDA_TOTAL_CAP_MONTHLY_USD": "200"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    *lines, last = done.stdout.splitlines()
    assert done.returncode == 1
    assert last == f"{sum(line.startswith('FIX') for line in lines)} things to fix."
    (budgets,) = [line for line in lines if line.startswith("ok   budgets")]
    assert "$5.00 a day and each server $50.00 a month" in budgets
    assert budgets.endswith("your caps: $200.00 a month for all servers together")


def test_a_finding_in_a_terminal() -> None:
    """In a terminal a long text goes on below itself, with words and paths whole; in a pipe it is one line."""
    path = f"/srv/{'x' * 70}/wanda.db"
    found = Finding("database", fine=False, text=f"there is no database at {path}; a run creates it")
    first, *more = found.wrapped(60).splitlines()
    assert first == "FIX  database        there is no database at"
    assert more == [f"{' ' * 21}{path};", f"{' ' * 21}a run creates it"]
    assert str(found).count("\n") == 0
