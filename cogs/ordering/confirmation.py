"""The confirmation of a costly order, and its three buttons: Make it, Cheaper, Cancel."""

import asyncio
from dataclasses import replace

import discord

from bot.answers import AnyInteraction, answer_privately, error_boundary, sentence_for
from bot.cards.embeds import to_embed, to_view
from bot.catalogue.cheaper import cheaper
from bot.client import Interaction, Services
from bot.errors import Refusal, StorageError
from bot.jobs.model import Order
from bot.runner.job_files import OrderFiles
from bot.texts.button_ids import QUESTION_TEMPLATE
from bot.texts.card import Card
from bot.texts.confirmation import price_confirmation
from cogs.base.acknowledgement import acknowledgement_of, under_way
from cogs.base.button import PersistentButton
from cogs.base.cog import LoopCog
from cogs.ordering.card_place import second_card
from cogs.ordering.checks import CheckedQuote, check_quote, interaction_member, rule_query
from cogs.ordering.posting_rights import check_place

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
    """Ask the member privately, and keep the order until they answer.

    With `in_public` the answer so far is public, and is deleted first.
    """
    services = interaction.client.services
    card = confirmation_card(services, order, checked)
    view = to_view(card) or discord.utils.MISSING
    await services.pending_orders.keep(order)
    if in_public:
        await interaction.delete_original_response()
        await interaction.followup.send(embed=to_embed(card), view=view, ephemeral=True)
    else:
        await interaction.edit_original_response(embed=to_embed(card), view=view)


def confirmation_card(services: Services, order: Order, checked: CheckedQuote) -> Card:
    """Return the card that asks the member to confirm the order, with the next lower price."""
    mode = order.request.mode
    less = cheaper(mode, order.request.facts(), services.prices)
    prompt = mode.options().get("prompt")
    return price_confirmation(
        order.id,
        mode_title=mode.title,
        settings=mode.describe(),
        prompt=prompt if isinstance(prompt, str) else None,
        quote=order.quote,
        view=checked.view,
        decision=checked.decision,
        cheaper=None if less is None else less[1],
    )


class ConfirmationButton(PersistentButton, template=QUESTION_TEMPLATE):
    """One of the three buttons below the question; only its member sees them."""

    async def pressed(self, interaction: Interaction) -> None:
        """Make the video, ask again at a lower price, or drop the order."""
        services, order_id = interaction.client.services, self.parts["order_id"]
        asked = services.pending_orders.find(order_id, member_id=interaction.user.id)
        if self.parts["answer"] != "drop" and asked is not None:
            await check_place(interaction, asked.request.mode.id)
        order = services.pending_orders.take(order_id, member_id=interaction.user.id)
        if order is None:
            await _say(interaction, GONE)
            return
        async with (
            error_boundary(interaction, say=_say),
            OrderFiles(services.order_space, order.id, order.who.requester) as files,
        ):
            try:
                # The question may be 15 minutes old; the member's current roles count.
                order = replace(order, who=replace(order.who, role_ids=interaction_member(interaction).role_ids))
                await self._answer(interaction, order, files)
            except Exception:
                services.pending_orders.take(order_id, member_id=interaction.user.id)
                raise

    async def _answer(self, interaction: Interaction, order: Order, files: OrderFiles) -> None:
        """Carry out the answer; the files stay if the order was accepted or is pending."""
        match self.parts["answer"]:
            case "make":
                await _make(interaction, order)
                files.leave_to_job()
            case "cheaper":
                await _offer_cheaper(interaction, order)
                files.leave_to_pending_order()
            case _:
                await _say(interaction, DROPPED)


async def _make(interaction: Interaction, order: Order) -> None:
    """Post a card and accept the job on it; the card is deleted if the job is refused."""
    await _say(interaction, BEGUN)
    services = interaction.client.services
    async with under_way(services, replace(acknowledgement_of(interaction, "placeholder"), id=order.id)):
        card = await second_card(interaction)
        try:
            await services.runner.accept(replace(order, address=card))
        except Exception:
            await interaction.followup.delete_message(card.message_id)
            raise


async def _offer_cheaper(interaction: Interaction, order: Order) -> None:
    """Ask again at the next lower price; if there is none, keep the question."""
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
        await answer_privately(interaction, sentence_for(error, interaction))
        return
    await services.pending_orders.keep(less)
    card = confirmation_card(services, less, checked)
    await interaction.edit_original_response(embed=to_embed(card), view=to_view(card))


async def _say(interaction: AnyInteraction, sentence: str) -> None:
    """Replace the question with a sentence."""
    if interaction.response.is_done():
        await interaction.edit_original_response(content=sentence, embed=None, view=None)
    else:
        await interaction.response.edit_message(content=sentence, embed=None, view=None)


class Confirmations(LoopCog):
    """The question's buttons, and the removal of orders that nobody confirms."""

    buttons = (ConfirmationButton,)

    async def loop(self) -> None:
        """Remove expired orders and their files, at least once a minute."""
        services = self.bot.services
        while True:
            await asyncio.sleep(min(CLEANUP_EVERY_S, services.settings.jobs.pending_order_life_s))
            await services.pending_orders.drop_expired()

    async def cog_unload(self) -> None:
        """Also delete every pending order and its files: they do not survive the process."""
        await super().cog_unload()
        await self.bot.services.pending_orders.drop_all()
