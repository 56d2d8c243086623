"""The catalogue's words for a job: its mode's title and its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bot.errors import Refusal
from bot.jobs.model import Job
from bot.jobs.order import mode_of
from bot.texts.card import Pairs


@dataclass(frozen=True, slots=True)
class ModeSettings:
    """What a card says of the request besides its prompt."""

    mode_title: str
    settings: Pairs


Describe: TypeAlias = Callable[[Job], ModeSettings]


def mode_settings_of(job: Job) -> ModeSettings:
    """Return the words of the job's mode; of a mode that is gone or has changed since, what the row itself says."""
    try:
        mode = mode_of(job)
    except Refusal:
        pairs = [(name.replace("_", " ").capitalize(), str(value)) for name, value in job.options.items()]
        return ModeSettings(job.mode, [pair for pair in pairs if pair[0] not in {"Prompt", "Negative prompt"}])
    return ModeSettings(mode.title, mode.describe())
