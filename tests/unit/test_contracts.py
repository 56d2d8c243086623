"""A forbidden import in any package breaks the import contract that forbids it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "cogs", "sandbox")
CHECKER = ROOT / "tests" / "support" / "contract_checker.py"
WIDE = {"COLUMNS": "400"}  # so that the report wraps no line

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
OBSTORE = "obstore stays in files"
PROCESS = "The bot's own process loads neither decoders nor matplotlib"

# The module that gets the import, the import, and the contract that must break.
CASES = [
    ("bot.tasks", "discord", DISCORD),
    ("bot.tasks", "bot.jobs", LAYERS),
    ("bot.money", "time", PURE),
    ("bot.settings.group", "cogs.menus", COGS),
    ("bot.errors", "sandbox.message_page", PROGRAM),
    ("bot.client", "bot.app", LAYERS),
    ("bot.app", "matplotlib", DRAWING),
    ("bot.app", "av", PROCESS),
    ("bot.app", "cogs.all", COGS),
    ("bot.app", "httpx", HTTPX),
    ("bot.composition", "matplotlib", PROCESS),
    ("bot.client", "bot.composition", LAYERS),
    ("bot.process", "bot.settings", LAYERS),
    ("bot.endpoints", "httpx", HTTPX),
    ("bot.cards.poster", "cogs.jobs.card_buttons", COGS),
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
    ("bot.files.folder", "obstore", OBSTORE),
    ("bot.films.plan", "asyncio", PURE),
    ("bot.films.model", "bot.runner.runner", LAYERS),
    ("bot.files.bucket", "bot.jobs.model", LAYERS),
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
    ("cogs.base.page", "aiosqlite", DRIVERS),
    ("cogs.chip_in.cog", "asyncpg", DRIVERS),
    ("cogs.help.cog", "aiohttp", AIOHTTP),
    ("cogs.films.cog", "bot.cli.ledger", COGS_STAND),
    ("cogs.jobs.cog", "aiosqlite", DRIVERS),
    ("cogs.help.cog", "httpx", HTTPX),
    ("cogs.ordering.attachments", "PIL", DECODERS),
    ("cogs.ordering.checks", "aiohttp", AIOHTTP),
    ("cogs.picks.final", "bot.app", COGS_STAND),
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
    ("sandbox.play.server", "bot.app", STAND_INS),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and its contracts."""
    copy = tmp_path_factory.mktemp("contracts")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.fixture(scope="module")
def reports(tree: Path) -> dict[tuple[str, str], tuple[int, str]]:
    """The linter's exit status and report for each case, each with its own import alone."""
    imports = [(module, target) for module, target, _ in CASES]
    done = subprocess.run(
        [sys.executable, CHECKER],
        cwd=tree,
        env=WIDE,
        input=json.dumps(imports),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(imports, json.loads(done.stdout), strict=True))


def test_the_code_keeps_every_contract(tree: Path, reports: dict[tuple[str, str], tuple[int, str]]) -> None:
    """`lint-imports` finds nothing in the copy, also after every import was taken out again."""
    assert reports
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-logo"], cwd=tree, env=WIDE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("module", "target", "contract"), CASES)
def test_a_forbidden_import_breaks_its_contract(
    reports: dict[tuple[str, str], tuple[int, str]], module: str, target: str, contract: str
) -> None:
    """The report names the contract and the import."""
    status, report = reports[module, target]
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
