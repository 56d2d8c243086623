"""Small pieces of text for people: spans of time, sizes, bars, and other people's words made harmless.

Whatever a member or fal wrote passes through `plain` or `block_quote` before it is shown: Discord's markdown, mentions,
links and the characters that reorder or pile up over other text lose their effect, and the length is bounded.
"""

import math
import re
import unicodedata

from bot.units import MIB

QUOTE_CHARS_MAX = 280
_MARKS_MAX = 3  # combining marks on one letter: Vietnamese and Thai need up to three, zalgo has dozens
_JOINERS = frozenset({"\u200c", "\u200d", "\ufe0e", "\ufe0f"})  # Persian spelling and composed emoji need them
_MARKDOWN = re.compile(r"([\\*_~`|>#\[\]()<@:\-+&/])")
_BAR_FULL, _BAR_EMPTY = "\u25b0", "\u25b1"


def cut(text: str, chars_max: int) -> str:
    """Return `text`, or its beginning and "…" when it is longer; never ends in half of a composed character."""
    if len(text) <= chars_max:
        return text
    end = max(chars_max - 1, 0)
    while end and (unicodedata.combining(text[end]) or text[end] in _JOINERS or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + "…"


def visible(text: str) -> str:
    """Return one line without control, direction-changing and invisible characters, and with few marks a letter."""
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


def plain(text: str, chars_max: int = QUOTE_CHARS_MAX) -> str:
    """Return `text` on one line, shortened, with every character that means something to Discord escaped.

    The result is at most twice `chars_max` long: nothing in it mentions, links, formats or opens a code block.
    """
    # A text of thousands of characters is cut first, so that hostile input costs no time.
    return _MARKDOWN.sub(r"\\\1", cut(visible(text[: 4 * chars_max]), chars_max))


def block_quote(text: str, chars_max: int = QUOTE_CHARS_MAX) -> str:
    """Return `text` as one line of Discord's block quote, harmless and shortened."""
    return f"> {plain(text, chars_max)}"


def person(member_id: int) -> str:
    """Return a mention, or words for someone whose data was deleted, whom the books know by a negative number only."""
    return f"<@{member_id}>" if member_id > 0 else "a former member"


def span(seconds: float) -> str:
    """Return a span of time as people say it: 0 s, 40 s, 2 min, 1 min 20 s, 1 h 5 min."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def coarse(seconds: float) -> float:
    """Return `seconds` in steps of 5 under two minutes, of 10 under ten, of a minute above: no false precision."""
    if seconds < 120:  # noqa: PLR2004 - the docstring names the steps
        step = 5
    elif seconds < 600:  # noqa: PLR2004 - as above
        step = 10
    else:
        step = 60
    return step * math.floor(max(0.0, seconds) / step)


def mebibytes(size_bytes: int) -> str:
    """Return a size in MiB, rounded up so that a file above a limit never reads as equal to it: 23.9 MiB, 10 MiB."""
    tenths = math.ceil(max(0, size_bytes) * 10 / MIB)
    return f"{tenths // 10} MiB" if tenths % 10 == 0 else f"{tenths / 10:.1f} MiB"


def bar(fraction: float, cells: int = 20) -> str:
    """Return a bar of `cells` blocks; it is full only when `fraction` is 1."""
    filled = min(cells if fraction >= 1 else cells - 1, max(0, round(fraction * cells)))
    return _BAR_FULL * filled + _BAR_EMPTY * (cells - filled)
