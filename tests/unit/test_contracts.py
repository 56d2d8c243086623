"""A forbidden import in any package breaks the import contract that forbids it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "cogs", "sandbox")

LAYERS = "Who may import whom"
COGS_STAND = "The cogs stand between"
COGS = "Only the composition root and the command line know the cogs"
PROGRAM = "The program does not know the stand-ins"
STAND_INS = "The stand-ins know nothing of the program"
PURE = "Pure packages do no I/O"
DISCORD = "discord.py stays in"
HTTPX = "httpx stays in"
AIOHTTP = "aiohttp stays in"
DRIVERS = "The database drivers stay in storage"
DECODERS = "Members' files are decoded only by the media workers"
DRAWING = "matplotlib stays in drawing"
PROCESS = "The bot's own process loads neither decoders nor matplotlib"

# The module that gets the import, the import, and the contract that must break.
CASES = [
    ("bot.tasks", "discord", DISCORD),
    ("bot.tasks", "bot.jobs", LAYERS),
    ("bot.money", "time", PURE),
    ("bot.settings", "cogs.menus", COGS),
    ("bot.errors", "sandbox.message_page", PROGRAM),
    ("bot.client", "bot.app", LAYERS),
    ("bot.app", "matplotlib", DRAWING),
    ("bot.app", "av", PROCESS),
    ("bot.endpoints", "httpx", HTTPX),
    ("bot.cards.poster", "cogs.card_buttons", COGS),
    ("bot.cards.pacer", "aiosqlite", DRIVERS),
    ("bot.cards.poster", "bot.exports.rows", LAYERS),
    ("bot.catalogue.price", "asyncio", PURE),
    ("bot.catalogue.mode", "bot.jobs.model", LAYERS),
    ("bot.charts.scales", "asyncio", PURE),
    ("bot.charts.text", "matplotlib", DRAWING),
    ("bot.cli.ledger", "sqlite3", DRIVERS),
    ("bot.cli.check", "httpx", HTTPX),
    ("bot.drawing.painter", "matplotlib", PROCESS),
    ("bot.drawing.canvas", "discord", DISCORD),
    ("bot.exports.rows", "discord", DISCORD),
    ("bot.exports.csv_text", "bot.web.health", LAYERS),
    ("bot.fal.client", "bot.jobs.model", LAYERS),
    ("bot.fal.upload", "aiohttp", AIOHTTP),
    ("bot.fal.wire.sse", "asyncio", PURE),
    ("bot.fal.wire.protocol", "httpx", PURE),
    ("bot.jobs.approval", "httpx", HTTPX),
    ("bot.jobs.approval", "asyncio", PURE),
    ("bot.jobs.machine", "bot.runner.runner", LAYERS),
    ("bot.jobs.queries", "bot.app", LAYERS),
    ("bot.ledger.holds", "asyncio", PURE),
    ("bot.ledger.windows", "time", PURE),
    ("bot.ledger.tables", "bot.catalogue.registry", LAYERS),
    ("bot.media.intake", "PIL", DECODERS),
    ("bot.media.probe", "bot.fal.client", LAYERS),
    ("bot.media.rules.sniff", "asyncio", PURE),
    ("bot.net.download", "discord", DISCORD),
    ("bot.net.transport", "bot.fal.client", LAYERS),
    ("bot.runner.runner", "bot.cards.poster", LAYERS),
    ("bot.runner.retention", "aiosqlite", DRIVERS),
    ("bot.storage.transaction", "asyncio", PURE),
    ("bot.storage.database", "bot.ledger.model", LAYERS),
    ("bot.texts.card", "asyncio", PURE),
    ("bot.texts.card", "bot.runner.runner", LAYERS),
    ("bot.web.health", "bot.cards.poster", LAYERS),
    ("bot.web.health", "httpx", HTTPX),
    ("bot.workers.pool", "bot.media.probe", LAYERS),
    ("bot.workers.child", "aiohttp", AIOHTTP),
    ("cogs.budget_warnings", "httpx", HTTPX),
    ("cogs.quota", "bot.app", COGS_STAND),
    ("cogs.admin.typed_input", "asyncio", PURE),
    ("cogs.admin.report", "matplotlib", DRAWING),
    ("cogs.jobs.cog", "aiosqlite", DRIVERS),
    ("cogs.ordering.attachments", "PIL", DECODERS),
    ("cogs.ordering.quote", "aiohttp", AIOHTTP),
    ("cogs.results.buttons", "bot.cli.ledger", COGS_STAND),
    ("cogs.wan.cog", "sandbox.stage", PROGRAM),
    ("sandbox.stage", "bot", STAND_INS),
    ("sandbox.demo", "discord", DISCORD),
    ("sandbox.discord.world", "bot", STAND_INS),
    ("sandbox.discord.control.routes", "cogs", STAND_INS),
    ("sandbox.discord.rest.api", "discord", DISCORD),
    ("sandbox.fal.queue", "bot", STAND_INS),
    ("sandbox.fal.server", "httpx", HTTPX),
    ("sandbox.fal.endpoints.base", "bot.catalogue.mode", STAND_INS),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and its contracts, which holds them all."""
    copy = tmp_path_factory.mktemp("contracts")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    status, report = lint_imports(copy)
    assert status == 0, report
    return copy


def lint_imports(tree: Path) -> tuple[int, str]:
    """Run the linter as `make check` does; returns its exit status and what it printed."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-logo"], cwd=tree, capture_output=True, text=True, check=False, env={"COLUMNS": "400"}
    )
    return done.returncode, done.stdout + done.stderr


@contextmanager
def imported(tree: Path, module: str, target: str) -> Generator[None]:
    """Let a module of the copy import `target` for a while."""
    path = (tree / module.replace(".", "/")).with_suffix(".py")
    code = path.read_text()
    path.write_text(f"{code}\nimport {target}\n")
    try:
        yield
    finally:
        path.write_text(code)


@pytest.mark.parametrize(("module", "target", "contract"), CASES)
def test_a_forbidden_import_breaks_its_contract(tree: Path, module: str, target: str, contract: str) -> None:
    """The report names the contract and the import."""
    with imported(tree, module, target):
        status, report = lint_imports(tree)
    assert status == 1, report
    broken = [line for line in report.splitlines() if line.startswith(contract) and " BROKEN" in line]
    assert broken, report
    assert re.search(rf"{re.escape(module)} -> {re.escape(target)} \(", report), report


def test_every_package_has_a_case() -> None:
    """A new package is not forgotten: each has at least one forbidden import above."""
    roots = [ROOT / package for package in PACKAGES]
    packages = {".".join(path.parent.relative_to(ROOT).parts) for root in roots for path in root.rglob("__init__.py")}
    covered = {module.rpartition(".")[0] for module, _, _ in CASES}
    assert packages - covered == set()
