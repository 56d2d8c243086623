"""A decoder that a file has taken over gets at nothing: real attacks, as a user without rights, layer by layer."""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
    shutil.rmtree(environment)
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
