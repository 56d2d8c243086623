"""The card of a job: its progress, how it ended, or the finished video.

The same job at the same time always gives the same card, so an edit that is repeated after a crash changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from bot.jobs.disclosure import PROMPT_CHARS_SHOWN
from bot.jobs.machine import is_cancellable
from bot.jobs.model import (
    FINISHED,
    Input,
    Job,
    Live,
    PostedVideo,
    Result,
    State,
    reported_seed,
    rewritten_prompt_of,
)
from bot.media.rules.preview import preview_name
from bot.money import dollars
from bot.texts import lineage
from bot.texts.button_ids import job_button_id
from bot.texts.card import AMBER, BLUE, FILE, GREEN, GREY, RED, VIOLET, Button, Field, JobCard, Media, Pairs
from bot.texts.ending import ending
from bot.texts.finished import ended_buttons, finished_buttons
from bot.texts.payers import payers_line
from bot.texts.plain import cut, mebibytes, person, plain, span, visible
from bot.texts.progress import progress
from bot.texts.result_link import (
    LINK_FILE,
    LINK_IS_ATTACHED,
    SPOILER_MARK,
    fallback_link,
    link_sentence,
    original_link,
    usable_link,
)
from bot.texts.setting_words import setting_words
from bot.units import TIMES

TITLE_CHARS_MAX = 256
PREVIEWS_MAX = 4
LATE_WORD = "fal told Wanda late that this one was made, so you weren't charged."
_CHANGES_CHARS_MAX = 600
_NOT_AT_FAL = frozenset({"not_fetched", "unplayable"})  # reasons for a link that shows no video to Discord either

# The card's colour tells the job's state.
_COLOURS: dict[State, int] = {
    "waiting": AMBER,
    "accepted": GREY,
    "submitting": GREY,
    "queued": GREY,
    "running": BLUE,
    "fetching": VIOLET,
    "delivering": VIOLET,
    "done": GREEN,
    "failed": RED,
    "cancelled": GREY,
    "uncertain": AMBER,
}


def status_card(job: Job, live: Live, *, now: float, mode_title: str, settings: Pairs) -> JobCard:
    """Return the card of a job whose video is not posted: its progress, or how it ended without one.

    `now` is in Unix seconds; `mode_title` and `settings` are those of `bot.texts.mode_settings`.
    """
    is_ended = job.state in FINISHED
    card = _card(job, mode_title, settings)
    return replace(
        card,
        body=ending(job) if is_ended else progress(job, live, now),
        details=_input_changes(job.inputs),
        media=() if is_ended else _previews(job),
        link=fallback_link(job),
        files=_files(fallback_link(job)),
        is_ended=is_ended,
        buttons=_buttons(job),
    )


def finished_card(
    job: Job, posted: PostedVideo, *, mode_title: str, settings: Pairs, children: Sequence[Job] = ()
) -> JobCard:
    """Return the card of a finished video, which is attached to it or linked, and of which `children` were made."""
    result = job.result or Result(url="")
    if reported_seed(job) is not None:
        settings = [pair for pair in settings if pair[0] != "Seed"]  # the reported one is shown
    card = _card(job, mode_title, settings)
    made_from_this = (lineage.children_field(children),) if children else ()
    rewritten = rewritten_line(job, PROMPT_CHARS_SHOWN)
    link = "" if posted.reason is None else link_sentence(job, result, posted)
    return replace(
        card,
        colour=_COLOURS["done"],
        seed=reported_seed(job),
        remarks=(*((rewritten,) if rewritten else ()), *card.remarks, *_late_word(job)),
        details=(*_input_changes(job.inputs), *original_link(job, result, posted), *made_from_this),
        facts=tuple(_facts(job, result, posted)),
        media=_video(job, result, posted),
        link=link,
        files=_files(link),
        is_ended=True,
        buttons=finished_buttons(job),
    )


def mailed_card(card: JobCard, job: Job) -> JobCard:
    """Return the card of a direct message that brings a video, which its channel did not take; it has no buttons."""
    why = f"Your video is ready. Wanda can't post in <#{job.address.channel_id}> any more, so here it is."
    return replace(card, above=why, buttons=())


def _card(job: Job, mode_title: str, settings: Pairs) -> JobCard:
    """Return what the card says in every state."""
    prompt = job.options.get("prompt")
    asked = plain(prompt) if isinstance(prompt, str) else ""
    title = cut(visible(mode_title), TITLE_CHARS_MAX)
    charged, quoted = job.charged_microusd, job.quote_microusd
    size, options = setting_words(settings)
    return JobCard(
        job_id=job.id,
        mode_title=title,
        heading=asked or plain(title),
        has_prompt=bool(asked),
        colour=_COLOURS[job.state],
        size=size,
        options=options,
        price=dollars(quoted if charged is None else charged),
        quoted="" if charged is None or charged == quoted else dollars(quoted),
        formula=plain(job.formula, 120),
        maker="" if lineage.names_maker(job) else person(job.member_id),
        lineage=lineage.parent_line(job),
        remarks=(*lineage.notes(job), *((f"Paid by {payers_line(job.shares)}",) if job.shares else ())),
    )


def _previews(job: Job) -> tuple[Media, ...]:
    """Return the pictures that the member attached; one that came with somebody else's video is not shown anew.

    They are hidden where the video will be: its first frame is such a picture.
    """
    shown = [item for item in job.inputs if item.kind == "image" and not item.is_borrowed]
    return tuple(
        Media(
            f"{FILE}{SPOILER_MARK if job.is_spoiler else ''}preview-{item.option}.jpg",
            "The attached picture" if len(shown) == 1 else f"Attached picture {number}",
            "preview",
            is_spoiler=job.is_spoiler,
            path=str(PurePosixPath(item.path).with_name(preview_name(item.option))),
        )
        for number, item in enumerate(shown[:PREVIEWS_MAX], start=1)
    )


def _video(job: Job, result: Result, posted: PostedVideo) -> tuple[Media, ...]:
    """Return the attached video, else fal's own where its storage hands it out."""
    alt = alt_text(job)
    if posted.reason is None:
        name = posted.file_name
        return (Media(f"{FILE}{name}", alt, "video", is_spoiler=job.is_spoiler),) if name else ()
    url = None if posted.reason in _NOT_AT_FAL else usable_link(result.url)
    return () if url is None else (Media(url, alt, "link", is_spoiler=job.is_spoiler),)


def _files(link: str) -> tuple[str, ...]:
    return (LINK_FILE,) if LINK_IS_ATTACHED in link else ()


def alt_text(job: Job) -> str:
    """Return the prompt, as far as cards show it, in plain words."""
    prompt = job.options.get("prompt")
    return cut(visible(prompt[: 4 * PROMPT_CHARS_SHOWN]), PROMPT_CHARS_SHOWN) if isinstance(prompt, str) else ""


def _input_changes(inputs: Sequence[Input]) -> tuple[Field, ...]:
    """Return a field with the changes that made files fit, or nothing if no file was changed."""
    changed = [item for item in inputs if item.changes]
    if not changed:
        return ()
    lines = [f"{_option_prefix(item, inputs)}{plain(', '.join(item.changes), 200)}" for item in changed]
    return (Field("Made to fit", cut("\n".join(lines), _CHANGES_CHARS_MAX), inline=False),)


def _option_prefix(item: Input, inputs: Sequence[Input]) -> str:
    """Return the option's name before a change if there is more than one file."""
    return f"{plain(item.option.replace('_', ' '), 40)}: " if len(inputs) > 1 else ""


def rewritten_line(job: Job, chars_max: int) -> str:
    """Return the line with the prompt as fal rewrote it, or "" if fal did not or only changed invisible characters."""
    actual, prompt = rewritten_prompt_of(job), job.options.get("prompt")
    if actual is None or visible(actual) in {"", visible(prompt) if isinstance(prompt, str) else ""}:
        return ""
    return f"Prompt as rewritten by Wan: {plain(actual, chars_max)}"


def _late_word(job: Job) -> tuple[str, ...]:
    """Return why a video cost its member nothing whose job was uncertain before."""
    return (LATE_WORD,) if job.revived_at is not None and not job.charged_microusd else ()


def _facts(job: Job, result: Result, posted: PostedVideo) -> list[str]:
    facts: list[str] = []
    width, height = posted.pixels or (result.width, result.height)
    if width and height:
        facts.append(f"{width} {TIMES} {height}")
    if result.seconds:
        facts.append(f"{result.seconds:.4g} s")
    if posted.size_bytes is not None:
        facts.append(mebibytes(posted.size_bytes))
    if job.completed_at is not None:
        facts.append(f"made in {span(job.completed_at - job.created_at)}")
    return facts


def _buttons(job: Job) -> tuple[Button, ...]:
    if not is_cancellable(job):
        return ended_buttons(job)
    custom_id = job_button_id("cancel", job.id)
    if job.state == "waiting":
        approve = Button("Approve", "success", job_button_id("approve", job.id), emoji="👍")
        return (
            approve,
            Button("Decline", "danger", job_button_id("decline", job.id), emoji="👎"),
            Button("Cancel", "secondary", custom_id, emoji="🛑"),
        )
    if job.cancel_requested:
        return (Button("Cancelling…", "secondary", custom_id, disabled=True, emoji="🛑"),)
    return (Button("Cancel", "secondary", custom_id, emoji="🛑"),)
