"""A decoder that a file has taken over gets at nothing: real attacks, as a user without rights, layer by layer."""

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.workers.pool import Workers
from tests.support.job_samples import REQUESTER

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 65534
OWN = "its own file"
FILES = {
    *("database", "settings", "another member's file", "names of files"),
    *("its own file changed", "a new file", "a file in /tmp"),
}
PROCESSES = {"another process", "io_uring", "bot's limits", "bot's priority", "a signal by a descriptor"}
# The layers that a kernel lacks, and what it then lets through; everything else is refused all the same.
CASES: dict[tuple[str, ...], set[str]] = {
    (): set(),
    ("namespaces",): set(),
    ("files",): FILES,
    ("system calls",): PROCESSES,
    # The bot's own protection keeps its memory, its first environment and its descriptors.
    ("namespaces", "files", "system calls"): {*FILES, *PROCESSES, "loopback", "bot signalled", "another program"},
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these layers")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of nobody's own, outside of the folders that only root may enter."""
    made = Path(tempfile.mkdtemp(prefix="wanda-attack-"))
    if os.geteuid() == 0:
        os.chown(made, NOBODY, NOBODY)
    yield made
    shutil.rmtree(made)


def attacked(folder: Path, *without: str, python: str | None = None) -> dict[str, Any]:
    """Return what the attacks on a bot achieved whose kernel lacks these layers.

    It runs as a user without rights, or, with a `python`, as this process's.
    """
    other = NOBODY if os.geteuid() == 0 and python is None else None
    done = subprocess.run(
        [python or python_for_nobody(), "-m", "tests.support.attacked_bot", str(folder), *without],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "FAL_KEY": "id:very-secret", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=150,
        check=False,
        user=other,
        group=other,
        extra_groups=None if other is None else [],
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@functools.cache
def python_for_nobody() -> str:
    """Return a Python of this version, with our packages, that a user without rights may execute; skips without one."""
    if os.geteuid() != 0:
        return sys.executable
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = [Path(sys.executable).resolve(), Path(f"/usr/bin/{version}"), Path(f"/usr/local/bin/{version}")]
    packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    environment = Path(tempfile.mkdtemp(prefix="wanda-python-"))
    atexit.register(shutil.rmtree, environment, ignore_errors=True)
    environment.chmod(0o755)
    (environment / "bin").mkdir()
    (environment / "lib" / version).mkdir(parents=True)
    (environment / "lib" / version / "site-packages").symlink_to(packages.resolve())
    for base in found:
        python = environment / "bin" / "python"
        python.unlink(missing_ok=True)
        python.symlink_to(base)
        (environment / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
        with_ours = [str(python), "-c", "import bot.settings, seccompy, sys; assert sys.prefix != sys.base_prefix"]
        try:
            subprocess.run(with_ours, cwd=ROOT, user=NOBODY, group=NOBODY, check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            continue
        return str(python)
    pytest.skip(f"no {version} here that nobody may execute and that finds the project in {ROOT}")


def achieved(outcomes: dict[str, str]) -> set[str]:
    """Return the attempts that succeeded."""
    return {name for name, failure in outcomes.items() if not failure}


def test_the_attacks_are_real(folder: Path) -> None:
    """Without any protection each attempt succeeds, so that a refusal below is the protection's doing."""
    failed = {name for name, why in attacked(folder, "everything")["unprotected"].items() if why}
    assert failed <= {"bot traced", "io_uring"}  # which some kernels refuse to everybody


@pytest.mark.parametrize("without", CASES, ids=" and ".join)
def test_nothing_is_achieved(folder: Path, without: tuple[str, ...]) -> None:
    """A worker reads its own file, and nothing else; where layers are missing, the others still hold."""
    outcomes = attacked(folder, *without)
    lacking = {name for name, holds in outcomes["states"].items() if not holds}
    if lacking - set(without):
        pytest.skip(f"this kernel offers no {', '.join(sorted(lacking - set(without)))}")
    assert lacking == set(without)
    for worker in ("pool", "launcher"):
        assert OWN in achieved(outcomes[worker]), outcomes[worker]
        assert achieved(outcomes[worker]) - {OWN} <= CASES[without], worker


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as root")
def test_root_achieves_nothing(tmp_path: Path) -> None:
    """A worker of a bot that runs as root has none of root's powers."""
    outcomes = attacked(tmp_path, python=sys.executable)
    if not all(outcomes["states"].values()):
        pytest.skip(f"this kernel does not offer every layer: {outcomes['states']}")
    assert achieved(outcomes["pool"]) == achieved(outcomes["launcher"]) == {OWN}


def children(pid: int) -> list[str]:
    """Return the process ids of a process's children."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


async def test_no_answer_for_the_next_file() -> None:
    """A worker that a file has taken over cannot answer for the next file, nor outlive its own."""
    pool = Workers("tests.support.hostile_worker", at_once=1, memory_mib=512, timeout_s=30)
    try:
        assert await pool.ask({"forge": True}, REQUESTER) == {"forged": 1}
        pid = pool._idle[0].process.pid
        assert await pool.ask({"echo": "next"}, REQUESTER) == {"echo": "next"}
        assert pool._idle[0].process.pid == pid
        assert len(children(pid)) <= 1  # the first one's is gone; the second's may be about to end
    finally:
        await pool.close()


def test_a_missing_layer_is_warned_of() -> None:
    """At its start the bot warns once of each layer that its kernel refuses, and of no other; a check tells too."""
    script = """
        import asyncio, logging, sys
        from pathlib import Path
        from bot.cli.check import _workers
        from bot.settings import Settings
        from bot.workers.protection import protect_and_warn
        from tests.support.attacked_bot import _refuse
        logging.basicConfig(format="%(levelname)s %(message)s")
        _refuse(sys.argv[1:])
        asyncio.run(protect_and_warn())
        print(*asyncio.run(_workers(Settings())), sep="\\n")
    """
    command = [sys.executable, "-c", textwrap.dedent(script), "namespaces", "files"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    warnings = done.stderr.splitlines()
    assert [line.startswith("WARNING Workers are less confined") for line in warnings] == [True, True], warnings
    assert {name for name in ("namespaces", "files") for line in warnings if f"({name})" in line} == {
        "namespaces",
        "files",
    }
    found = {line[5:20].strip(): line[:4].strip() for line in done.stdout.splitlines()}
    assert found == {"privileges": "ok", "files": "FIX", "system calls": "ok", "namespaces": "ok", "memory": "ok"}


def test_a_run_protects_itself() -> None:
    """Once it runs, the bot is not dumpable, and its environment holds no setting."""
    script = """
        import ctypes, os
        from bot.command_line import main
        status = main(["run"])
        print(status, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), sorted(name for name in os.environ if "KEY" in name))
    """
    with tempfile.TemporaryDirectory() as data:
        environment = {
            "PATH": os.environ["PATH"],
            "FAL_KEY": "id:very-secret",
            "DISCORD_TOKEN": "very-secret",
            "DISCORD_API_URL": "http://127.0.0.1:9/api/v10",
            "WANDA_START_PATIENCE_S": "0",
            "WANDA_DATA_DIR": data,
            "WANDA_WEB_PORT": "0",
        }
        command = [sys.executable, "-c", textwrap.dedent(script)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=True
        )
    assert done.stdout == "1 0 []\n", done.stderr
