"""The cards of `/jobs`: pages of a member's videos, one video in full, and the names for autocompletion."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from bot.catalogue.registry import MODE_TITLES
from bot.jobs.machine import is_cancellable
from bot.jobs.model import Input, Job, State, card_url, message_url, seed_of
from bot.jobs.short_id import short_id
from bot.money import dollars
from bot.texts.button_ids import job_button_id, jobs_filter_id, jobs_page_id
from bot.texts.card import BLUE, Button, Card, Choice, Field, Pairs, Select, join_within
from bot.texts.ending import charge_text
from bot.texts.job_card import rewritten_line
from bot.texts.page_buttons import page_buttons
from bot.texts.plain import block_quote, cut, mebibytes, plain, visible
from bot.texts.result_link import kept_words, usable_link
from bot.texts.setting_words import settings_line

ANY = "any"
PAGE_LINES = 8
PAGE_CHARS_MAX = 3900
PROMPT_CHARS_MAX = 50  # with the time it fits into a line
CHOICE_CHARS_MAX = 100
NO_JOB = "You have no such video here. Choose one from the list as you type, or find it with `/jobs list`."
RECIPE = "Here's the recipe. Attach it to `/jobs replay` with the same files, anywhere Wanda is."

# The filters of /jobs list; people need no filter for each step of the machine.
FILTERS: Mapping[str, tuple[str, Collection[State]]] = {
    "open": ("Being made", ("accepted", "submitting", "queued", "running", "fetching", "delivering")),
    "waiting": ("Waiting for approval", ("waiting",)),
    "done": ("Done", ("done",)),
    "failed": ("Failed", ("failed",)),
    "cancelled": ("Cancelled", ("cancelled",)),
    "uncertain": ("Uncertain", ("uncertain",)),
}
STATES: Mapping[State, tuple[str, str]] = {  # an emoji and a word
    "waiting": ("🕓", "waiting for approval"),
    "accepted": ("⏳", "getting ready"),
    "submitting": ("⏳", "getting ready"),
    "queued": ("⏳", "queued"),
    "running": ("🎬", "being made"),
    "fetching": ("📦", "almost there"),
    "delivering": ("📦", "almost there"),
    "done": ("✅", "done"),
    "failed": ("❌", "failed"),
    "cancelled": ("🚫", "cancelled"),
    "uncertain": ("❔", "uncertain"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsPage:
    """Where a page stands: its filters (`any` for none), its cursor ("" is the newest), and the next older one's."""

    mode: str
    filter: str
    cursor: str
    older: str | None


def jobs_card(page: JobsPage, jobs: Sequence[Job], *, gone: Collection[str] = ()) -> Card:
    """Return a page of a member's videos, each with a link to its card.

    `gone` are the ids of those whose channel was deleted.
    """
    nothing = (
        "You haven't made any videos here yet. `/help` shows how."
        if _unfiltered(page)
        else "You have no videos like that here. Choose others below."
    )
    lines = [_line(job, is_gone=job.id in gone) for job in jobs]
    return Card(
        title="Your videos",
        description=join_within(lines, PAGE_CHARS_MAX) or nothing,
        fields=(),
        colour=BLUE,
        footer="Newest first · /jobs show tells all about one" if jobs else None,
        selects=_filters(page) if jobs or not _unfiltered(page) else (),
        buttons=page_buttons(partial(jobs_page_id, page.mode, page.filter), cursor=page.cursor, older=page.older),
    )


def _unfiltered(page: JobsPage) -> bool:
    return page.mode == ANY and page.filter == ANY


def _filters(page: JobsPage) -> tuple[Select, ...]:
    states = ((ANY, "All states"), *((name, label) for name, (label, _) in FILTERS.items()))
    modes = ((ANY, "All modes"), *MODE_TITLES.items())
    return (
        Select(jobs_filter_id("state", page.filter, page.mode), _choices(states, page.filter)),
        Select(jobs_filter_id("mode", page.filter, page.mode), _choices(modes, page.mode)),
    )


def _choices(named: Iterable[tuple[str, str]], chosen: str) -> tuple[Choice, ...]:
    return tuple(Choice(label, value, chosen=value == chosen) for value, label in named)


def _line(job: Job, *, is_gone: bool) -> str:
    emoji, word = state_words(job)
    where = f"**{prompt_words(job)}** (in a deleted channel)" if is_gone else f"**{prompt_link(job)}**"
    facts = (f"{emoji} {word}", _cost(job), title(job), *part_words(job))
    return f"{where} · <t:{int(job.created_at)}:R>\n-# {' · '.join(facts)}"


def part_words(job: Job) -> tuple[str, ...]:
    """Return which shot of a film the job is: "shot 2 of 5 of a film"; nothing for a job of its own."""
    part = job.part
    return () if part is None else (f"shot {part.number} of {part.of} of a film",)


def prompt_words(job: Job) -> str:
    """Return the beginning of the job's prompt, or its mode if it has none; the job is as its reader may see it."""
    prompt = job.options.get("prompt")
    return plain(prompt, PROMPT_CHARS_MAX) if isinstance(prompt, str) and visible(prompt) else title(job)


def prompt_link(job: Job) -> str:
    """Return the same as a link to the job's card."""
    return f"[{prompt_words(job)}]({card_url(job)})"


def state_words(job: Job) -> tuple[str, str]:
    """Return an emoji and how the job stands; a video that was made and reached nobody is not simply "failed"."""
    if job.state == "failed" and job.result is not None:
        return "📭", "made, but not posted"
    return STATES[job.state]


def title(job: Job) -> str:
    """Return the title of the job's mode, or its id if the catalogue no longer has the mode."""
    return MODE_TITLES.get(job.mode) or plain(job.mode, 40)


def _cost(job: Job) -> str:
    match job.state:
        case "done":
            return dollars(job.quote_microusd if job.charged_microusd is None else job.charged_microusd)
        case "failed" | "cancelled" | "uncertain":
            return f"{dollars(job.charged_microusd)} charged" if job.charged_microusd else "not charged"
        case "waiting" | "accepted" | "submitting" | "queued" | "running" | "fetching" | "delivering":
            return dollars(job.quote_microusd)
        case _:
            assert_never(job.state)


def several_jobs(jobs: Sequence[Job]) -> str:
    """Return the sentence for a number that several videos have, with the full number of each."""
    named = ", ".join(f"`{job.id}` (<t:{int(job.created_at)}:f>)" for job in jobs)
    return f"Several of your videos match this number: {named}. Type one of these in full."


def choice_label(job: Job) -> str:
    """Return the job's label in an autocompletion, at most `CHOICE_CHARS_MAX` characters."""
    prompt = job.options.get("prompt")
    said = f" · {visible(prompt[:200])}" if isinstance(prompt, str) and visible(prompt[:200]) else ""
    return cut(
        f"{short_id(job.id)} · {MODE_TITLES.get(job.mode, job.mode)} · {STATES[job.state][1]}{said}", CHOICE_CHARS_MAX
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetails:
    """A job's reruns, its inputs that were removed, and until when the others are kept (Unix seconds).

    `has_video` says that the video is attached to the answer.
    """

    children: Sequence[Job]
    gone: Sequence[Input]
    keeps_until: float | None
    has_video: bool = False


def details_card(job: Job, kept: JobDetails, *, mode_title: str, settings: Pairs) -> Card:
    """Return the card of one job with its state, cost, seed, settings, prompt, notes, reruns and files."""
    shown = [pair for pair in settings if pair[0] != "Seed"]
    fields = [Field("State", " ".join(state_words(job))), Field("Cost", _cost(job))]
    if (seed := seed_of(job)) is not None:
        fields.append(Field("Seed", f"`{seed}`"))
    if line := settings_line(shown):
        fields.append(Field("Settings", line, inline=False))
    fields += _family(job, kept)
    fields += _files(job, kept)
    return Card(
        title=mode_title[:256],
        description="\n".join(part for part in _description(job, kept) if part),
        fields=tuple(fields),
        colour=BLUE,
        footer=f"job {job.id}",
        buttons=(Button("Cancel", "secondary", job_button_id("cancel", job.id), emoji="🛑"),)
        if is_cancellable(job)
        else (),
    )


def _description(job: Job, kept: JobDetails) -> list[str]:
    prompt, negative = job.options.get("prompt"), job.options.get("negative_prompt")
    return [
        block_quote(prompt, 900) if isinstance(prompt, str) and visible(prompt) else "",
        f"-# Without: {plain(negative, 200)}" if isinstance(negative, str) and visible(negative) else "",
        rewritten_line(job, 500),
        f"Asked for <t:{int(job.created_at)}:f> · [message]({card_url(job)})",
        _where(job, kept),
        charge_text(job) if job.state in {"failed", "cancelled", "uncertain"} else "",
        *(f"-# {plain(note, 200)}" for note in job.notes[:5]),
    ]


def _where(job: Job, kept: JobDetails) -> str:
    """Return where a video is that is not on its card; "" for any other job."""
    if job.result is None or not is_elsewhere(job):
        return ""
    parts = ["The video is attached here." if kept.has_video else ""]
    if job.mailed is not None:
        parts.append(f"It's in your [direct messages]({message_url(job.mailed)}).")
    if job.late_at is not None:
        parts.append("Wanda keeps trying to post it.")
    if job.completed_at is not None:
        link = usable_link(job.result.url)
        kept_for = kept_words(job.completed_at)
        parts.append(f"fal keeps it {kept_for}: [fal's copy](<{link}>)" if link else f"fal keeps it {kept_for}.")
    return " ".join(part for part in parts if part)


def is_elsewhere(job: Job) -> bool:
    """Return whether the video was made and is not on the job's card."""
    return job.result is not None and (job.state == "failed" or job.late_at is not None or job.mailed is not None)


def _family(job: Job, kept: JobDetails) -> list[Field]:
    fields: list[Field] = []
    if job.part is not None:
        fields.append(Field("Part of", f"film {short_id(job.part.film_id)}, shot {job.part.number} of {job.part.of}"))
    if job.parent_id is not None:
        fields.append(Field("Made from", f"job {short_id(job.parent_id)}"))
    if kept.children:
        links = ", ".join(f"[{short_id(child.id)}]({card_url(child)})" for child in kept.children)
        fields.append(Field("Made from it", links, inline=False))
    return fields


def _files(job: Job, kept: JobDetails) -> list[Field]:
    if not job.inputs:
        return []
    gone = {item.path for item in kept.gone}
    lines = [
        f"{item.option}: {plain(item.file_name, 60) or 'name not shown'} ({mebibytes(item.size_bytes)}"
        f"{''.join(f', {plain(change, 80)}' for change in item.changes[:3])})"
        f"{' · no longer kept' if item.path in gone else ''}"
        for item in job.inputs
    ]
    if kept.keeps_until is not None and len(gone) < len(job.inputs):
        lines.append(f"-# Kept until <t:{int(kept.keeps_until)}:d>")
    return [Field("Files", join_within(lines, 900), inline=False)]
