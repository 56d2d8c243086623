from pathlib import Path

from bot.settings import Settings
from sandbox.readme import README, with_tables

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


def test_tables_are_the_codes() -> None:
    """The README's tables of modes and settings are what the code says; `make readme` brings them up to date."""
    text = README.read_text(encoding="utf-8")
    assert with_tables(text) == text


def test_the_example_names_known_settings() -> None:
    """Every name in .env.example is a setting."""
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    named = {line.split("=")[0] for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")}
    assert named <= known
    assert {"DISCORD_TOKEN", "FAL_KEY"} <= named


def test_pictures_exist() -> None:
    """Every file that the README links to is there."""
    text = README.read_text(encoding="utf-8")
    links = {part.split(")")[0] for part in text.split("](")[1:]}
    local = {link for link in links if not link.startswith("http")}
    assert local
    assert [link for link in local if not (README.parent / link).exists()] == []
    assert (README.parent / "docs/card.png").stat().st_size > 10_000
