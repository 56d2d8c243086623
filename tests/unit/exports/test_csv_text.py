import csv
import io

import pytest

from bot.exports.csv_text import cell, csv_lines


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =HYPERLINK(1)", "\r=1", "\uff1d1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Text that a spreadsheet would run as a formula is prefixed with an apostrophe."""
    assert cell(text).startswith("'")


def test_numbers_stay_numbers() -> None:
    """A negative amount is written as a number, not as a formula."""
    assert cell(-750_000) == "-750000"
    assert cell(None) == ""


def test_lines_can_be_read_back() -> None:
    """Commas, quotes and line ends inside a text do not break its row."""
    text = csv_lines([["a", 1, None], ['say "hi", you\nthere', -2, "ok"]])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "1", ""], ['say "hi", you\nthere', "-2", "ok"]]
