"""Generates the tables of README.md and docs/settings.md from the code: `make readme` writes, a test compares."""

from collections.abc import Iterable, Mapping
from inspect import getdoc
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from bot.catalogue.readme_table import mode_table_markdown
from bot.settings import GROUPS, OPERATORS, fields_of

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
_HEADER = ("| Setting | Shipped value | What it does |", "|---|---|---|")


def tables() -> Mapping[Path, Mapping[str, str]]:
    """Return the generated text of each page, by the name in its markers."""
    return {
        README: {"modes": mode_table_markdown(), "settings": operator_table()},
        SETTINGS_PAGE: {"settings": all_tables()},
    }


def with_tables(text: str, generated: Mapping[str, str]) -> str:
    """Return a page's text with the generated tables between their markers.

    Raises:
        ValueError: a marker is missing.
    """
    for name, table in generated.items():
        begin, end = f"<!-- {name}: begin (make readme) -->", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"there are no markers for the table of {name}")
        text = f"{before}{begin}\n{table}{end}{after}"
    return text


def write() -> None:
    """Bring the tables of every page up to date."""
    for page, generated in tables().items():
        page.write_text(with_tables(page.read_text(encoding="utf-8"), generated), encoding="utf-8")


def operator_table() -> str:
    """Return the table of the settings that an operator needs; it ends with a newline."""
    rows = (row for group in GROUPS.values() for row in fields_of(group))
    return _table((name, field) for name, field in rows if _is_operators(field))


def all_tables() -> str:
    """Return a table for each group of settings, under its title; they end with a newline."""
    return "\n".join(f"## {group.title}\n\n{getdoc(group)}\n\n{_table(fields_of(group))}" for group in GROUPS.values())


def _is_operators(field: FieldInfo) -> bool:
    return field.json_schema_extra == OPERATORS  # pyright: ignore[reportUnknownMemberType] - pydantic's own type


def _table(rows: Iterable[tuple[str, FieldInfo]]) -> str:
    lines = [f"| `{name}` | {_shipped(field.default)} | {field.description} |" for name, field in rows]
    return "\n".join([*_HEADER, *lines]) + "\n"


def _shipped(default: Any) -> str:
    return "" if default is None or default == "" else f"`{default}`"
