"""CSV text in which no spreadsheet sees a formula, and takes no id for a number.

https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal

_CELL_CHARS_MAX = 2000
_LEADING = "[\\s\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb\u200b-\u200f\u2060\ufeff]*"  # what a spreadsheet may take away
_FORMULA = re.compile(f"{_LEADING}[=+\\-@|%\uff0b\uff0d\uff1d\uff20]|[\t\r\n]")
# Where the list's separator is another character, as in much of Europe, a cell may begin in the middle of ours.
_FORMULA_INSIDE = re.compile(f"(?<=[;\t\r\n])(?={_LEADING}[=+\\-@|%\uff0b\uff0d\uff1d\uff20])")
_NUMBER = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*(e[+-]?\d+)?\s*", re.IGNORECASE)


def cell(value: object) -> str:
    """Return one cell: None is empty, a number stays one, and text stays text.

    An apostrophe in front keeps text that looks like a formula or a number from being taken for one. NUL characters are
    removed, and text is cut to 2,000 characters.
    """
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = _FORMULA_INSIDE.sub("'", str(value).replace("\0", "")[:_CELL_CHARS_MAX])
    return f"'{text}" if _FORMULA.match(text) or _NUMBER.fullmatch(text) else text


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Return the rows as CSV text with CRLF line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()
