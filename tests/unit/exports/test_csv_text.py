import csv
import io
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.exports.csv_text import cell, csv_lines

STARTS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "  =HYPERLINK(1)",
        "\r=1",
        "\uff1d1",
        '"=1+1',
        "' =1",
        "\u201c@x",
        "\u200b=1",
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    """Text that a spreadsheet would run as a formula is prefixed with an apostrophe, also behind quotes and spaces."""
    assert cell(text).startswith("'")


@given(st.text(alphabet=f"{STARTS}ab1;,\"' \n"))
def test_no_formula_however_it_is_split(text: str) -> None:
    """Nothing begins a formula, whichever of the usual separators the spreadsheet goes by."""
    for part in re.split("[;\t\r\n]", cell(text)):
        assert not part.lstrip(' "').startswith(tuple(STARTS)) or part == ""


@pytest.mark.parametrize("text", ["123456789012345678", "1e5", "42", "1.5", "00012"])
def test_ids_stay_text(text: str) -> None:
    """Text of digits is no number: a spreadsheet would round an id to 15 digits."""
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "a fox, at -3 degrees", "5" * 31 + "a", "2026-11-20T04:32:04Z", "https://discord.com/x"]
)
def test_other_text_is_left(text: str) -> None:
    """Any other text stays as it is."""
    assert cell(text) == text


def test_numbers_stay_numbers() -> None:
    """A negative amount is written as a number, not as a formula."""
    assert cell(-750_000) == "-750000"
    assert cell(Decimal("-0.75")) == "-0.75"
    assert cell(None) == ""


def test_lines_can_be_read_back() -> None:
    """Commas, quotes and line ends inside a text do not break its row."""
    text = csv_lines([["a", 1, None], ['say "hi", you\nthere', -2, "ok"]])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "1", ""], ['say "hi", you\nthere', "-2", "ok"]]
