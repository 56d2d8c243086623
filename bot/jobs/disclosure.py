"""What a member may learn of a job: of another member's, only what its card shows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.jobs.model import Job

NOT_ON_CARDS = frozenset({"negative_prompt"})


def hidden_options(job: Job, member_id: int) -> frozenset[str]:
    """Return the options of the job that the member may not see: another member wrote them, and no card shows them."""
    return frozenset(job.borrowed_options) if job.member_id == member_id else NOT_ON_CARDS


def as_seen_by(job: Job, member_id: int) -> Job:
    """Return the job without the hidden options, and with empty names for the files that the member did not attach."""
    hidden, is_theirs = hidden_options(job, member_id), job.member_id == member_id
    options: Mapping[str, Any] = {name: value for name, value in job.options.items() if name not in hidden}
    inputs = tuple(item if is_theirs and not item.is_borrowed else replace(item, file_name="") for item in job.inputs)
    return replace(job, options=options, inputs=inputs)
