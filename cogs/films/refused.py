"""What a member can do when there is too little money for a film, or for another try of a shot: ask an admin."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from bot.client import Interaction, requester_of
from bot.errors import QuotaExceeded
from bot.films.model import Draft
from bot.ids import new_id
from bot.ledger import holds
from bot.ledger.decision import grant_needed
from bot.money import in_whole_cents
from bot.refused_orders import RefusedOrder
from bot.texts import film_panel as words
from bot.texts.money_requests import asked
from bot.texts.next_steps import ask_step
from cogs.films.drafts import show_draft
from cogs.ordering.ask_admin import ask_admins
from cogs.ordering.checks import interaction_member

Again: TypeAlias = Callable[[Interaction], Awaitable[None]]


async def ask_for_film(interaction: Interaction, draft: Draft) -> None:
    """Ask the admins for what is missing of the draft's price, and show the draft again.

    Raises:
        Refusal: it has no price, or they cannot be asked now.
        StorageError: the database did not answer.
    """
    microusd = interaction.client.services.films.price(draft).microusd
    short = await _short_microusd(interaction, microusd)
    if not short:
        await show_draft(interaction, draft)
        return
    channel_id = await ask_admins(interaction, amount_microusd=short, price_microusd=microusd)
    await show_draft(interaction, draft, asked(channel_id, words.MAKE))


@asynccontextmanager
async def offering_admins(interaction: Interaction, microusd: int, again: Again) -> AsyncGenerator[None]:
    """When the block refuses this price for money, offer to ask an admin for the rest, and to try again after that."""
    try:
        yield
    except QuotaExceeded as error:
        short = await _short_microusd(interaction, microusd)
        if short:
            services = interaction.client.services
            refused_id = new_id(at=services.clock())
            services.refused_orders.add(
                RefusedOrder(
                    id=refused_id,
                    requester=requester_of(interaction),
                    redo=_Redo(again),
                    at=services.clock(),
                    price_microusd=microusd,
                    short_microusd=short,
                )
            )
            error.next_steps = (ask_step(refused_id),)
        raise


class _Redo:
    """How a refused shot is tried again; there is no form for it."""

    own_microusd: int | None = None

    def __init__(self, again: Again) -> None:
        self._again = again

    async def open_form(self, interaction: Interaction) -> None:
        """Try it again as it was."""
        await self._again(interaction)

    async def again(self, interaction: Interaction, changes: Mapping[str, Any]) -> None:
        """Try it again; nothing of it is changed."""
        del changes
        await self._again(interaction)


async def _short_microusd(interaction: Interaction, microusd: int) -> int:
    """Return the grant that is missing for this price; 0 if none would help."""
    services, who = interaction.client.services, interaction_member(interaction)
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    return in_whole_cents(grant_needed(view, microusd))
