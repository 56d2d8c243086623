"""The message of several variations: a gallery of the videos that are ready, a line for each, and what to do with one.

The same jobs at the same time always give the same card, so an edit that is repeated after a crash changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from bot.errors import Refusal
from bot.jobs.disclosure import PROMPT_CHARS_SHOWN
from bot.jobs.machine import is_cancellable
from bot.jobs.model import FINISHED, Job, Live, Variation, card_url, seed_of
from bot.jobs.picks import is_open
from bot.jobs.rerun import resolutions
from bot.money import dollars
from bot.texts import draft_pick, finished, job_card
from bot.texts.button_ids import job_button_id, result_button_id, set_button_id, set_select_id
from bot.texts.card import AMBER, BLUE, FILE, GREEN, GREY, Button, Card, Choice, JobCard, Media, Pairs, Select
from bot.texts.draft_pick import Picking
from bot.texts.ending import ending
from bot.texts.plain import cut
from bot.texts.progress import progress
from bot.texts.result_link import kept_words, usable_link

NOTHING: Mapping[int, int] = {}
AGAIN = "again"  # the select's value that asks for as many variations once more
LINE_CHARS_MAX = 400
PICK = "Choose one to go on with"


def set_card(
    jobs: Sequence[Job],
    lives: Mapping[int, Live],
    *,
    now: float,
    mode_title: str,
    settings: Pairs,
    picking: Picking | None = None,
    finals_microusd: Mapping[int, int] = NOTHING,
) -> JobCard:
    """Return the card of these jobs of one set, by number; `now` is in Unix seconds, `lives` are by number.

    `picking` is the pick among drafts, once it is known. `finals_microusd` is what each costs at the highest
    resolution, as far as that is known.
    """
    first = jobs[0]
    is_ended = all(job.state in FINISHED for job in jobs)
    settings = [pair for pair in settings if pair[0] != "Seed"]  # each has its own
    single = job_card.status_card(first, Live(), now=now, mode_title=mode_title, settings=settings)
    return replace(
        single,
        job_id=first.set_id,
        colour=AMBER if _asks(jobs, picking) else _colour(jobs, is_ended=is_ended),
        body="\n\n".join(part for part in (_lines(jobs, lives, now), _pick_words(jobs, picking)) if part),
        price=_price(jobs, picking),
        quoted="",
        formula="",
        seed=None,
        facts=(),
        media=tuple(_media(job) for job in jobs if is_shown(job)),
        link="",
        files=(),
        remarks=tuple(line for line in (*single.remarks, draft_pick.remark(jobs)) if line),
        is_ended=is_ended,
        **_actions(jobs, picking, finals_microusd, is_ended=is_ended),
    )


class _Actions(TypedDict):
    selects: tuple[Select, ...]
    buttons: tuple[Button, ...]


def _asks(jobs: Sequence[Job], picking: Picking | None) -> bool:
    return picking is not None and is_open(picking.pick, jobs)


def _actions(
    jobs: Sequence[Job], picking: Picking | None, finals_microusd: Mapping[int, int], *, is_ended: bool
) -> _Actions:
    if picking is not None and draft_pick.shows_pick(jobs, picking):
        return {"selects": draft_pick.selects(jobs, picking), "buttons": draft_pick.buttons(jobs, picking)}
    if is_ended:
        return {"selects": _selects(jobs), "buttons": _final_buttons(jobs, finals_microusd)}
    return {"selects": (), "buttons": _open_buttons(jobs)}


def _lines(jobs: Sequence[Job], lives: Mapping[int, Live], now: float) -> str:
    return "\n".join(_line(job, lives.get(place_of(job).number, Live()), now) for job in jobs)


def _pick_words(jobs: Sequence[Job], picking: Picking | None) -> str:
    return "" if picking is None else draft_pick.words(jobs, picking)


def place_of(job: Job) -> Variation:
    """Return the job's place in its set; a job of its own is the only one."""
    return job.variation or Variation(set_id=job.id, number=1, of=1, message_id=job.address.message_id)


def is_shown(job: Job) -> bool:
    """Return whether the set's message has the video itself."""
    return _is_ready(job) and job.posted is not None and job.posted.reason is None and is_on_message(job)


def is_on_message(job: Job) -> bool:
    """Return whether the job's card is the set's message still, and not one of its own."""
    return job.address.message_id == place_of(job).message_id


def _is_ready(job: Job) -> bool:
    return job.state == "done"


def _line(job: Job, live: Live, now: float) -> str:
    return f"**{place_of(job).number}** · {cut(_words(job, live, now), LINE_CHARS_MAX)}"


def _words(job: Job, live: Live, now: float) -> str:
    seed = seed_of(job)
    known = "" if seed is None else f" · seed {seed}"
    if not is_on_message(job):
        return f"[posted by itself]({card_url(job)}){known}"
    if is_shown(job):
        return f"Ready{known}"
    if _is_ready(job) and job.mailed is None:
        url = usable_link(job.result.url) if job.result is not None else None
        link = f"[fal's file]({url}), kept {kept_words(job.completed_at)}" if url else "only fal has it"
        return f"Ready, but couldn't be attached: {link}{known}"
    if job.state in FINISHED:
        return " ".join(ending(job).split())
    return progress(job, live, now).partition("\n")[0]


def _media(job: Job) -> Media:
    name = "" if job.posted is None else job.posted.file_name
    alt = f"{place_of(job).number}: {job_card.alt_text(job)}"
    return Media(f"{FILE}{name}", cut(alt, PROMPT_CHARS_SHOWN), "video", is_spoiler=job.is_spoiler)


def _price(jobs: Sequence[Job], picking: Picking | None) -> str:
    """Return what all of them cost, as far as it is known, and how many of them that is."""
    costs = sum(_cost(job) for job in jobs)
    if draft_pick.final_of(jobs) is not None:
        return draft_pick.price(jobs, costs, picking)
    paid, of = sum(bool(_cost(job)) or _is_ready(job) for job in jobs), place_of(jobs[0]).of
    return f"{dollars(costs)} for {of}" if paid in {0, of} else f"{dollars(costs)} for {paid} of {of}"


def _cost(job: Job) -> int:
    return job.quote_microusd if job.charged_microusd is None else job.charged_microusd


def _colour(jobs: Sequence[Job], *, is_ended: bool) -> int:
    if any(job.state == "waiting" for job in jobs):
        return AMBER
    if not is_ended:
        return BLUE
    return GREEN if any(_is_ready(job) for job in jobs) else GREY


def _open_buttons(jobs: Sequence[Job]) -> tuple[Button, ...]:
    set_id = jobs[0].set_id
    cancel = Button("Cancel", "secondary", set_button_id("cancel", set_id), emoji="🛑")
    waiting = next((job for job in jobs if job.state == "waiting"), None)
    if waiting is not None:
        return (
            Button("Approve", "success", job_button_id("approve", waiting.id), emoji="👍"),
            Button("Decline", "danger", job_button_id("decline", waiting.id), emoji="👎"),
            cancel,
        )
    open_jobs = [job for job in jobs if is_cancellable(job)]
    if not open_jobs:
        return ()
    is_asked = all(job.cancel_requested for job in open_jobs)
    return (replace(cancel, label="Cancelling…", disabled=True),) if is_asked else (cancel,)


def _final_buttons(jobs: Sequence[Job], costs_microusd: Mapping[int, int]) -> tuple[Button, ...]:
    """Return a button for each video that makes it at the highest resolution; none if they have that already."""
    ready = [job for job in jobs if _is_ready(job)]
    return tuple(
        Button(
            _final_label(place_of(job).number, costs_microusd),
            "secondary",
            result_button_id("final", job.id),
            emoji="⬆️",
        )
        for job in ready
        if _highest(job) not in (None, job.options.get("resolution"))
    )


def _final_label(number: int, costs_microusd: Mapping[int, int]) -> str:
    cost = costs_microusd.get(number)
    return f"Final {number}" if cost is None else f"Final {number} · {dollars(cost)}"


def _highest(job: Job) -> str | None:
    try:
        return resolutions(job.mode)[-1]
    except Refusal:
        return None  # the catalogue no longer has the mode


def _selects(jobs: Sequence[Job]) -> tuple[Select, ...]:
    ready = [job for job in jobs if _is_ready(job)]
    if not ready:
        return ()
    choices = [Choice(_choice(job), str(place_of(job).number)) for job in ready]
    of = place_of(jobs[0]).of
    price = dollars(sum(job.quote_microusd for job in jobs) // len(jobs) * of)
    choices.append(Choice(f"{of} more variations · {price}", AGAIN))
    return (Select(set_select_id(jobs[0].set_id), tuple(choices), placeholder=PICK),)


def _choice(job: Job) -> str:
    seed = seed_of(job)
    return f"Video {place_of(job).number}" + ("" if seed is None else f" · seed {seed}")


def pick_card(job: Job, prices_microusd: finished.PricesMicrousd) -> Card:
    """Return the private answer to a choice: what can be made of this one."""
    place, seed = place_of(job), seed_of(job)
    return Card(
        title=f"Video {place.number} of {place.of}",
        description=f"[The videos]({card_url(job)})" + ("" if seed is None else f" · seed {seed}"),
        fields=(),
        colour=GREY,
        buttons=finished.pick_buttons(job, prices_microusd),
    )
