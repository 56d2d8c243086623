"""Facts derived from a job: its short id, seed, rewritten prompt, card URL, and whether it can be cancelled."""

import re
from collections.abc import Iterable

from bot.catalogue.fields import Attached
from bot.jobs.model import FINISHED, Input, Job, Spot, State

MESSAGES_URL = "https://discord.com/channels"
# fal has completed the request in these states, so there is nothing to cancel.
MADE: frozenset[State] = frozenset({"fetching", "delivering"})
SHORT_ID_CHARS = 8
_TAIL_DIGITS = 10  # hexadecimal ones, as many bits as SHORT_ID_CHARS have
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # https://www.crockford.com/base32.html: no i, l, o or u
_MISREAD = str.maketrans("oil", "011")
_FULL_ID = re.compile(r"[0-9a-f]{32}")
_HEAD = re.compile(r"[0-9a-f]{6,31}")


def short_id(job_id: str) -> str:
    """Return the eight characters by which people read and type a job: 40 random bits, in Crockford's base 32.

    They are the end of the id, because jobs of the same moment begin alike. An id of another form is returned whole.
    """
    if not _FULL_ID.fullmatch(job_id):
        return job_id
    tail = int(job_id[-_TAIL_DIGITS:], 16)
    return "".join(_ALPHABET[tail >> shift & 31] for shift in range(5 * (SHORT_ID_CHARS - 1), -1, -5))


def id_patterns(text: str) -> tuple[str, ...]:
    """Return LIKE patterns for the ids that a typed text may mean; none where it is not the number of a job.

    A job is named by its id, by its short id, or by the first six digits or more, as older messages show it.
    """
    typed = text.strip().lower().removeprefix("job").strip()
    if _FULL_ID.fullmatch(typed):
        return (typed,)
    patterns = (f"{typed}%",) if _HEAD.fullmatch(typed) else ()
    read = typed.translate(_MISREAD)
    if len(read) == SHORT_ID_CHARS and all(char in _ALPHABET for char in read):
        tail = 0
        for char in read:
            tail = tail << 5 | _ALPHABET.index(char)
        patterns += (f"%{tail:0{_TAIL_DIGITS}x}",)
    return patterns


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
