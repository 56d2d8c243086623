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
    """One button; a press is answered by whoever knows `custom_id`."""

    label: str
    style: Style
    custom_id: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A small heading with its text."""

    name: str
    value: str
    inline: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message: `content` above, one panel, one row of buttons. Within Discord's limits by construction."""

    title: str
    description: str
    fields: tuple[Field, ...]
    colour: int
    footer: str | None = None
    buttons: tuple[Button, ...] = ()
    content: str | None = None


def join_within(parts: Sequence[str], chars_max: int, *, between: str = "\n") -> str:
    """Return the first parts that fit, and how many more there are; a part that is too long alone is cut."""
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
    """Return the beginning, not ending in a backslash that would escape what follows."""
    return part[: chars_max - 1].rstrip("\\") + "…"
