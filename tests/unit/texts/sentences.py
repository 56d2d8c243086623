"""Finds the sentences that people read in the source, with `{…}` where a value stands."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
_WORDS_MIN = 3
# Calls whose text is for the operator's log, and never for a member.
_LOGS = frozenset({"debug", "info", "warning", "error", "exception", "log"})
_REFUSALS = frozenset(
    {
        "AlreadyRunning",
        "Busy",
        "FilesGone",
        "MediaRefused",
        "ModeOff",
        "NotAllowed",
        "OptionRefused",
        "QuotaExceeded",
    }
)


def sentences() -> Iterator[tuple[str, list[str]]]:
    """Yield each source file that has some, and its sentences in their order.

    Those are all texts of `bot.texts` and `cogs` of at least three words, and what refusals elsewhere say.
    """
    for folder, everything in (("bot/texts", True), ("cogs", True), ("bot", False)):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if everything or "texts" not in path.parts:
                found = list(_of_file(ast.parse(path.read_text(encoding="utf-8")), everything=everything))
                if found:
                    yield str(path.relative_to(ROOT)), found


def _of_file(tree: ast.Module, *, everything: bool) -> Iterator[str]:
    finder = _Finder()
    if everything:
        finder.visit(tree)
    else:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _REFUSALS:
                for argument in node.args:
                    finder.visit(argument)
    yield from (text for text in finder.found if len(text.split()) >= _WORDS_MIN)


class _Finder(ast.NodeVisitor):
    """Collects the texts of a tree; docstrings, logs and the parts of longer texts are left out."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in _LOGS):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.found.append(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        parts = [part.value if isinstance(part, ast.Constant) else "{…}" for part in node.values]
        self.found.append("".join(str(part) for part in parts))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)
