"""Pages of history with buttons that carry their own cursor, so that they work after a restart too."""

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from math import isfinite
from typing import Any, Self, TypeVar, cast

import discord

from bot.cards.embeds import to_embed, to_view
from bot.client import STORAGE_TROUBLE, Interaction, answer_privately
from bot.errors import OptionRefused, Refusal, StorageError
from bot.ledger.acts import acts_of
from bot.ledger.history import Cursor, member_history
from bot.ledger.movements import MovementCursor, movements
from bot.texts import history
from bot.texts.card import Card
from bot.texts.history import PAGE_LINES, PAGE_TEMPLATE, HistoryPage, What
from cogs.admin.desk import NotAdmin, check_admin
from cogs.ordering.member import member_of

log = logging.getLogger(__name__)
T = TypeVar("T")
STALE = "This page cannot be opened any more. Use the command again."


async def page_card(interaction: Interaction, what: What, cursor: str) -> Card:
    """Return the page that begins after `cursor`, or the newest one when that is empty.

    Raises:
        NotAdmin: the page is for admins, and this is none.
        OptionRefused: the cursor is not one of ours.
        StorageError: the database did not answer.
    """
    store = interaction.client.services.store
    who = member_of(interaction)
    more = PAGE_LINES + 1  # one more tells whether there is an older page
    match what:
        case "history":
            jobs = await store.read(member_history(who.guild_id, who.member_id, limit=more, before=moment(cursor)))
            page = _page(what, cursor, jobs, lambda job: cursor_text(job.counted_at, job.job_id))
            return history.history_card(page, jobs[:PAGE_LINES])
        case "acts":
            check_admin(interaction)
            acts = await store.read(acts_of(who.guild_id, limit=more, before=_number(cursor)))
            page = _page(what, cursor, acts, lambda act: str(act.id))
            return history.acts_card(page, acts[:PAGE_LINES])
        case "money":
            check_admin(interaction)
            moved = await store.read(movements(who.guild_id, limit=more, before=_place(cursor)))
            page = _page(
                what, cursor, moved, lambda one: cursor_text(one.entry.at, f"{one.entry.job_id}/{one.entry.kind}")
            )
            return history.money_card(page, moved[:PAGE_LINES])


def _page(what: What, cursor: str, found: Sequence[T], key: Callable[[T], str]) -> HistoryPage:
    older = key(found[PAGE_LINES - 1]) if len(found) > PAGE_LINES else None
    return HistoryPage(what=what, cursor=cursor, older=older)


def cursor_text(at: float, identity: str) -> str:
    """Return a place in a list as a button's id carries it: a moment in Unix seconds, and whose it is."""
    return f"{at!r}/{identity}"


def moment(cursor: str) -> Cursor | None:
    """Return the place that `cursor_text` wrote; None, the beginning, when it is empty.

    Raises:
        OptionRefused: it is not one of ours.
    """
    if not cursor:
        return None
    at, _, identity = cursor.partition("/")
    try:
        at_s = float(at)
    except ValueError:
        raise OptionRefused(STALE) from None
    if not isfinite(at_s):
        raise OptionRefused(STALE)
    return at_s, identity


def _place(cursor: str) -> MovementCursor | None:
    found = moment(cursor)
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


class PageButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=PAGE_TEMPLATE):
    """Turns the page of a private answer."""

    def __init__(self, what: What, cursor: str) -> None:
        """Stand for the button that the card shows."""
        super().__init__(discord.ui.Button(label="HistoryPage", custom_id=f"{history.PAGE_PREFIX}{what}:{cursor}"))
        self.what: What = what
        self.cursor = cursor

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the page from the button's id."""
        return cls(cast("What", match["what"]), match["cursor"])

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Put the page in the place of the one that is shown; errors are answered here: discord.py only logs them."""
        await interaction.response.defer()
        await turn_page(interaction, page_card(interaction, self.what, self.cursor))


async def turn_page(interaction: Interaction, page: Awaitable[Card]) -> None:
    """Show the page in the place of the one that is shown, or say privately why not; the answer is deferred already."""
    try:
        card = await page
    except (Refusal, NotAdmin) as refusal:
        await answer_privately(interaction, str(refusal))
    except StorageError:
        log.exception("a page was refused: the database did not answer")
        await answer_privately(interaction, STORAGE_TROUBLE)
    except Exception:
        log.exception("a page failed")
        await answer_privately(interaction, "Something went wrong in Wanda. Please tell an admin.")
    else:
        await show_page(interaction, card)


async def show_page(interaction: Interaction, card: Card) -> None:
    """Answer with the page."""
    await interaction.edit_original_response(content=None, embed=to_embed(card), view=to_view(card))
