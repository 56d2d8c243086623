"""The entries of a message's Apps menu, and their forms as plain data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.catalogue.fields import OptionSpec
from bot.catalogue.phrases import listed
from bot.catalogue.picker import Picker
from bot.catalogue.registry import by_id
from bot.jobs.preferences import Preferences, own_defaults
from bot.media_spec import MediaKind
from bot.texts.card import Choice
from bot.texts.form_fields import NUMBER_CHARS_MAX, TEXT_CHARS_MAX, option_hint, option_label
from bot.texts.plain import cut

FORM_PARTS_MAX = 5
CHOICE_CHARS_MAX = 100
_KINDS: Mapping[MediaKind, str] = {"image": "picture", "video": "video", "audio": "sound"}
_ACTS: Mapping[MediaKind, str] = {
    "image": "a picture (JPEG, PNG, BMP or WEBP)",
    "video": "a video (MP4 or MOV)",
    "audio": "a sound or a voice message (OGG, MP3 or WAV)",
}


@dataclass(frozen=True, slots=True)
class Menu:
    """One way to use a message's files: the mode that it orders, and what its form asks. `name` is the form's title.

    `takes` lists the file options that each kind of attachment fills. `asks` lists the other options in the form's
    order, the least important last. `upload` is a file option that the form asks for. `filled_in` are defaults.
    `needs_all` says that the message must have a file of each kind, not of any.
    """

    name: str
    mode_id: str
    takes: Mapping[MediaKind, Sequence[str]]
    asks: Sequence[str]
    upload: str | None = None
    filled_in: Mapping[str, Any] = field(default_factory=dict[str, Any])
    needs_all: bool = False

    @property
    def takes_one(self) -> bool:
        """Whether it uses one file only, so that the form asks which if the message has several."""
        return self.files_max == 1

    @property
    def files_max(self) -> int:
        """How many files it can use."""
        return sum(map(len, self.takes.values()))

    def suits(self, kinds: Collection[str]) -> bool:
        """Return whether files of these kinds are enough to begin with."""
        found = [kind in kinds for kind in self.takes]
        return all(found) if self.needs_all else any(found)


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One entry of a message's menu. Of several ways the first is used that suits the message's files."""

    name: str
    ways: tuple[Menu, ...]

    def way_for(self, kinds: Collection[str], picker: Picker) -> Menu | None:
        """Return the way to use files of these kinds; None if no mode that has a price takes them."""
        return next((menu for menu in self.open_ways(picker) if menu.suits(kinds)), None)

    def open_ways(self, picker: Picker) -> list[Menu]:
        """Return the ways whose mode has a price."""
        return [menu for menu in self.ways if by_id(menu.mode_id) in picker.modes()]


ANIMATE = Menu(
    "Animate picture",
    "wan27-image",
    {"image": ("image",)},
    ("prompt", "duration", "resolution", "seed", "negative_prompt"),
)
CONTINUE = Menu(
    "Continue video",
    "wan27-image",
    {"video": ("video",)},
    ("prompt", "duration", "resolution", "seed", "negative_prompt"),
    # The duration includes the clip of up to 10 s, so a shorter one might leave no seconds to add.
    filled_in={"duration": 15},
)
EDIT = Menu(
    "Edit video",
    "wan27-edit",
    {"video": ("video",)},
    ("prompt", "duration", "resolution", "audio_setting", "seed"),
)
RESTYLE = Menu(
    "Restyle video",
    "wan22-video",
    {"video": ("video",)},
    ("prompt", "strength", "resolution", "num_frames", "seed"),
)
PICTURE_AND_SOUND = Menu(
    "Use picture and sound",
    "wan27-image",
    {"image": ("image",), "audio": ("audio",)},
    ("prompt", "duration", "resolution", "seed", "negative_prompt"),
    needs_all=True,
)
SOUNDTRACK = Menu(
    "Use as soundtrack",
    "wan27-image",
    {"audio": ("audio",)},
    ("prompt", "duration", "resolution", "seed"),
    upload="image",
)
REFERENCE = Menu(
    "Use as reference",
    "wan27-reference",
    {"image": ("image1", "image2", "image3", "image4", "image5"), "video": ("video1", "video2", "video3")},
    ("prompt", "duration", "resolution", "aspect_ratio", "seed"),
)
# discord.py takes five message menus of a bot, so the last has three ways: what the message has decides between them.
MENU_ENTRIES = (
    *(MenuEntry(menu.name, (menu,)) for menu in (ANIMATE, CONTINUE, EDIT, RESTYLE)),
    MenuEntry("Use in a video", (PICTURE_AND_SOUND, SOUNDTRACK, REFERENCE)),
)
REFERENCES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field of a form: an upload if `is_file`, one of its `choices`, several if it `takes_several`, else a text."""

    name: str
    label: str
    hint: str
    required: bool
    is_file: bool = False
    is_long: bool = False
    value: str = ""
    length_min: int | None = None
    length_max: int = TEXT_CHARS_MAX
    choices: tuple[Choice, ...] = ()
    takes_several: bool = False


WHICH = "which"


def own_menu(menu: Menu, chosen: Preferences, picker: Picker) -> Menu:
    """Return the menu as this member wants it: for pictures with their mode, and with their usual resolution."""
    mode = by_id(chosen.mode) if menu.name == ANIMATE.name and chosen.mode is not None else None
    if mode is not None and mode in picker.modes():
        specs = mode.specs()
        asked = ("num_frames" if name == "duration" and name not in specs else name for name in menu.asks)
        menu = replace(menu, mode_id=mode.id, asks=tuple(name for name in asked if name in specs))
    own = own_defaults(chosen, picker.rates(by_id(menu.mode_id)))
    return replace(menu, filled_in={**menu.filled_in, **own})


def form_parts(menu: Menu, file_names: Sequence[str], picker: Picker) -> tuple[Part, ...]:
    """Return the parts of the form, at most `FORM_PARTS_MAX`; `file_names` are the attachments that the mode takes."""
    mode = by_id(menu.mode_id)
    files = [options[0] for options in menu.takes.values()]
    specs = picker.specs_filled(mode, menu.filled_in, files)
    parts: list[Part] = []
    if menu.takes_one and len(file_names) > 1:
        parts.append(_which(menu, file_names))
    if menu.upload is not None:
        spec = specs[menu.upload]
        label = option_label(spec.name) if spec.media is None else _KINDS[spec.media.kind].capitalize()
        parts.append(Part(name=spec.name, label=label, hint=spec.description, required=True, is_file=True))
    parts += [option_part(specs[name], menu.filled_in.get(name)) for name in menu.asks]
    if menu.files_max > REFERENCES_MAX and len(file_names) > REFERENCES_MAX:
        too_many = f"Of these {len(file_names)} files, the first {REFERENCES_MAX} are used: Image 1, Video 1, …"
        parts = [replace(part, hint=too_many) if part.name == "prompt" else part for part in parts]
    return tuple(parts[:FORM_PARTS_MAX])


def _which(menu: Menu, file_names: Sequence[str]) -> Part:
    (kind,) = menu.takes
    choices = tuple(
        Choice(cut(f"{number}. {name}", CHOICE_CHARS_MAX), str(number - 1), chosen=number == 1)
        for number, name in enumerate(file_names, start=1)
    )
    return Part(
        name=WHICH,
        label=f"Which {_KINDS[kind]}",
        hint=f"This message has {len(file_names)} of them.",
        required=True,
        choices=choices,
    )


def option_part(spec: OptionSpec, filled_in: Any) -> Part:
    """Return the field of an option, filled in with a value, or with the option's default if that is None."""
    default = spec.default if filled_in is None else filled_in
    shown = "" if default is None else str(default)
    if spec.choices:
        choices = tuple(Choice(label, str(one), chosen=str(one) == shown) for label, one in spec.labelled())
        return Part(
            name=spec.name,
            label=option_label(spec.name),
            hint=option_hint(spec),
            required=spec.required,
            choices=choices,
        )
    text = spec.kind == "string"
    return Part(
        name=spec.name,
        label=option_label(spec.name),
        hint=option_hint(spec),
        required=spec.required,
        is_long=text,
        value=shown,
        length_min=spec.length_min if spec.required else None,
        length_max=min(spec.length_max or TEXT_CHARS_MAX, TEXT_CHARS_MAX) if text else NUMBER_CHARS_MAX,
    )


def own_video(entry: MenuEntry) -> str:
    """Return the refusal for a message of Wanda's own, whose files Discord doesn't list as attachments."""
    return (
        f"“{entry.name}” can't take the video of Wanda's own message. Press a button below it instead, such as "
        "Continue or More…, or save the file and attach it to a slash command."
    )


def no_file(entry: MenuEntry) -> str:
    """Return the refusal for a message without an attachment that a way of the entry takes."""
    kinds: dict[MediaKind, None] = {kind: None for menu in entry.ways for kind in menu.takes}
    wanted = listed(_ACTS[kind] for kind in kinds)
    return (
        f"“{entry.name}” needs a message with {wanted}, and this one has none. Choose another message, or attach "
        "the file to a slash command."
    )
