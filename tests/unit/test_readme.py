import re
from pathlib import Path

import pytest

from bot.settings import GROUPS, fields_of
from sandbox.readme import README, SETTINGS_PAGE, all_tables, operator_table, tables, with_tables

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


@pytest.mark.parametrize("page", tables(), ids=lambda page: page.name)
def test_tables_are_the_codes(page: Path) -> None:
    """The generated tables of the README and of docs/settings.md are what the code says; `make readme` updates them."""
    text = page.read_text(encoding="utf-8")
    assert with_tables(text, tables()[page]) == text


def test_every_setting_is_on_the_page_once() -> None:
    """docs/settings.md has a row for each setting, and no environment variable is two settings."""
    names = [name for group in GROUPS.values() for name, _ in fields_of(group)]
    rows = [line.split("`")[1] for line in SETTINGS_PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert len(set(names)) == len(names)
    assert rows == names


def test_a_row_stands_alone() -> None:
    """No description leans on the row before it: each is a capitalised phrase, and no other setting has the same."""
    rows = [str(field.description) for group in GROUPS.values() for _, field in fields_of(group)]
    assert len(set(rows)) == len(rows)
    for row in rows:
        assert re.match(r"[A-Z]|postgresql|fal", row)
        assert row.endswith(".")
        assert not re.search(r"\b[Ss]uch\b|\bof them\b", row)


def test_the_readme_has_what_an_operator_needs() -> None:
    """The README names the settings that most operators set, few enough to read."""
    rows = operator_table().splitlines()[2:]
    assert 10 <= len(rows) <= 25


def test_the_example_names_known_settings() -> None:
    """Every name in .env.example is a setting."""
    known = {name for group in GROUPS.values() for name, _ in fields_of(group)}
    named = {line.split("=")[0] for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")}
    assert named <= known
    assert {"DISCORD_TOKEN", "FAL_KEY"} <= named


def test_pictures_exist() -> None:
    """Every file that the README links to is there."""
    text = README.read_text(encoding="utf-8")
    links = {part.split(")")[0] for part in text.split("](")[1:]}
    local = {link.partition("#")[0] for link in links if not link.startswith("http")}
    assert local
    assert [link for link in local if not (README.parent / link).exists()] == []
    assert (README.parent / "docs/card.png").stat().st_size > 10_000


def test_no_description_is_shown_as_code() -> None:
    """Markdown takes a line that begins with four spaces for code, so the docstrings lose their indentation."""
    assert [line for line in all_tables().splitlines() if line.startswith("    ")] == []
