"""One line of what `python -m bot check` reports."""

import textwrap
from dataclasses import dataclass

_TEXT_AT = 21  # the column at which texts begin
_WIDTH_MIN = 2 * _TEXT_AT


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `text` says what was found, or what to do."""

    subject: str
    fine: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.fine else 'FIX '} {self.subject:<15} {self.text}"

    def wrapped(self, width: int) -> str:
        """Return it for a terminal of that many columns: its text goes on below itself, and paths stay whole."""
        return textwrap.fill(
            str(self),
            max(width, _WIDTH_MIN),
            subsequent_indent=" " * _TEXT_AT,
            break_long_words=False,
            break_on_hyphens=False,
        )
