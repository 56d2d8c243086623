"""What cards say of each other: what a video was made from, and what was made from it."""

from collections.abc import Mapping, Sequence

from bot.catalogue.registry import MODE_TITLES
from bot.jobs.model import Job, card_url, message_url, reported_seed
from bot.texts.card import Field
from bot.texts.plain import person, plain

CHILDREN_FIELD = "Made from this"
NOTES_MAX = 5
_NOTE_CHARS_MAX = 200
# By what its member did: the first words of a job's trigger. "{video}" becomes the link to the parent.
_WORDS: Mapping[str, str] = {
    "button:reseed": "Rerun of {video} with a new seed",
    "button:edit": "Edited from {video}",
    "button:continue": "Continues {video}",
    "button:restyle": "Restyles {video}",
    "button:change": "Changes {video}",
    "button:variations": "Variations of {video}",
    "button:loop": "Loop made from {video}",
    "button:draft": "Draft of {video}",
    "button:final": "Final of {video}",
    "button:pick": "Final of {video}, which was picked",
    "button:retry": "Another try of {video}",
}
_RERUN = "Rerun of {video}"


def parent_line(job: Job) -> str:
    """Return what the job was made from, with a link to the parent's card; "" if it has none."""
    if job.parent_at is None:
        return ""
    return _words(job).replace("{video}", f"[this video]({message_url(job.parent_at)})")


def names_maker(job: Job) -> bool:
    """Return whether the line says whose the video is."""
    return job.parent_at is not None and _reacted(job) is not None


def _words(job: Job) -> str:
    emoji = _reacted(job)
    if emoji is not None:
        # Not the answer to a command, so Discord itself does not name the member.
        return f"Rerun of {{video}} by {person(job.member_id)} with {plain(emoji, 20)}"
    kind, _, rest = (job.trigger or "").removeprefix("button:").partition(":")
    if kind == "variations" and rest.isdigit():
        return f"Variation {int(rest[:3])} of {{video}}"
    return _WORDS.get(f"button:{kind}", _RERUN)


def _reacted(job: Job) -> str | None:
    """Return the emoji of the reaction that the job was asked for with."""
    trigger = job.trigger or ""
    return trigger.removeprefix("react:") if trigger.startswith("react:") else None


def notes(job: Job) -> tuple[str, ...]:
    """Return what the job's member has to know of how it was made."""
    return tuple(plain(note, _NOTE_CHARS_MAX) for note in job.notes[:NOTES_MAX])


def children_field(jobs: Sequence[Job]) -> Field:
    """Return the field with a link to the card of each of these reruns."""
    links = (f"[{_label(job)}]({card_url(job)})" for job in jobs)
    return Field(CHILDREN_FIELD, " · ".join(links), inline=False)


def _label(job: Job) -> str:
    title = MODE_TITLES.get(job.mode, job.mode)
    seed = reported_seed(job)
    return plain(title if seed is None else f"{title}, seed {seed}", 60)
