"""The list of what awaits approval in a server, for those who manage it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.jobs.disclosure import as_seen_by
from bot.jobs.model import Job, card_url
from bot.money import dollars
from bot.texts.button_ids import waiting_button_id
from bot.texts.card import AMBER, Button
from bot.texts.mode_settings import mode_settings_of
from bot.texts.panel import Block, Buttons, Divider, Link, Panel, Text
from bot.texts.plain import person, plain
from bot.units import counted

PAGE_JOBS = 5  # each takes five of a message's forty components
PROMPT_CHARS_MAX = 150
NOTHING_WAITS = "Nothing is waiting for approval right now."


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPage:
    """A page of the list: its orders, oldest first, and how many wait in all. An order has one job, or those of a set.

    `after` is the id of the last job of the page before, "" on the first; `next` is this page's last, None on the last.
    `reserved` is what is held beside an order's jobs for what it goes on with, by the order's id: a film's other shots.
    """

    orders: Sequence[Sequence[Job]]
    count: int
    after: str
    next: str | None
    reserved: Mapping[str, int] = field(default_factory=dict[str, int])


def order_id(job: Job) -> str:
    """Return the id of what was ordered at once: a film, a set, or a video."""
    return job.set_id if job.part is None else job.part.film_id


def waiting_panel(page: WaitingPage, reader_id: int, notice: str = "") -> Panel:
    """Return the page as this admin may see it; `notice` says what their last press did."""
    blocks: list[Block] = [Text(_head(page, notice))]
    for jobs in page.orders:
        blocks += [Divider(), *_blocks(jobs, page, reader_id)]
    if page.after or page.next is not None:
        first = Button("First", "secondary", waiting_button_id("page", "", ""), disabled=not page.after)
        more = Button("More", "secondary", waiting_button_id("page", "", page.next or "end"), disabled=not page.next)
        blocks += [Divider(), Buttons((first, more))]
    return Panel(blocks, AMBER)


def _head(page: WaitingPage, notice: str) -> str:
    head = f"## {counted(page.count, 'order')} waiting for approval" if page.count else NOTHING_WAITS
    return f"{notice}\n{head}" if notice else head


def _blocks(jobs: Sequence[Job], page: WaitingPage, reader_id: int) -> tuple[Block, ...]:
    job, after = jobs[0], page.after
    many = f" for {counted(len(jobs), 'variation')}" if len(jobs) > 1 else ""
    many = many if job.part is None else f" for a {_what(job)}"
    price = sum(one.quote_microusd for one in jobs) + page.reserved.get(order_id(job), 0)
    seen, told = as_seen_by(job, reader_id), mode_settings_of(job)
    settings = " · ".join(str(value) for _, value in told.settings[:2])
    until = f" · ends <t:{int(job.approve_by)}:R>" if job.approve_by is not None else ""
    prompt = seen.options.get("prompt")
    quoted = f"\n> {plain(prompt, PROMPT_CHARS_MAX)}" if isinstance(prompt, str) and prompt.strip() else ""
    return (
        Text(
            f"**{dollars(price)}**{many} · {person(job.member_id)}{until}{quoted}\n"
            f"-# {plain(told.mode_title, 80)}{' · ' if settings else ''}{plain(settings, 80)}"
        ),
        Buttons(
            (
                Button("Approve", "success", waiting_button_id("approve", job.id, after)),
                Button("Decline", "danger", waiting_button_id("decline", job.id, after)),
                Link("Open", card_url(job)),
            )
        ),
    )


def _what(job: Job) -> str:
    """Return what was ordered with this job: "video", "4 variations", "film in 5 shots"."""
    if job.part is not None:
        return f"film in {counted(job.part.of, 'shot')}"
    return "video" if job.variation is None else counted(job.variation.of, "variation")


def waiting_log_line(job: Job, reserved_microusd: int = 0) -> str:
    """Return the line for the log channel about a job, or the first of a set or a film, that begins to wait.

    `reserved_microusd` is what is held beside its jobs.
    """
    prompt = as_seen_by(job, 0).options.get("prompt")
    quoted = f": “{plain(prompt, PROMPT_CHARS_MAX)}”" if isinstance(prompt, str) and prompt.strip() else ""
    until = f", until <t:{int(job.approve_by)}:f>" if job.approve_by is not None else ""
    of = 1 if job.variation is None else job.variation.of
    price, wait = dollars(of * job.quote_microusd + reserved_microusd), "waits" if of == 1 else "wait"
    return (
        f"{person(job.member_id)}'s {_what(job)} for {price} {wait} for approval{until}{quoted}\n"
        f"-# [Open it]({card_url(job)}), or see them all with `/wanda-admin waiting`."
    )
