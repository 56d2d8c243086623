"""CSV text in which no spreadsheet sees a formula.

https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CELL_CHARS_MAX = 2000


def cell(value: object) -> str:
    """Return one cell: None is empty, and text that looks like a formula gets an apostrophe in front.

    Leading spaces are ignored in that check. NUL characters are removed, and text is cut to 2,000 characters.
    """
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = str(value).replace("\0", "")[:_CELL_CHARS_MAX]
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Return the rows as CSV text with CRLF line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()
