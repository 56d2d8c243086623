"""What members read about presets."""

from collections.abc import Sequence

from bot.catalogue.phrases import length_words
from bot.catalogue.registry import MODE_TITLES
from bot.jobs.presets import SLOT, TEXTS, Preset
from bot.texts.card import DESCRIPTION_CHARS_MAX, Card, join_within
from bot.texts.plain import cut, plain, visible

GREY = 0x80848E
CHOICE_CHARS_MAX = 100
LISTED_MAX = 30
_MARKS = {"own": "yours", "server": "for the whole server", "shared": "shared"}
PROMPT_HINT = f"Write {SLOT} where the prompt of each video goes. Leave it empty for none."
SETTINGS_HINT = "One a line, or with commas: resolution=720p, duration=5"
NOT_ADMIN = "Only people who manage this server can change its presets. Leave “for” out to make your own."
NOT_READ = "Wanda couldn't read your presets just now. You weren't charged; try again in a moment."


def preset_label(preset: Preset, reader_id: int) -> str:
    """Return a preset as a choice: its name, whose it is, and what it sets."""
    return cut(_dotted(visible(preset.name), _MARKS[preset.whose(reader_id)], _settings(preset)), CHOICE_CHARS_MAX)


def no_preset(text: str) -> str:
    """Return the refusal of a name that no preset has."""
    return f"There's no preset “{plain(text, 60)}” here for you. Pick one from the list, or see `/preset list`."


def saved(preset: Preset, *, for_server: bool) -> str:
    """Return that the preset was kept, and how it is used."""
    mode = MODE_TITLES.get(preset.mode, preset.mode)
    whose = " for the whole server" if for_server else ""
    family, _, name = preset.mode.partition("-")
    return (
        f"Saved **{plain(preset.name)}**{whose}: {plain(mode)}, {_settings(preset) or 'its usual settings'}. "
        f"Choose it as `preset` in `/{family} {name}`; what you type yourself wins."
    )


def deleted(name: str) -> str:
    """Return that the preset is gone."""
    return f"Deleted **{plain(name)}**. Videos that were made with it stay."


def not_yours(name: str) -> str:
    """Return the refusal to change a preset that somebody else shares."""
    return f"**{plain(name)}** is somebody else's, so it's theirs to change. You can use it all the same."


def shared(name: str, *, is_shared: bool) -> str:
    """Return who sees the preset now."""
    if is_shared:
        return f"Everybody in this server can use **{plain(name)}** now, and see its prompt."
    return f"Only you can use **{plain(name)}** now."


def presets_card(presets: Sequence[Preset], reader_id: int, *, is_cut: bool) -> Card:
    """Return the list of the presets that this member may use."""
    lines = [_line(preset, reader_id) for preset in presets]
    empty = "No presets yet. `/preset save` keeps the settings of a video, or those that you type."
    more = "\n-# There are more. Type a part of a name in `preset` to find them." if is_cut else ""
    return Card(
        title="Presets",
        description=f"{join_within(lines, DESCRIPTION_CHARS_MAX - 100)}{more}" if lines else empty,
        fields=(),
        colour=GREY,
    )


def _line(preset: Preset, reader_id: int) -> str:
    mode = MODE_TITLES.get(preset.mode, preset.mode)
    whose = preset.whose(reader_id)
    mark = "yours, shared" if whose == "own" and preset.is_shared else _MARKS[whose]
    words = plain(str(preset.options.get("prompt", "")), 80)
    said = f"\n-# {words}" if words else ""
    return f"**{plain(preset.name)}** · {_dotted(plain(mode), plain(_settings(preset)), mark)}{said}"


def _dotted(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _settings(preset: Preset) -> str:
    """Return the settings in words: "720p, 5 s, audio on"."""
    own = {name: value for name, value in preset.options.items() if name not in TEXTS}
    size = [str(own.pop("resolution"))] if "resolution" in own else []
    length = [length_words("duration", own.pop("duration"))] if "duration" in own else []
    others = [f"{name.replace('_', ' ')} {_shown(value)}" for name, value in own.items()]
    return cut(visible(", ".join([*size, *length, *others])), 120)


def _shown(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
