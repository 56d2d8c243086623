"""A job's settings in words, bounded for one line of a card."""

from bot.texts.card import Pairs
from bot.texts.plain import dotted, plain

SETTINGS_CHARS_MAX = 600
_SPEAK_FOR_THEMSELVES = frozenset({"Resolution", "Duration", "Aspect ratio"})


def settings_line(settings: Pairs) -> str:
    """Return "1080p · 5 s · seed 42"; from the first setting that is too much on, "…"."""
    size, options = setting_words(settings)
    return dotted((*size, *options))


def setting_words(settings: Pairs) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the settings in words: those that need no name ("1080p", "5 s"), and the others ("seed 42").

    From the first that is too much for a field on there is only "…".
    """
    size: list[str] = []
    options: list[str] = []
    room = SETTINGS_CHARS_MAX
    for name, value in settings:
        is_size = name in _SPEAK_FOR_THEMSELVES
        said = plain(value, 60) if is_size else f"{plain(name.lower(), 40)} {plain(value, 60)}".strip()
        room -= len(said) + 3  # with the dot before it
        if room < 0:
            options.append("…")
            break
        if said:
            (size if is_size else options).append(said)
    return tuple(size), tuple(options)
