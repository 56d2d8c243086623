"""A job's mode and settings, as its card shows them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bot.errors import Refusal
from bot.jobs.model import Job, mode_of
from bot.texts.card import Pairs


@dataclass(frozen=True, slots=True)
class ModeSettings:
    """The title of a job's mode, and its options (name, value) without the prompts."""

    mode_title: str
    settings: Pairs


Describe: TypeAlias = Callable[[Job], ModeSettings]


def mode_settings_of(job: Job) -> ModeSettings:
    """Return the job's mode and settings; if the catalogue no longer has them, the stored mode id and options."""
    try:
        mode = mode_of(job)
    except Refusal:
        pairs = [(name.replace("_", " ").capitalize(), str(value)) for name, value in job.options.items()]
        return ModeSettings(job.mode, [pair for pair in pairs if pair[0] not in {"Prompt", "Negative prompt"}])
    return ModeSettings(mode.title, mode.describe())
