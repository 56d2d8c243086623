"""The version before goes on working while a new one brings the schema up to date: expand, then contract."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.storage.migrate import SCHEMA_DIR, split

FIRST = 20  # older steps were applied while the one process was down
CONTRACTS = "-- contract: "  # the first line of a step that removes what the version before does not use any more
_ADDS = re.compile(
    r"CREATE (TABLE|(UNIQUE )?INDEX|TRIGGER|(OR REPLACE )?FUNCTION) "
    r"|ALTER TABLE \w+ ADD COLUMN (?!.*NOT NULL(?!.*DEFAULT))"
    r"|INSERT INTO |UPDATE ",
    re.IGNORECASE | re.DOTALL,
)
STEPS = [path for path in sorted(SCHEMA_DIR.glob("*.sql")) if int(path.name[:4]) >= FIRST]


def _removes(text: str) -> Iterator[str]:
    """Yield the statements that may break a program that does not know them."""
    if not text.startswith(CONTRACTS):
        yield from (statement for statement in split(text) if _ADDS.match(statement) is None)


@pytest.mark.parametrize("step", STEPS, ids=lambda path: path.name)
def test_a_step_only_adds(step: Path) -> None:
    """It adds tables, indexes, and columns that may be missing; one that removes says `contract` and why it may."""
    assert list(_removes(step.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE jobs;",
        "ALTER TABLE jobs DROP COLUMN mode;",
        "ALTER TABLE jobs RENAME TO old;",
        "ALTER TABLE jobs ADD COLUMN x TEXT NOT NULL;",
        "DELETE FROM jobs;",
    ],
)
def test_what_removes_is_found(statement: str) -> None:
    """The check finds it, unless the step says that it contracts."""
    assert list(_removes(statement)) == [statement.removesuffix(";")]
    assert list(_removes(f"{CONTRACTS}nothing has used it since 0.2\n{statement}")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE jobs ADD COLUMN x TEXT;",
        "ALTER TABLE jobs ADD COLUMN x BIGINT NOT NULL DEFAULT 0;",
        "CREATE UNIQUE INDEX i ON jobs (x);",
    ],
)
def test_what_adds_passes(statement: str) -> None:
    """A column that may be missing, or that has a value by itself, is one that the version before need not know."""
    assert list(_removes(statement)) == []
