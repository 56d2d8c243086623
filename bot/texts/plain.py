"""Small pieces of text: time spans, sizes, progress bars, and escaping of text that members or fal wrote.

Whatever a member or fal wrote passes through `plain` or `block_quote` before it is shown: Discord's markdown, mentions,
links, and characters that reorder or overlap other text lose their effect, and the length is limited.
"""

import math
import re
import unicodedata
from collections.abc import Iterable

from bot.jobs.disclosure import PROMPT_CHARS_SHOWN
from bot.units import MIB

QUOTE_CHARS_MAX = PROMPT_CHARS_SHOWN
_MARKS_MAX = 3  # combining marks per letter: Vietnamese and Thai need up to three, zalgo text has dozens
_JOINERS = frozenset({"\u200c", "\u200d", "\ufe0e", "\ufe0f"})  # Persian spelling and composed emoji need them
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and a symbol that are drawn as nothing
_MARKDOWN = re.compile(r"([\\*_~`|>#\[\]()<@:\-+&/])")
_BAR_FULL, _BAR_EMPTY = "\u25b0", "\u25b1"


def cut(text: str, chars_max: int) -> str:
    """Return `text`, or its beginning and "…" if it is longer; a composed character is never split."""
    if len(text) <= chars_max:
        return text
    end = max(chars_max - 1, 0)
    while end and _belong_together(text, end):
        end -= 1
    return text[:end].rstrip() + "…"


def _belong_together(text: str, end: int) -> bool:
    """Return whether the characters before and at `end` are parts of one: letter and mark, composed emoji, flag.

    These are the rules of https://unicode.org/reports/tr29/#Grapheme_Cluster_Boundary_Rules that names need.
    """
    char = text[end]
    if unicodedata.category(char).startswith("M") or char in _JOINERS or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if text[end - 1] == "\u200d":
        return True
    if not _is_flag_letter(char):
        return False
    before = 0
    while before < end and _is_flag_letter(text[end - 1 - before]):
        before += 1
    return before % 2 == 1


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def visible(text: str) -> str:
    """Return one line without control, direction and invisible characters, and with few combining marks per letter."""
    if text.isascii() and text.isprintable():  # nearly every text: nothing of it is one of these
        return " ".join(text.split())
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category in {"Cc", "Zs", "Zl", "Zp"}:
            kept.append(" ")
            marks = 0
        elif category in {"Mn", "Me"} and char not in _JOINERS:
            marks += 1
            if marks <= _MARKS_MAX:
                kept.append(char)
        elif category not in {"Cf", "Cs", "Co", "Cn"} or char in _JOINERS:
            kept.append(char)
            marks = 0
    return " ".join("".join(kept).split())


def is_blank(text: str) -> bool:
    """Return whether the text has nothing to see: only spaces, marks, joiners and letters without ink."""
    unseen = _JOINERS | _FILLERS
    return all(char.isspace() or char in unseen or unicodedata.category(char).startswith("M") for char in text)


def plain(text: str, chars_max: int = QUOTE_CHARS_MAX) -> str:
    """Return `text` on one line, shortened to `chars_max`, with all of Discord's special characters escaped.

    Escaping makes it at most twice as long. Nothing in it mentions, links, formats or opens a code block.
    """
    # Cut first, so that a text of many thousands of characters costs no time.
    return _MARKDOWN.sub(r"\\\1", cut(visible(text[: 4 * chars_max]), chars_max))


def block_quote(text: str, chars_max: int = QUOTE_CHARS_MAX) -> str:
    """Return `text` as one line of a Discord block quote, escaped and shortened like `plain`."""
    return f"> {plain(text, chars_max)}"


def dotted(parts: Iterable[str]) -> str:
    """Return the parts that say something on one line: "1080p · 5 s · $0.75"."""
    return " · ".join(part for part in parts if part)


def person(member_id: int) -> str:
    """Return a mention, or "a former member" for a negative id: the pseudonym of someone whose data was deleted."""
    return f"<@{member_id}>" if member_id > 0 else "a former member"


def before_amount(mention: str) -> str:
    """Return a mention that an amount may follow: a mark keeps it behind a name in Arabic or Hebrew letters.

    https://www.w3.org/International/questions/qa-bidi-unicode-controls
    """
    return f"{mention}\u200e"


def span(seconds: float) -> str:
    """Return a time span in whole seconds, or in whole minutes from an hour on: 40 s, 1 min 20 s, 1 h 5 min."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def coarse(seconds: float) -> float:
    """Round `seconds` down to a multiple of 5 below two minutes, of 10 below ten minutes, and of 60 above."""
    if seconds < 120:  # noqa: PLR2004 - the docstring names the steps
        step = 5
    elif seconds < 600:  # noqa: PLR2004 - as above
        step = 10
    else:
        step = 60
    return step * math.floor(max(0.0, seconds) / step)


def mebibytes(size_bytes: int) -> str:
    """Return a size as Discord counts and names it, 1 MB being 1,048,576 bytes: 23.9 MB.

    It is rounded up, so that a file above a limit never shows the limit itself.
    """
    tenths = math.ceil(max(0, size_bytes) * 10 / MIB)
    return f"{tenths // 10} MB" if tenths % 10 == 0 else f"{tenths / 10:.1f} MB"


def bar(fraction: float, cells: int = 20) -> str:
    """Return a progress bar of `cells` blocks; it is full only if `fraction` is 1."""
    filled = min(cells if fraction >= 1 else cells - 1, max(0, round(fraction * cells)))
    return _BAR_FULL * filled + _BAR_EMPTY * (cells - filled)
