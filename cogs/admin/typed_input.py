"""Parses and completes the options that Discord has no type for: spans of time, and lists."""

import re
from collections.abc import Iterable, Sequence

from bot.catalogue.registry import MODES
from bot.errors import OptionRefused

ALL = "all"
CHOICES_MAX = 25  # Discord's limit
CHOICE_CHARS_MAX = 100
SPAN_MIN_S = 60
SPAN_MAX_S = 366 * 86_400
USUAL_SPANS = ("1h", "6h", "12h", "1d", "3d", "7d", "14d", "30d", "90d")
_UNITS_S = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"(\d{1,6})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?)")
_SEPARATORS = re.compile(r"[,;\s]+")


def seconds(text: str) -> int:
    """Return a span such as "90m", "12h", "3 days" or "2w" in seconds, from a minute to 366 days.

    Raises:
        OptionRefused: the text is no such span.
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise OptionRefused(
            f"Wanda can't read “{_shown(text)}” as a time. Write it like 12h, 3d or 2w; nothing was changed."
        )
    span_s = int(found[1]) * _UNITS_S[found[2][0]]
    if not SPAN_MIN_S <= span_s <= SPAN_MAX_S:
        raise OptionRefused(
            f"“{_shown(text)}” isn't between 1 minute and 366 days. Choose another time; nothing was changed."
        )
    return span_s


def typed_resolutions() -> tuple[str, ...]:
    """Return the resolutions of all modes, smallest first."""
    return tuple(sorted({name for mode in MODES for name in mode.rates.microusd}, key=_lines))


def mode_ids() -> tuple[str, ...]:
    """Return every mode's id, in the catalogue's order."""
    return tuple(mode.id for mode in MODES)


def chosen(text: str, known: Sequence[str], *, what: str) -> tuple[str, ...] | None:
    """Return the items of a typed list, in the order of `known`; None for "all".

    Raises:
        OptionRefused: the list is empty or has an unknown item; the sentence gives the known ones.
    """
    words = _words(text)
    if words == [ALL]:
        return None
    wrong = [word for word in words if word not in known]
    if wrong or not words:
        named = f"“{_shown(wrong[0])}” is no {what}" if wrong else f"No {what} is named"
        raise OptionRefused(
            f"{named}. There are {', '.join(known)}; write one or more of them, or “all” for no limit. "
            "Nothing was changed."
        )
    return tuple(item for item in known if item in words)


def completions(text: str, known: Sequence[str]) -> list[str]:
    """Return the typed list extended by each known item that it lacks, and "all"."""
    words = _words(text)
    complete = [word for word in words if word in known]
    begun = words[-1] if words and words[-1] not in known else ""
    prefix = ", ".join(complete)
    offered = [prefix] if prefix and not begun else []
    offered += [
        f"{prefix}, {item}" if prefix else item
        for item in (*known, *(() if prefix else (ALL,)))
        if item not in complete and begun in item
    ]
    return _fitting(offered)


def matching(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that contain the text, first those that start with it; case and underscores are ignored."""
    wanted = _folded(text)
    found = sorted(name for name in names if wanted in _folded(name))
    parts = {name: _folded(name.rpartition("/")[2]) for name in found}
    return _fitting(sorted(found, key=lambda name: not (_folded(name).startswith(wanted) or parts[name] == wanted)))


def spans(text: str) -> list[str]:
    """Return the usual spans that start with the text, else the text itself if it is a span."""
    usual = [span for span in USUAL_SPANS if span.startswith(text.strip().lower())]
    return usual or ([text.strip()] if _SPAN.fullmatch(text.strip().lower()) else [])


def _fitting(offered: Iterable[str]) -> list[str]:
    return [one for one in offered if len(one) <= CHOICE_CHARS_MAX][:CHOICES_MAX]


def _words(text: str) -> list[str]:
    return [word for word in _SEPARATORS.split(text.strip().lower()) if word]


def _folded(text: str) -> str:
    return text.strip().lower().replace("_", " ")


def _lines(resolution: str) -> int:
    return int(re.sub(r"\D", "", resolution) or 0)


def _shown(text: str) -> str:
    kept = re.sub(r"[^\w .,:;$€+-]", "", text).replace("_", "")
    return kept[:40] or "…"
