"""A card as plain data, and how long its texts may be. `bot.cards.embeds` turns a card into a Discord message.

https://discord.com/developers/docs/resources/message#embed-object-embed-limits
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


@dataclass(frozen=True, slots=True)
class Button:
    """A button. Discord sends `custom_id` back with each press."""

    label: str
    style: Style
    custom_id: str
    disabled: bool = False


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
