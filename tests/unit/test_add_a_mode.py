"""docs/add-a-mode.md shows how a mode was added; its code is what stands in the files."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "add-a-mode.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = [path for path in re.findall(r"`((?:bot|tests|sandbox)/[\w/]+\.py)`", PAGE) if (ROOT / path).exists()]


def _stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


def _paragraphs() -> Iterator[str]:
    """Yield each piece of code between blank lines and comments that name a table."""
    for block in BLOCKS[1:]:
        for piece in re.split(r"\n\s*\n|^# .*\n", block, flags=re.MULTILINE):
            if piece.strip():
                yield _stripped(piece.strip("\n"))


def test_the_first_block_is_the_mode() -> None:
    """The page begins with the whole file of its mode."""
    assert BLOCKS[0] == (ROOT / "bot/catalogue/wan25_text.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("piece", list(_paragraphs()), ids=lambda piece: piece.partition("\n")[0][:40])
def test_the_other_code_stands_in_a_file_that_the_page_names(piece: str) -> None:
    """Each row and each method of the page is in one of these files, word for word."""
    assert any(piece in _stripped((ROOT / path).read_text(encoding="utf-8")) for path in FILES)
