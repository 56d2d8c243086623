"""One line of what `python -m bot check` reports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `text` says what was found, or what to do."""

    subject: str
    fine: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.fine else 'FIX '} {self.subject:<15} {self.text}"
