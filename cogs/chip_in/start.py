"""Begins a chip-in for an order, and asks its maker or others how much they add."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import discord

from bot.client import Interaction, Services
from bot.errors import OptionRefused, StorageError
from bot.jobs.chip_in_model import Added
from bot.jobs.model import Order, Request
from bot.ledger import holds
from bot.ledger.decision import most_of_share
from bot.ledger.model import Who
from bot.ledger.typed_amount import typed_amount
from bot.texts import chip_in as words
from cogs.base.form import Form, show_form

log = logging.getLogger(__name__)
LOOK_WITHIN_S = 0.8  # before Discord's 3 s for the first answer are over
Give: TypeAlias = Callable[[Interaction, int], Awaitable[None]]


def may_chip_in(services: Services, request: Request | None) -> bool:
    """Return whether others may pay a part of this: one video of the member's own files."""
    if request is None or not services.settings.chip_ins.each_max:
        return False
    return _is_single(request) and not any(item.is_borrowed for item in request.inputs)


def _is_single(request: Request) -> bool:
    return request.videos == 1 and not request.drafts


async def begin_chip_in(services: Services, order: Order, own_microusd: int) -> Added:
    """Begin to collect for the order on its card, with what its maker adds.

    Raises:
        Refusal: nothing was held or kept.
        StorageError: likewise.
    """
    if not _is_single(order.request):
        raise OptionRefused(words.ONE_VIDEO_ONLY)
    if any(item.is_borrowed for item in order.request.inputs):
        raise OptionRefused(words.OWN_FILES_ONLY)
    return await services.chip_ins.start(order, own_microusd)


class AmountForm(Form):
    """Asks how much the member adds."""

    def __init__(
        self, title: str, give: Give, *, missing_microusd: int, most_microusd: int | None, life_s: float
    ) -> None:
        """Fill in all that they can add of what is missing; `give` is called with what they typed."""
        super().__init__(title=title, timeout=life_s)
        self._give = give
        known: dict[str, Any] = {"price_microusd": missing_microusd, "most_microusd": most_microusd}
        self.amount = discord.ui.TextInput[Any](
            custom_id=words.AMOUNT, default=words.amount_default(**known) or None, max_length=words.AMOUNT_CHARS_MAX
        )
        hint = words.amount_hint(**known)
        self.add_item(discord.ui.Label(text=words.AMOUNT_LABEL, description=hint, component=self.amount))

    async def submitted(self, interaction: Interaction) -> None:
        """Add what was typed."""
        await self._give(interaction, typed_amount(self.amount.value))


async def ask_for_amount(interaction: Interaction, title: str, who: Who, missing_microusd: int, give: Give) -> None:
    """Show the form, with the most that the member can add now if that can be read in time."""
    services = interaction.client.services
    most = None
    try:
        async with asyncio.timeout(LOOK_WITHIN_S):
            view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
        most = most_of_share(view)
    except (TimeoutError, StorageError):
        log.warning("what a member can add could not be read in time")
    life_s = services.settings.jobs.pending_order_life_s
    form = AmountForm(title, give, missing_microusd=missing_microusd, most_microusd=most, life_s=life_s)
    await show_form(interaction, form)
