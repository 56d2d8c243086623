"""A private panel as plain data. `bot.cards.panels` turns it into a message of Discord's layout components.

https://discord.com/developers/docs/components/reference
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.texts.card import Button, Choice

COMPONENTS_MAX = 40  # of one message, at any depth
TEXT_CHARS_MAX = 4000  # of one message's texts together
CHOICES_MAX = 25  # of one select
CHOICE_CHARS_MAX = 100
PLACEHOLDER_CHARS_MAX = 150

SelectKind: TypeAlias = Literal["words", "roles", "members", "channels"]


@dataclass(frozen=True, slots=True)
class Link:
    """A button that opens an address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Text:
    """Lines in Discord's Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Lines with one button at their right."""

    text: str
    button: Button | Link


@dataclass(frozen=True, slots=True)
class Buttons:
    """A row of at most five buttons."""

    buttons: Sequence[Button | Link]


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A list to choose from: of `choices`, or of the server's roles, members or channels.

    `chosen` are the ids that are chosen already, of roles, members or channels.
    """

    custom_id: str
    placeholder: str
    kind: SelectKind = "words"
    choices: Sequence[Choice] = ()
    chosen: Sequence[int] = ()
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class Divider:
    """A thin line."""


Block: TypeAlias = Text | Entry | Buttons | List | Divider


@dataclass(frozen=True, slots=True)
class Panel:
    """The blocks from top to bottom, beside a bar of this colour. Whoever builds it keeps Discord's limits."""

    blocks: Sequence[Block]
    colour: int


def component_count(panel: Panel) -> int:
    """Return how many components Discord counts, with the container around them."""
    return 1 + sum(_size(block) for block in panel.blocks)


def _size(block: Block) -> int:
    match block:
        case Entry():
            return 3
        case Buttons():
            return 1 + len(block.buttons)
        case List():
            return 2
        case Text() | Divider():
            return 1


def text_chars(panel: Panel) -> int:
    """Return how many characters the panel's texts have together."""
    return sum(len(block.text) for block in panel.blocks if isinstance(block, Text | Entry))


def controls(panel: Panel) -> Iterable[Button | Link | List]:
    """Yield what can be pressed or chosen, from top to bottom."""
    for block in panel.blocks:
        match block:
            case Entry():
                yield block.button
            case Buttons():
                yield from block.buttons
            case List():
                yield block
            case Text() | Divider():
                pass
