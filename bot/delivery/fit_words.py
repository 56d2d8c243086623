"""PURE. What was made to fit: the member's files on their way in, and the video on its way out."""

from collections.abc import Sequence

from bot.delivery.card import Field
from bot.delivery.text import cut, plain
from bot.jobs.model import Input

_CHARS_MAX = 600


def fitted_inputs(inputs: Sequence[Input]) -> tuple[Field, ...]:
    """Return a field that says what was changed of which file, or none when every file fitted as it was."""
    changed = [item for item in inputs if item.changes]
    if not changed:
        return ()
    lines = [f"{_named(item, inputs)}{plain(', '.join(item.changes), 200)}" for item in changed]
    return (Field("Made to fit", cut("\n".join(lines), _CHARS_MAX), inline=False),)


def _named(item: Input, inputs: Sequence[Input]) -> str:
    """Name the option where there is more than one file."""
    return f"{plain(item.option.replace('_', ' '), 40)}: " if len(inputs) > 1 else ""
