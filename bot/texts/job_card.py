"""The card of a job: its progress, how it ended, or the finished video.

The same job at the same time always gives the same card, so an edit that is repeated after a crash changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from bot.jobs.disclosure import PROMPT_CHARS_SHOWN
from bot.jobs.machine import is_cancellable
from bot.jobs.model import (
    FINISHED,
    Failure,
    Input,
    Job,
    Left,
    Live,
    Result,
    State,
    reported_seed,
    rewritten_prompt_of,
)
from bot.jobs.short_id import short_id
from bot.ledger.window_names import IN_WINDOW
from bot.money import dollars
from bot.texts import failures, parent_links
from bot.texts.button_ids import job_button_id
from bot.texts.card import Button, Card, Field, Pairs
from bot.texts.estimate import Estimate, estimate
from bot.texts.finished import finished_buttons
from bot.texts.plain import bar, block_quote, coarse, cut, mebibytes, plain, span, visible
from bot.texts.result_link import KEPT_S, PostedVideo, link_sentence, original_link
from bot.units import TIMES

_NOT_BEGUN = frozenset({"declined", "unapproved", "unasked", "removed"})  # kinds of failures before fal was asked
TITLE_CHARS_MAX = 256
SETTINGS_CHARS_MAX = 600
_CHANGES_CHARS_MAX = 600

_SPEAK_FOR_THEMSELVES = frozenset({"Resolution", "Duration", "Aspect ratio"})

# The embed's colour tells the job's state.
GREY, BLUE, VIOLET, GREEN, AMBER, RED = 0x80848E, 0x5865F2, 0x9B59F6, 0x23A55A, 0xF0B232, 0xDA373C
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


def status_card(job: Job, live: Live, left: Left | None, *, now: float, mode_title: str, settings: Pairs) -> Card:
    """Return the card of a job whose video is not posted: its progress, or how it ended without one.

    `now` is in Unix seconds; `mode_title` and `settings` are those of `bot.texts.mode_settings`.
    """
    body = _ending(job) if job.state in FINISHED else _progress(job, live, now)
    return Card(
        title=cut(visible(mode_title), TITLE_CHARS_MAX),
        description=_description(job, body),
        fields=_fields(job, left, settings),
        colour=_COLOURS[job.state],
        footer=_footer(job),
        buttons=_buttons(job),
        content=_fallback_link(job),
    )


def finished_card(job: Job, left: Left | None, posted: PostedVideo, *, mode_title: str, settings: Pairs) -> Card:
    """Return the card of a finished video, which is attached to it or linked in its content."""
    result = job.result or Result(url="")
    if reported_seed(job) is not None:
        settings = [pair for pair in settings if pair[0] != "Seed"]  # a field shows it
    return Card(
        title=cut(visible(mode_title), TITLE_CHARS_MAX),
        description=_description(job, rewritten_line(job, PROMPT_CHARS_SHOWN)),
        fields=(*_seed(job), *_fields(job, left, settings), *original_link(job, result, posted)),
        colour=_COLOURS["done"],
        footer=" · ".join([*_facts(job, result, posted), *([_footer(job)])]),
        buttons=finished_buttons(job),
        content=None if posted.reason is None else link_sentence(job, result, posted),
    )


def _description(job: Job, body: str) -> str:
    prompt = job.options.get("prompt")
    asked = block_quote(prompt) if isinstance(prompt, str) and visible(prompt) else ""
    return "\n".join(part for part in (asked, body, parent_links.parent_lines(job)) if part)


def _progress(job: Job, live: Live, now: float) -> str:
    waited = span(coarse(now - job.created_at))
    match job.state:
        case "waiting":
            until = f", until <t:{int(job.approve_by)}:t>" if job.approve_by else ""
            whom = f"<@&{job.approver_role_id}>" if job.approver_role_id else "an admin of this server"
            return (
                f"**Waiting for approval** by {whom}{until}\n-# Nothing is asked of fal and nothing is charged before."
            )
        case "accepted" | "submitting":
            return f"**{_before(job, live)}** · {waited} so far"
        case "queued":
            return f"**{_queue(live)}** · {waited} so far{_usual(live)}"
        case "running":
            return _running(job, live, now)
        case "fetching":
            return _fetching(live, waited)
        case "delivering":
            return _posting(live, waited)
        case "done" | "failed" | "cancelled" | "uncertain":
            return ""
        case _:
            assert_never(job.state)


def _fetching(live: Live, waited: str) -> str:
    if live.step != "fal is silent":
        return f"**Fetching the video from fal** · {waited} so far"
    return (
        f"**fal is done, but does not hand out what it made** · {waited} so far\n"
        "-# Wanda asks again and again, for as long as fal keeps it. Nothing is lost."
    )


def _posting(live: Live, waited: str) -> str:
    if live.step != "making it fit":
        return f"**Posting the video** · {waited} so far"
    done = f"{bar(live.fraction)} **{int(live.fraction * 100)} %**\n" if live.fraction is not None else ""
    return f"{done}**Making the video fit this server** · {waited} so far"


def _before(job: Job, live: Live) -> str:
    if live.step == "account locked":
        return "Waiting, because Wanda's fal account needs an admin's attention; nothing is charged meanwhile"
    if live.step == "uploading":
        return "Uploading your files to fal"
    return "Asking fal for the video" if job.state == "submitting" else "Getting ready"


def _queue(live: Live) -> str:
    if live.position is None:
        return "Queued at fal"
    if live.position <= 0:
        return "Queued at fal, next in line"
    return f"Queued at fal, {live.position:,} ahead"


def _usual(live: Live) -> str:
    return f"; videos like this take {span(coarse(live.typical_s))}" if live.typical_s and live.typical_s >= 1 else ""


def _running(job: Job, live: Live, now: float) -> str:
    elapsed_s = max(0.0, now - (job.started_at or job.created_at))
    guess = estimate(elapsed_s, live)
    if guess.fraction is None:
        return f"**Filming** · {span(coarse(elapsed_s))} so far\n-# No video like this was made before, so no estimate."
    percent = int(guess.fraction * 100)
    line = f"{bar(guess.fraction)} **{percent} %**"
    return f"{line}\n**Filming** · {span(coarse(elapsed_s))} so far · {_remaining(guess, live)}"


def _remaining(guess: Estimate, live: Live) -> str:
    usual = _usual(live)
    if guess.overdue:
        return f"longer than usual{usual}"
    if guess.left_s is None:
        return f"no estimate yet{usual}"
    return f"about {span(max(5.0, coarse(guess.left_s)))} left{usual}"


def _ending(job: Job) -> str:
    match job.state:
        case "cancelled" if job.failure is not None and job.failure.kind in _NOT_BEGUN:
            said = failures.failure_text(job.failure)
            return f"**{said.what}** {charge_text(job)} {said.next}"
        case "cancelled":
            return f"**Cancelled.** {charge_text(job)}"
        case "uncertain":
            failure = job.failure or Failure(kind="lost")
            said = failures.uncertain_text(failure)
            return f"**It is not certain what became of this video.** {said.what}\n{charge_text(job)} {said.next}"
        case "failed" if job.result is not None:
            return _not_brought(job)
        case "failed":
            said = failures.failure_text(job.failure or Failure(kind="unknown"))
            return f"**No video.** {said.what}\n{charge_text(job)} {said.next}"
        case "done" if job.mailed is not None:
            what = f"The video went to <@{job.member_id}> by direct message, because Wanda may not post it here."
            return f"**Done.** {what}"
        case "done":
            return "**Done.**"
        case _:
            return ""


def _not_brought(job: Job) -> str:
    """Return what became of a video that was made, and that neither the channel nor the member could be given."""
    again = (
        f" She tries again until <t:{int(job.completed_at + KEPT_S)}:f>." if job.late_at and job.completed_at else ""
    )
    if job.failure is not None and job.failure.kind == "unplayable":
        return (
            f"**What fal sent is no video that plays.** {charge_text(job)} Wanda kept nothing of it; fal's file is at "
            f"the link.{again} Tell an admin, who can ask fal for the money back."
        )
    return (
        "**The video was made, but Discord let Wanda post it neither here nor in a direct message to "
        f"<@{job.member_id}>.** {charge_text(job)} `/jobs show` hands it over.{again}"
    )


def end_announcement(job: Job) -> str:
    """Return the line above a new message that says how a job ended, where its card is gone."""
    if job.mailed is not None:
        return f"<@{job.member_id}>, your video went to you by direct message."
    how = "did not come about" if job.result is None else "could not be posted"
    return f"<@{job.member_id}>, your video {how}."


def mailed_card(card: Card, job: Job) -> Card:
    """Return the card of a direct message that brings a video, which its channel did not take; it has no buttons."""
    why = (
        f"Your video is ready. Wanda may not post it in <#{job.address.channel_id}> any more, so it comes to you here."
    )
    return replace(card, content=" ".join(part for part in (why, card.content) if part), buttons=())


def charge_text(job: Job) -> str:
    """Return what an ended job cost its member, and why, in a sentence."""
    amount = job.charged_microusd or 0
    billed = "fal billed" if job.failure is None or job.failure.billed == "yes" else "fal may have billed"
    if job.failure is not None and job.failure.absorbed_microusd:
        paid = dollars(job.failure.absorbed_microusd)
        if amount > 0:
            return (
                f"You were charged {dollars(amount)}, and this server's budget took {paid}: {billed} this attempt, "
                "and the server takes only so much for each member in a day."
            )
        return f"Nothing was charged to you; {billed} this attempt, and this server's budget took the {paid}."
    if job.failure is not None and job.failure.held_microusd:
        held = dollars(job.failure.held_microusd)
        return (
            f"Nothing was charged; {held} of yours stays held until whoever runs Wanda has looked up what fal billed, "
            "because this server has taken enough of your failed videos today."
        )
    if amount <= 0:
        return "Nothing was charged."
    if job.failure is not None and job.failure.kind == "unplayable":
        return f"You were charged {dollars(amount)} because fal bills it as a video."
    if job.result is not None:
        return f"You were charged {dollars(amount)} because fal made the video."
    return f"You were charged {dollars(amount)} because {billed} this attempt."


def _fields(job: Job, left: Left | None, settings: Pairs) -> tuple[Field, ...]:
    fields = [Field("Cost", _cost(job))]
    if left is not None:
        shown = left.member or left.server
        if shown is not None:
            whose = "Left" if left.member else "The server's left"
            ratio = f"{dollars(shown.left_microusd)} of {dollars(shown.cap_microusd)}"
            fields.append(Field(f"{whose} {IN_WINDOW[shown.window]}", ratio))
    line = settings_line(settings)
    if line:
        fields.append(Field("Settings", line, inline=False))
    fields += _input_changes(job.inputs)
    return tuple(fields)


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


def _cost(job: Job) -> str:
    formula = plain(job.formula, 120)
    if job.charged_microusd is None or job.charged_microusd == job.quote_microusd:
        return f"**{dollars(job.quote_microusd)}** ({formula})" if formula else f"**{dollars(job.quote_microusd)}**"
    return f"**{dollars(job.charged_microusd)}** (quoted {dollars(job.quote_microusd)})"


def settings_line(settings: Pairs) -> str:
    """Return "1080p · 5 s · seed 42"; from the first pair that is too much for a field on, "…"."""
    line = ""
    for name, value in settings:
        label = "" if name in _SPEAK_FOR_THEMSELVES else plain(name.lower(), 40)
        said = f"{label} {plain(value, 60)}".strip()
        longer = f"{line} · {said}" if line else said
        if len(longer) > SETTINGS_CHARS_MAX:
            return f"{line} · …"
        line = longer
    return line


def _seed(job: Job) -> tuple[Field, ...]:
    seed = reported_seed(job)
    return () if seed is None else (Field("Seed", f"`{seed}`"),)


def rewritten_line(job: Job, chars_max: int) -> str:
    """Return the line with the prompt as fal rewrote it, or "" if fal did not or only changed invisible characters."""
    actual, prompt = rewritten_prompt_of(job), job.options.get("prompt")
    if actual is None or visible(actual) in {"", visible(prompt) if isinstance(prompt, str) else ""}:
        return ""
    return f"-# fal filmed its own wording: {plain(actual, chars_max)}"


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


def _fallback_link(job: Job) -> str | None:
    """Return fal's link for a video that was charged and that Discord did not take, so that the member gets it."""
    if job.state == "failed" and job.result is not None:
        is_bad = job.failure is not None and job.failure.kind == "unplayable"
        posted = PostedVideo(job.result.size_bytes, "unplayable" if is_bad else "refused")
        return link_sentence(job, job.result, posted)
    return None


def _footer(job: Job) -> str:
    return f"job {short_id(job.id)}"


def _buttons(job: Job) -> tuple[Button, ...]:
    if not is_cancellable(job):
        return ()
    custom_id = job_button_id("cancel", job.id)
    if job.state == "waiting":
        approve = Button("Approve", "success", job_button_id("approve", job.id))
        return (
            approve,
            Button("Decline", "danger", job_button_id("decline", job.id)),
            Button("Cancel", "secondary", custom_id),
        )
    if job.cancel_requested:
        return (Button("Cancelling…", "secondary", custom_id, disabled=True),)
    return (Button("Cancel", "secondary", custom_id),)
