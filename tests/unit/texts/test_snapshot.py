"""The snapshot of everything that people read, so that a change of words is seen in review."""

from tests.unit.texts.snapshot import FILE, snapshot


def test_the_words_are_those_of_the_snapshot() -> None:
    """Every text is as texts.snap has it. `make words` writes it anew; read the difference before you commit it."""
    assert snapshot() == FILE.read_text(encoding="utf-8")
