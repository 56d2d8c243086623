"""The pages of `/wanda-admin audit`: the admins' acts, and the movements of money."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.jobs.short_id import short_id
from bot.ledger.model import Act
from bot.ledger.movements import Movement
from bot.money import dollars
from bot.texts.button_ids import HistoryKind, history_page_id
from bot.texts.card import BLUE, Card, join_within
from bot.texts.page_buttons import page_buttons
from bot.texts.plain import person, plain
from bot.texts.rules import act_words

PAGE_LINES = 8
PAGE_CHARS_MAX = 4000
REASON_CHARS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Where a page stands: its own cursor ("" is the newest), and that of the next older one, if there is one."""

    kind: HistoryKind
    cursor: str
    older: str | None


def acts_card(page: HistoryPage, acts: Sequence[Act]) -> Card:
    """Return a page of administrative acts."""
    lines = [f"<t:{int(one.at)}:f> {act_words(one)}" for one in acts]
    return _card(page, "Who did what", lines, "No admin has changed anything yet.")


def money_card(page: HistoryPage, movements: Sequence[Movement]) -> Card:
    """Return a page of movements of money."""
    return _card(page, "How the money moved", [_movement(one) for one in movements], "No money has been spent yet.")


def _card(page: HistoryPage, title: str, lines: Sequence[str], nothing: str) -> Card:
    return Card(
        title=title,
        description=join_within(lines, PAGE_CHARS_MAX) or nothing,
        fields=(),
        colour=BLUE,
        footer="Newest first" if lines else None,
        buttons=page_buttons(partial(history_page_id, page.kind), cursor=page.cursor, older=page.older),
    )


def _movement(one: Movement) -> str:
    entry = one.entry
    who = person(one.member_id) if one.member_id else "a member"
    by = f" · by {plain(entry.actor, 40).capitalize()}" if not entry.actor.startswith("member:") else ""
    return (
        f"<t:{int(entry.at)}:f> **{_amount(one)}** · {who}\n"
        f"-# job {short_id(entry.job_id)}{by} · {plain(entry.why, REASON_CHARS_MAX)}"
    )


def _amount(one: Movement) -> str:
    held, spent = one.entry.held_delta_microusd, one.entry.spent_delta_microusd
    match one.entry.kind:
        case "hold":
            return f"{dollars(held)} set aside"
        case "settle" if -held == spent:
            return f"{dollars(spent)} spent"
        case "settle":
            return f"{dollars(spent)} spent of {dollars(-held)} set aside"
        case "release":
            return f"{dollars(-held)} given back"
        case "correct":
            return f"{dollars(spent)} more than booked" if spent > 0 else f"{dollars(-spent)} refunded"
        case "expose":
            return "kept aside, because fal may have billed it"
