"""Cards as plain data, and how long their texts may be.

`JobCard` is a job's message in either style: `bot.cards.layouts` makes Discord's components of it, and
`bot.texts.classic_card` the `Card` of an embed. Private panels and lists are a `Card`, which `bot.cards.embeds` sends.

https://discord.com/developers/docs/resources/message#embed-object-embed-limits
https://discord.com/developers/docs/components/reference
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Style: TypeAlias = Literal["secondary", "success", "danger"]
Pairs: TypeAlias = Sequence[tuple[str, str]]

MESSAGE_CHARS_MAX = 2000
DESCRIPTION_CHARS_MAX = 3000  # of Discord's 4,096, because a whole panel has 6,000
FIELD_CHARS_MAX = 900  # of Discord's 1,024, likewise
_NOTE_CHARS = 30
# The colours of the line beside a card.
GREY, BLUE, VIOLET, GREEN, AMBER, RED = 0x80848E, 0x5865F2, 0x9B59F6, 0x23A55A, 0xF0B232, 0xDA373C
FILE = "attachment://"  # https://discord.com/developers/docs/reference#uploading-files


@dataclass(frozen=True, slots=True)
class Button:
    """A button, with an emoji before its label. Discord sends `custom_id` back with each press."""

    label: str
    style: Style
    custom_id: str
    disabled: bool = False
    emoji: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values to choose from; Discord allows 100 characters of label, value and description each."""

    label: str
    value: str
    chosen: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Select:
    """A list to choose one value from, 1 to 25 choices. Discord sends `custom_id` and the value with each choice."""

    custom_id: str
    choices: tuple[Choice, ...]
    placeholder: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A heading and its text, side by side with the next field if both are `inline`."""

    name: str
    value: str
    inline: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message: `content` above, one embed, a row for each select, one row of buttons.

    Whoever builds it keeps Discord's limits: of lengths, and 5 rows.
    """

    title: str
    description: str
    fields: tuple[Field, ...]
    colour: int
    footer: str | None = None
    selects: tuple[Select, ...] = ()
    buttons: tuple[Button, ...] = ()
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or video that a card shows.

    `source` is a link, or the name of a file of the message after `FILE`. `alt` is what it shows, in plain words, for
    those who do not see it. `what` tells a video from a picture that is shown only while it is made, and that lies at
    `path` in the data folder if there is one.
    """

    source: str
    alt: str
    what: Literal["video", "link", "preview"]
    is_spoiler: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCard:
    """A job's message, with every text escaped and cut already.

    `heading` is what was asked for, else the mode. `body` says how far the job is or how it ended. `size` and `options`
    are the settings in words: "1080p", "5 s" and "seed 42". `price` is what it costs, and `quoted` what it was to cost
    if that is another amount. `maker` mentions its member. `remarks` are small lines, and `details` are those with a
    name. `parts` are further videos, shown below the text. `facts` are the numbers of the finished file. `link` is the
    sentence with fal's link, and `files` are names of files beside the video. `above` stands before all else, as where
    a new message takes the place of a card.
    """

    job_id: str
    mode_title: str
    heading: str
    has_prompt: bool
    colour: int
    body: str = ""
    size: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    price: str = ""
    quoted: str = ""
    formula: str = ""
    seed: int | None = None
    maker: str = ""
    lineage: str = ""
    remarks: tuple[str, ...] = ()
    details: tuple[Field, ...] = ()
    facts: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    parts: tuple[Media, ...] = ()
    link: str = ""
    files: tuple[str, ...] = ()
    above: str = ""
    is_ended: bool = False
    selects: tuple[Select, ...] = ()
    buttons: tuple[Button, ...] = ()


def join_within(parts: Sequence[str], chars_max: int, *, between: str = "\n") -> str:
    """Join as many parts as fit into `chars_max`, and end with "… and 3 more" if some do not.

    The first part is cut if it is too long by itself.
    """
    text = between.join(parts)
    if len(text) <= chars_max:
        return text
    kept: list[str] = []
    room = chars_max - _NOTE_CHARS - len(between)
    for part in parts:
        room -= len(part) + len(between)
        if room < 0:
            break
        kept.append(part)
    kept = kept or [_cut(parts[0], chars_max - _NOTE_CHARS - len(between))]
    left_out = len(parts) - len(kept)
    return between.join([*kept, f"… and {left_out:,} more"] if left_out else kept)


def _cut(part: str, chars_max: int) -> str:
    """Cut a part and append "…". A backslash at the cut is dropped: it would escape what follows."""
    return part[: chars_max - 1].rstrip("\\") + "…"
