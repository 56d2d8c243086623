"""What `/queue` shows: the videos that a server is making now, the reader's own first."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.jobs.machine import is_cancellable
from bot.jobs.model import Job, Live
from bot.texts.button_ids import job_button_id
from bot.texts.card import BLUE, Button, Card, join_within
from bot.texts.estimate import estimate
from bot.texts.jobs import PAGE_CHARS_MAX, prompt_link, state_words
from bot.texts.plain import coarse, span
from bot.units import counted

OWN_MAX = 5  # as many buttons as fit into a row
OTHERS_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """A job as its reader may see it; not `shown` is one in a channel that the reader does not see."""

    job: Job
    live: Live
    shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The oldest unfinished jobs, the reader's own and the others', and how many are made and await approval in all."""

    mine: Sequence[Making]
    others: Sequence[Making]
    making: int
    waiting: int
    now: float


def queue_card(queue: Queue) -> Card:
    """Return the private answer of `/queue`, with a Cancel button for each of the reader's first videos."""
    if not queue.making and not queue.waiting:
        return Card(title="Queue", description="Nothing is being made here right now.", fields=(), colour=BLUE)
    mine = [f"{place}. {_line(one, queue.now)}" for place, one in enumerate(queue.mine[:OWN_MAX], start=1)]
    others = [f"- {_line(one, queue.now, by=True)}" for one in queue.others[:OTHERS_MAX]]
    hidden = queue.making + queue.waiting - len(mine) - len(others)
    parts = [
        _headline(queue),
        *(["**Yours**", *mine] if mine else []),
        *(["**Others**" if mine else "", *others] if others else []),
        f"-# … and {hidden} more" if hidden > 0 else "",
    ]
    return Card(
        title="Queue",
        description=join_within([part for part in parts if part], PAGE_CHARS_MAX),
        fields=(),
        colour=BLUE,
        buttons=_buttons(queue.mine[:OWN_MAX]),
    )


def _headline(queue: Queue) -> str:
    facts = [f"{counted(queue.making, 'video')} being made"] if queue.making else []
    facts += [f"{counted(queue.waiting, 'video')} waiting for approval"] if queue.waiting else []
    return " · ".join(facts)


def _line(one: Making, now: float, *, by: bool = False) -> str:
    if not one.shown:
        return f"A video in a channel you can't see · {_progress(one, now)}"
    member = f" by <@{one.job.member_id}>" if by else ""
    return f"{prompt_link(one.job)}{member} · {_progress(one, now)} · <t:{int(one.job.created_at)}:R>"


def _progress(one: Making, now: float) -> str:
    """Return an emoji with how the video stands: its place in the queue, or how much is done and how long it takes."""
    emoji, word = state_words(one.job)
    if one.job.state == "queued" and one.live.position is not None:
        word = f"{one.live.position} ahead" if one.live.position else "next in line"
    if one.job.state == "running":
        seen = estimate(now - (one.job.started_at or now), one.live)
        done = None if seen.fraction is None else f"{int(seen.fraction * 100)} %"
        left = None if seen.left_s is None or seen.left_s < 1 else f"about {span(max(5, coarse(seen.left_s)))} left"
        word = ", ".join(part for part in (done, left) if part) or word
    return f"{emoji} {word}"


def _buttons(mine: Sequence[Making]) -> tuple[Button, ...]:
    return tuple(
        Button(
            f"Cancel {place}" if len(mine) > 1 else "Cancel",
            "secondary",
            job_button_id("cancel", one.job.id),
            emoji="🛑",
        )
        for place, one in enumerate(mine, start=1)
        if is_cancellable(one.job)
    )
