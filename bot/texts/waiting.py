"""The list of what awaits approval in a server, for those who manage it."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """

    orders: Sequence[Sequence[Job]]
    count: int
    after: str
    next: str | None


def waiting_panel(page: WaitingPage, reader_id: int, notice: str = "") -> Panel:
    """Return the page as this admin may see it; `notice` says what their last press did."""
    blocks: list[Block] = [Text(_head(page, notice))]
    for jobs in page.orders:
        blocks += [Divider(), *_blocks(jobs, page.after, reader_id)]
    if page.after or page.next is not None:
        first = Button("First", "secondary", waiting_button_id("page", "", ""), disabled=not page.after)
        more = Button("More", "secondary", waiting_button_id("page", "", page.next or "end"), disabled=not page.next)
        blocks += [Divider(), Buttons((first, more))]
    return Panel(blocks, AMBER)


def _head(page: WaitingPage, notice: str) -> str:
    head = f"## {counted(page.count, 'order')} waiting for approval" if page.count else NOTHING_WAITS
    return f"{notice}\n{head}" if notice else head


def _blocks(jobs: Sequence[Job], after: str, reader_id: int) -> tuple[Block, ...]:
    job = jobs[0]
    many = f" for {counted(len(jobs), 'variation')}" if len(jobs) > 1 else ""
    price = sum(one.quote_microusd for one in jobs)
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


def waiting_log_line(job: Job) -> str:
    """Return the line for the log channel about a job, or the first of a set, that begins to wait."""
    prompt = as_seen_by(job, 0).options.get("prompt")
    quoted = f": “{plain(prompt, PROMPT_CHARS_MAX)}”" if isinstance(prompt, str) and prompt.strip() else ""
    until = f", until <t:{int(job.approve_by)}:f>" if job.approve_by is not None else ""
    of = 1 if job.variation is None else job.variation.of
    what = "video" if of == 1 else f"{of} variations"
    wait = "waits" if of == 1 else "wait"
    return (
        f"{person(job.member_id)}'s {what} for {dollars(of * job.quote_microusd)} {wait} for approval{until}{quoted}\n"
        f"-# [Open it]({card_url(job)}), or see them all with `/wanda-admin waiting`."
    )
