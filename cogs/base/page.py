"""Pages of a list: the cursors in their buttons' ids, and the answer that shows one."""

from collections.abc import Awaitable
from math import isfinite

from bot.answers import error_boundary
from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger.history import Cursor
from bot.texts.card import Card
from bot.texts.trouble import PAGE_TROUBLE

STALE = "This page is too old to open. Use the command again."


def cursor_text(at: float, identity: str) -> str:
    """Return a list's cursor as text for a button's id: Unix seconds and the row's id."""
    return f"{at!r}/{identity}"


def read_cursor(text: str) -> Cursor | None:
    """Return the cursor from `cursor_text`; None, the beginning of the list, for an empty text.

    Raises:
        OptionRefused: the text is malformed.
    """
    if not text:
        return None
    at, _, identity = text.partition("/")
    try:
        at_s = float(at)
    except ValueError:
        raise OptionRefused(STALE) from None
    if not isfinite(at_s):
        raise OptionRefused(STALE)
    return at_s, identity


async def turn_page(interaction: Interaction, page: Awaitable[Card]) -> None:
    """Replace the page shown, or say privately why not."""
    await interaction.response.defer()
    async with error_boundary(interaction, PAGE_TROUBLE):
        await show_page(interaction, await page)


async def show_page(interaction: Interaction, card: Card) -> None:
    """Show the page in a deferred answer."""
    await interaction.edit_original_response(content=None, embed=to_embed(card), view=to_view(card))
