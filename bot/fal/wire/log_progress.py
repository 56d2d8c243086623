"""Reads the progress of a render from the lines that its runner prints."""

import re

LINE_MAX = 2000
_NOT_PROGRESS = re.compile(r"memory|vram|gpu|cpu|disk|loss|utili[sz]ation|confidence|accuracy|https?:", re.IGNORECASE)
_STEPS = re.compile(r"(?<![\w./:-])(\d{1,7})\s?(?:/|of)\s?(\d{1,7})(?![\w/:-]|\.\d)")
_PERCENT = re.compile(r"(?<![\w.-])(\d{1,3}(?:\.\d{1,6})?)\s?%")
_WHOLE_PERCENT = 100.0


def fraction_of(line: str) -> float | None:
    """Return the progress in a log line, from 0 to 1: "12/30", "step 12 of 30", "45%", or a tqdm bar; else None."""
    line = line[:LINE_MAX]
    if _NOT_PROGRESS.search(line):
        return None
    for found in _STEPS.finditer(line):
        done, total = int(found[1]), int(found[2])
        if total > 1 and done <= total:
            return done / total
    for found in _PERCENT.finditer(line):
        percent = float(found[1])
        if percent <= _WHOLE_PERCENT:
            return percent / _WHOLE_PERCENT
    return None


def latest_fraction(lines: tuple[str, ...]) -> float | None:
    """Return the progress in the newest line that has any; None if none has."""
    return next((found for line in reversed(lines) if (found := fraction_of(line)) is not None), None)
