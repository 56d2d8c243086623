"""Pages of history: the admins' acts, and the movements of money."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger.acts import acts_of
from bot.ledger.movements import MovementCursor, movements
from bot.texts import history
from bot.texts.button_ids import HISTORY_PAGE_TEMPLATE, HistoryKind
from bot.texts.card import Card
from bot.texts.history import PAGE_LINES, HistoryPage
from bot.texts.jobs import ANY
from cogs.admin.permission import check_admin
from cogs.base.component import PersistentButton
from cogs.base.page import STALE, cursor_text, read_cursor, turn_page
from cogs.jobs.cog import page_of_jobs
from cogs.ordering.checks import interaction_member

T = TypeVar("T")


async def history_page(interaction: Interaction, kind: HistoryKind, cursor: str) -> Card:
    """Return the page after `cursor`; "" is the newest page.

    Raises:
        NotAdmin: the page is for admins only.
        OptionRefused: the cursor is malformed.
        StorageError: the database did not answer.
    """
    store = interaction.client.services.store
    who = interaction_member(interaction)
    more = PAGE_LINES + 1  # one more shows whether there is an older page
    match kind:
        case "history":  # a button of a list that `/quota history` showed before there was one list
            return await page_of_jobs(interaction, ANY, ANY, "")
        case "acts":
            check_admin(interaction)
            acts = await store.read(acts_of(who.guild_id, limit=more, before=_number(cursor)))
            page = _page(kind, cursor, acts, lambda act: str(act.id))
            return history.acts_card(page, acts[:PAGE_LINES])
        case "money":
            check_admin(interaction)
            moved = await store.read(movements(who.guild_id, limit=more, before=_place(cursor)))
            page = _page(
                kind, cursor, moved, lambda one: cursor_text(one.entry.at, f"{one.entry.job_id}/{one.entry.kind}")
            )
            return history.money_card(page, moved[:PAGE_LINES])


def _page(kind: HistoryKind, cursor: str, found: Sequence[T], key: Callable[[T], str]) -> HistoryPage:
    older = key(found[PAGE_LINES - 1]) if len(found) > PAGE_LINES else None
    return HistoryPage(kind=kind, cursor=cursor, older=older)


def _place(cursor: str) -> MovementCursor | None:
    found = read_cursor(cursor)
    if found is None:
        return None
    at, rest = found
    job_id, _, kind = rest.partition("/")
    return at, job_id, kind


def _number(cursor: str) -> int | None:
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit()):
        raise OptionRefused(STALE)
    return int(cursor)


class HistoryPageButton(PersistentButton, template=HISTORY_PAGE_TEMPLATE):
    """Shows another page in a private answer."""

    async def pressed(self, interaction: Interaction) -> None:
        """Replace the page shown."""
        kind = cast("HistoryKind", self.parts["kind"])
        await turn_page(interaction, history_page(interaction, kind, self.parts["cursor"]))
