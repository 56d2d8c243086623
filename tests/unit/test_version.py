import tomllib
from pathlib import Path

from bot import VERSION


def test_one_version() -> None:
    """A backup names the version of the package."""
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
