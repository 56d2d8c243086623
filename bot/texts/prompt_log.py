"""What the prompt log of a server shows of one accepted order."""

from bot.catalogue.registry import MODE_TITLES
from bot.jobs.model import Job, card_url
from bot.texts.card import MESSAGE_CHARS_MAX
from bot.texts.plain import person, plain

NO_PROMPT = "no prompt"
_PROMPT_CHARS_MAX = 700  # escaping at most doubles it


def prompt_log_line(job: Job) -> str:
    """Return who asked for what, with a link to the card; a long prompt is cut, and its file has all of it."""
    prompt = str(job.options.get("prompt") or "").strip()
    said = f"> {plain(prompt, _PROMPT_CHARS_MAX)}" if prompt else f"> *{NO_PROMPT}*"
    title = MODE_TITLES.get(job.mode, job.mode)
    return f"{person(job.member_id)} · {title} · {card_url(job)}\n{said}"[:MESSAGE_CHARS_MAX]


def prompt_log_file(job: Job) -> str | None:
    """Return all that the member wrote, where the line does not show it."""
    prompt, negative = (str(job.options.get(name) or "").strip() for name in ("prompt", "negative_prompt"))
    if len(prompt) <= _PROMPT_CHARS_MAX and not negative:
        return None
    return f"{prompt}\n\nNegative prompt:\n{negative}\n" if negative else f"{prompt}\n"
