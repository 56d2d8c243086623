"""Every file and module that the documentation names exists."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md"))]
FOLDERS = ("bot", "cogs", "sandbox", "tests", "docs", "deploy")
IN_BACKTICKS = re.compile(r"`([^`\n]+)`")
A_PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w/.-]*")
A_MODULE = re.compile(r"(?:bot|cogs|sandbox|tests)(?:\.\w+)+")
A_SETTING = re.compile(r"WANDA_[A-Z0-9_]+")
A_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    """Paths, links, settings, and dotted names of modules and of what they define."""
    assert list(_missing(page.read_text(encoding="utf-8"), page.parent)) == []


def _missing(text: str, folder: Path) -> Iterator[str]:
    for quoted in IN_BACKTICKS.findall(text):
        if A_PATH.fullmatch(quoted) and not (ROOT / quoted).exists():
            yield quoted
        if A_MODULE.fullmatch(quoted) and not _is_defined(quoted):
            yield quoted
        if A_SETTING.fullmatch(quoted) and not _is_setting(quoted):
            yield quoted
    yield from (link for link in A_LINK.findall(text) if not (folder / link).exists())


def _is_setting(name: str) -> bool:
    modules = (path for path in (ROOT / "bot").rglob("*.py") if "settings" in path.relative_to(ROOT).as_posix())
    return any(f'"{name}"' in path.read_text(encoding="utf-8") for path in modules)


def _is_defined(dotted: str) -> bool:
    """Return whether it is a module, a package, or a name (also `Class.member`) in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:count])
        module = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        if module.is_file():
            return _has(ast.parse(module.read_text(encoding="utf-8")).body, parts[count:])
    return False


def _has(body: list[ast.stmt], names: list[str]) -> bool:
    if not names:
        return True
    for node in body:
        if names[0] in _names_of(node):
            return len(names) == 1 or (isinstance(node, ast.ClassDef) and _has(node.body, names[1:]))
    return False


def _names_of(node: ast.stmt) -> set[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case _:
            return set()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`bot/jobs/machine.py` and `bot.jobs.machine.step` and `bot/jobs/`", []),
        ("`bot.jobs.model.Job.quote_microusd`", []),
        (
            "`bot/delivery/card.py`, `bot.jobs.machine.no_such_name`",
            ["bot/delivery/card.py", "bot.jobs.machine.no_such_name"],
        ),
        ("[a page](no-such-page.md)", ["no-such-page.md"]),
        ("`WANDA_KEEP_DAYS` and `WANDA_NO_SUCH_THING`", ["WANDA_NO_SUCH_THING"]),
    ],
)
def test_what_does_not_exist_is_found(text: str, missing: list[str]) -> None:
    """The check itself finds moved files, renamed functions and settings, and dead links."""
    assert list(_missing(text, ROOT / "docs")) == missing


def test_the_layers_are_those_of_the_contract() -> None:
    """The architecture's picture of the layers has the lines and the names of the contract that import-linter holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in project["tool"]["importlinter"]["contracts"] if one.get("containers") == ["bot"])
    expected = [set(line.split(" | ")) for line in contract["layers"]]
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = [re.split(r"\s{2,}", line.strip())[0] for line in page.splitlines() if line.startswith(" bot.")]
    found = [set(re.split(r"[ |,]+", line.replace("bot.", ""))) for line in drawn]
    assert found == [{"__main__", "command_line"}, *expected[2:]]
