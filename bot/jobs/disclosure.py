"""What a member may learn of a job: of another member's, only what its card shows."""

from dataclasses import replace
from typing import Any

from bot.jobs.model import Job, Result

NOT_ON_CARDS = frozenset({"negative_prompt"})
PROMPT_CHARS_SHOWN = 280  # of a prompt, and of fal's wording of it, on a card that everybody sees


def hidden_options(job: Job, member_id: int) -> frozenset[str]:
    """Return the options that the member may not see whole: another member wrote them, and no card shows them whole."""
    if job.member_id == member_id:
        return frozenset(job.borrowed_options)
    return NOT_ON_CARDS | {"prompt"} if is_cut_on_cards(job.options.get("prompt")) else NOT_ON_CARDS


def is_cut_on_cards(text: object) -> bool:
    """Return whether cards show only the beginning of this prompt."""
    return isinstance(text, str) and len(text) > PROMPT_CHARS_SHOWN


def as_seen_by(job: Job, member_id: int) -> Job:
    """Return the job as this member may see it.

    Hidden options are missing, but of a hidden prompt, and of fal's wording of somebody else's, the beginning is left.
    Files that the member did not attach have empty names.
    """
    hidden, is_theirs = hidden_options(job, member_id), job.member_id == member_id
    options: dict[str, Any] = {name: value for name, value in job.options.items() if name not in hidden}
    if "prompt" in hidden and "prompt" in job.options:
        options["prompt"] = _beginning(job.options["prompt"])
    result = job.result if is_theirs and "prompt" not in hidden else _with_beginning(job.result)
    inputs = tuple(item if is_theirs and not item.is_borrowed else replace(item, file_name="") for item in job.inputs)
    return replace(job, options=options, inputs=inputs, result=result)


def _with_beginning(result: Result | None) -> Result | None:
    if result is None or not is_cut_on_cards(result.actual_prompt):
        return result
    return replace(result, actual_prompt=_beginning(result.actual_prompt))


def _beginning(text: object) -> object:
    return f"{text[: PROMPT_CHARS_SHOWN - 1]}…" if isinstance(text, str) and is_cut_on_cards(text) else text
