"""Facts derived from a job: its short id, seed, rewritten prompt, card URL, and whether it can be cancelled."""

from collections.abc import Iterable

from bot.catalogue.fields import Attached
from bot.jobs.model import FINISHED, Input, Job, Spot, State

SHORT_ID_CHARS = 8
MESSAGES_URL = "https://discord.com/channels"
# fal has completed the request in these states, so there is nothing to cancel.
MADE: frozenset[State] = frozenset({"fetching", "delivering"})


def short_id(job_id: str) -> str:
    """Return the part of a job's id that people read and type: its first 8 digits."""
    return job_id[:SHORT_ID_CHARS]


def reported_seed(job: Job) -> int | None:
    """Return the seed that fal reported with the video."""
    return None if job.result is None else job.result.seed


def seed_of(job: Job) -> int | None:
    """Return the seed that fal reported, else the one that the member asked for."""
    reported = reported_seed(job)
    return asked_seed(job.options.get("seed")) if reported is None else reported


def asked_seed(value: object) -> int | None:
    """Return the value of a request's option `seed`, or None where it has none."""
    return value if isinstance(value, int) else None


def rewritten_prompt(asked: object, actual: str | None) -> str | None:
    """Return fal's own wording of a prompt, or None where fal told none or used the prompt as it was asked."""
    return actual if actual and actual.strip() and actual != asked else None


def rewritten_prompt_of(job: Job) -> str | None:
    """Return fal's own wording of the job's prompt, as `rewritten_prompt` does."""
    return rewritten_prompt(job.options.get("prompt"), None if job.result is None else job.result.actual_prompt)


def is_cancellable(job: Job) -> bool:
    """Return whether a cancel can still save the job's cost; true also after fal was asked to cancel."""
    return job.state not in FINISHED and job.state not in MADE


def attached_of(inputs: Iterable[Input]) -> dict[str, Attached]:
    """Return the files of a request, by option, as the catalogue takes them."""
    return {item.option: Attached(item.file_name, item.size_bytes) for item in inputs}


def message_url(spot: Spot) -> str:
    """Return the address that opens a message in every Discord client; guild 0 is a direct message."""
    return f"{MESSAGES_URL}/{spot.guild_id or '@me'}/{spot.channel_id}/{spot.message_id}"


def card_url(job: Job) -> str:
    """Return the address of the job's card."""
    return message_url(Spot(job.guild_id, job.address.channel_id, job.address.message_id))
