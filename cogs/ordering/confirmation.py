"""The confirmation of a costly order, and its three buttons: Make it, Cheaper, Cancel."""

import asyncio
import logging
import re
from dataclasses import replace
from typing import Any, Self

import discord
from discord.ext import commands

from bot.cards.embeds import to_embed, to_view
from bot.catalogue.cheaper import cheaper
from bot.client import FAILED, STORAGE_TROUBLE, Interaction, Wanda, answer_privately
from bot.errors import Refusal, StorageError
from bot.jobs.order import Order
from bot.runner.order_files import OrderFiles
from bot.tasks import end
from cogs.ordering.card_place import second_card
from cogs.ordering.member import member_of
from cogs.ordering.quote import CheckedQuote, check_quote, confirmation_card, rule_query

log = logging.getLogger(__name__)
GONE = (
    "This question is over: it was answered, or too much time has passed, or Wanda was restarted. "
    "Nothing was charged for it; run the command again if you still want the video."
)
BEGUN = "Wanda is on it; the card in the channel shows how it goes."
DROPPED = "Cancelled. Nothing was held or charged."
CLEANUP_EVERY_S = 60.0  # interval between removals of expired orders, at most
CHEAPEST = "This is already the cheapest way to make it. Press Make it or Cancel."


async def ask_for_confirmation(
    interaction: Interaction, order: Order, checked: CheckedQuote, *, in_public: bool
) -> None:
    """Ask the member privately, and keep the order until they answer. A public answer of Wanda's is deleted first."""
    services = interaction.client.services
    card = confirmation_card(services, order, checked)
    view = to_view(card) or discord.utils.MISSING
    await services.pending_orders.keep(order)
    if in_public:
        await interaction.delete_original_response()
        await interaction.followup.send(embed=to_embed(card), view=view, ephemeral=True)
    else:
        await interaction.edit_original_response(embed=to_embed(card), view=view)


class ConfirmationButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"wanda:(?P<choice>make|cheaper|drop):(?P<order_id>[0-9a-f]{32})",
):
    """One of the three buttons below the question; only its member sees them."""

    def __init__(self, choice: str, order_id: str) -> None:
        """Stand for the button that the card shows."""
        super().__init__(discord.ui.Button(label=choice, custom_id=f"wanda:{choice}:{order_id}"))
        self.choice = choice
        self.order_id = order_id

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the choice and the order from the button's id."""
        return cls(match["choice"], match["order_id"])

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Answer the question; errors are answered here, because discord.py only logs them."""
        services = interaction.client.services
        order = services.pending_orders.take(self.order_id, member_id=interaction.user.id)
        if order is None:
            await _say(interaction, GONE)
            return
        async with OrderFiles(services.settings.storage.data_dir, order.id) as files:
            try:
                # The question may be a quarter of an hour old: the roles of this moment count.
                order = replace(order, who=replace(order.who, role_ids=member_of(interaction).role_ids))
                if await self._answer(interaction, order):
                    files.keep()
            except Exception:
                log.exception("a button below a question failed")
                services.pending_orders.take(self.order_id, member_id=interaction.user.id)
                await _say(interaction, FAILED)

    async def _answer(self, interaction: Interaction, order: Order) -> bool:
        """Return whether the order was accepted or still waits, so that its files are kept."""
        match self.choice:
            case "make":
                return await _make(interaction, order)
            case "cheaper":
                await _offer_cheaper(interaction, order)
                return True
            case _:
                await _say(interaction, DROPPED)
                return False


async def _make(interaction: Interaction, order: Order) -> bool:
    """Have the job accepted on a card of its own, or say why not; returns whether it was."""
    await _say(interaction, BEGUN)
    card = await second_card(interaction)
    try:
        await interaction.client.services.runner.accept(replace(order, address=card))
    except Refusal as refusal:
        sentence = str(refusal)
    except StorageError:
        log.exception("a job was refused: the database did not answer")
        sentence = STORAGE_TROUBLE
    except Exception:
        log.exception("a job failed before it was accepted")
        sentence = FAILED
    else:
        return True
    await interaction.followup.delete_message(card.message_id)
    await _say(interaction, sentence)
    return False


async def _offer_cheaper(interaction: Interaction, order: Order) -> None:
    """Ask again at the next lower price, or keep the question as it is if there is none."""
    services, request = interaction.client.services, order.request
    found = cheaper(request.mode, request.facts(), services.prices)
    if found is None:
        await services.pending_orders.keep(order)
        await interaction.response.send_message(CHEAPEST, ephemeral=True)
        return
    await interaction.response.defer()  # the database may take longer than Discord waits
    mode, quote = found
    less = replace(order, request=replace(request, mode=mode), quote=quote)
    try:
        checked = await check_quote(services, less.who, rule_query(mode), quote)
    except (Refusal, StorageError) as error:
        await services.pending_orders.keep(order)
        await answer_privately(interaction, str(error) if isinstance(error, Refusal) else STORAGE_TROUBLE)
        return
    await services.pending_orders.keep(less)
    card = confirmation_card(services, less, checked)
    await interaction.edit_original_response(embed=to_embed(card), view=to_view(card))


async def _say(interaction: Interaction, sentence: str) -> None:
    """Replace the question with a sentence."""
    if interaction.response.is_done():
        await interaction.edit_original_response(content=sentence, embed=None, view=None)
    else:
        await interaction.response.edit_message(content=sentence, embed=None, view=None)


class Confirmations(commands.Cog):
    """Owns the question's buttons."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is registered before `cog_load`."""
        self.bot = bot
        self._cleanup: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        """Start the removal of orders that nobody confirms."""
        self.bot.add_dynamic_items(ConfirmationButton)
        self._cleanup = asyncio.create_task(self._remove_expired(), name="expired orders")

    async def cog_unload(self) -> None:
        """Drop every pending order and its files: none outlives the process."""
        self.bot.remove_dynamic_items(ConfirmationButton)
        await end(self._cleanup)
        await self.bot.services.pending_orders.drop_all()

    async def _remove_expired(self) -> None:
        services = self.bot.services
        while True:
            await asyncio.sleep(min(CLEANUP_EVERY_S, services.settings.jobs.draft_life_s))
            await services.pending_orders.drop_expired()


def questions(bot: Wanda) -> tuple[Confirmations]:
    """Make the cog."""
    return (Confirmations(bot),)
