"""Every process that the program starts is started by `bot.workers`, with an environment from the allow-list."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.workers.environment import child_environment

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for package in ("bot", "cogs") for path in (ROOT / package).rglob("*.py"))
MODULES = {"subprocess", "multiprocessing", "pty", "_posixsubprocess"}
NAMES = {
    *("create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell"),
    *("ProcessPoolExecutor", "fork", "forkpty", "system", "popen", "posix_spawn", "posix_spawnp", "startfile"),
    *(f"{kind}{how}" for kind in ("exec", "spawn") for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
}
# Both replace or copy a process that already has the allow-listed environment.
OWN_ENVIRONMENT = {("bot/workers/launcher.py", "execv"), ("bot/workers/child.py", "fork")}
STARTS = {
    ("bot/workers/pool.py", "create_subprocess_exec"),
    ("bot/workers/run_once.py", "create_subprocess_exec"),
    ("bot/workers/run_once.py", "subprocess"),
}


def starts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield this file with each way of starting a process that is imported or named in it."""
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                imported = {alias.name.split(".")[0] for alias in node.names}
            case ast.ImportFrom(module=str(module)):
                imported = {module.split(".")[0], *(alias.name for alias in node.names)}
            case ast.Attribute(attr=attribute, value=ast.Name(id=owner)) if owner in {
                "os",
                "asyncio",
                "loop",
                "futures",
            }:
                imported = {attribute}
            case _:
                continue
        yield from ((name, word) for word in imported & (MODULES | NAMES))


def test_only_the_workers_start_processes() -> None:
    """A new way of starting a process is looked at here: does it take `child_environment`?"""
    assert {found for path in SOURCES for found in starts(path)} == STARTS | OWN_ENVIRONMENT


@pytest.mark.parametrize("path", sorted({path for path, _ in STARTS}))
def test_each_start_has_the_allowed_environment(path: str) -> None:
    """Each call that starts a process names its environment, and that comes from the allow-list."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"asyncio.create_subprocess_exec", "subprocess.run", "subprocess.Popen"}
    ]
    assert calls
    for call in calls:
        environments = [ast.unparse(given.value) for given in call.keywords if given.arg == "env"]
        assert environments in (["child_environment()"], ["_environment()"]), ast.unparse(call)


def test_the_allowed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child gets the path of programs and what it is given, and no variable that nobody listed."""
    monkeypatch.setenv("FAL_KEY", "very-secret")
    monkeypatch.setenv("PGPASSWORD", "very-secret")
    assert child_environment(MORE="1").items() >= {"PATH": os.environ["PATH"], "MORE": "1"}.items()
    assert "very-secret" not in child_environment().values()
