"""A card as plain data: what `bot.cards.embeds` turns into one message of Discord's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Style: TypeAlias = Literal["secondary", "success", "danger"]
Pairs: TypeAlias = Sequence[tuple[str, str]]


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
