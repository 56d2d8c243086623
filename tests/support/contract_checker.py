"""Runs import-linter once per forbidden import, all in one process. Start it in a copy of the code.

It reads `[[module, target], …]` from stdin and prints `[[exit status, report], …]`. Each import is in its module
for one run only. With a process per run, most of the time would go into loading the linter.
"""

import contextlib
import io
import json
import sys
from pathlib import Path

from importlinter.cli import lint_imports


def check(module: str, target: str) -> tuple[int, str]:
    """Let the module import `target`, and return the linter's exit status and report."""
    path = Path(*module.split(".")).with_suffix(".py")
    code = path.read_text(encoding="utf-8")
    path.write_text(f"{code}\nimport {target}\n", encoding="utf-8")
    report = io.StringIO()
    try:
        with contextlib.redirect_stdout(report):
            status = lint_imports(no_logo=True)
    finally:
        path.write_text(code, encoding="utf-8")
    return status, report.getvalue()


if __name__ == "__main__":
    sys.stdout.write(json.dumps([check(module, target) for module, target in json.load(sys.stdin)]))
