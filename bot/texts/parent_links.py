"""The links between cards: from a rerun to its parent, and from the parent to its reruns."""

from collections.abc import Sequence

from bot.catalogue.registry import MODE_TITLES
from bot.jobs.model import Job, card_url, message_url, reported_seed
from bot.texts.card import Field
from bot.texts.plain import person, plain

CHILDREN_FIELD = "Made from this"
NOTES_MAX = 5
_NOTE_CHARS_MAX = 200


def parent_lines(job: Job) -> str:
    """Return the lines with the link to the parent and the job's notes; "" if there are none."""
    # After a reaction the card is not the answer to a command, so nothing else on it names the member.
    reacted = job.trigger is not None and job.trigger.startswith("react:")
    again = f"For {person(job.member_id)}, again" if reacted else "Again"
    lines = [] if job.parent_at is None else [f"-# {again} from [this video]({message_url(job.parent_at)})"]
    lines += [f"-# {plain(note, _NOTE_CHARS_MAX)}" for note in job.notes[:NOTES_MAX]]
    return "\n".join(lines)


def children_field(jobs: Sequence[Job]) -> Field:
    """Return the field with a link to the card of each of these reruns."""
    links = (f"[{_label(job)}]({card_url(job)})" for job in jobs)
    return Field(CHILDREN_FIELD, " · ".join(links), inline=False)


def _label(job: Job) -> str:
    title = MODE_TITLES.get(job.mode, job.mode)
    seed = reported_seed(job)
    return plain(title if seed is None else f"{title}, seed {seed}", 60)
