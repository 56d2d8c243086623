"""Closing an uncertain job ends money, so nothing about it is guessed."""

from pathlib import Path

import pytest

from bot.__main__ import USAGE_ERROR, main


@pytest.mark.parametrize("words", [["--close", "a" * 32], ["--at", "0.75"]])
def test_a_job_is_not_closed_at_a_guess(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forgotten amount does not mean that fal charged nothing: both are said, or nothing is done."""
    monkeypatch.setenv("WANDA_DATA_DIR", str(tmp_path / "data"))
    assert main(["ledger", *words]) == USAGE_ERROR
    assert "together" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
