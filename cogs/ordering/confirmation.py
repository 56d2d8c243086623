"""The question before a costly job, and its three buttons: Make it, Cheaper, Cancel."""

import asyncio
import logging
import re
from dataclasses import replace
from typing import Any, Self

import discord
from discord.ext import commands

from bot.cards.embeds import to_embed, to_view
from bot.catalogue.cheaper import cheaper
from bot.client import FAILED, STORAGE_TROUBLE, Interaction, Services, Wanda, answer_privately
from bot.errors import Refusal, StorageError
from bot.media.intake import discard, inputs_folder
from bot.runner.drafts import Draft
from bot.tasks import end
from cogs.ordering.card_place import order_of, second_card
from cogs.ordering.quote import Weighed, question, weigh
from cogs.ordering.who import asker

log = logging.getLogger(__name__)
GONE = (
    "This question is over: it was answered, or too much time has passed, or Wanda was restarted. "
    "Nothing was charged for it; run the command again if you still want the video."
)
BEGUN = "Wanda is on it; the card in the channel shows how it goes."
DROPPED = "Cancelled. Nothing was held or charged."
TIDY_S = 60.0  # between two looks for questions whose time is over
CHEAPEST = "This is already the cheapest way to make it. Press Make it or Cancel."


async def ask_first(interaction: Interaction, draft: Draft, weighed: Weighed, *, in_public: bool) -> None:
    """Ask the member privately; a public answer that was begun is taken back. The draft's files are kept meanwhile."""
    services = interaction.client.services
    card = question(services, draft, weighed)
    view = to_view(card) or discord.utils.MISSING
    await _keep(services, draft)
    if in_public:
        await interaction.delete_original_response()
        await interaction.followup.send(embed=to_embed(card), view=view, ephemeral=True)
    else:
        await interaction.edit_original_response(embed=to_embed(card), view=view)


async def _keep(services: Services, draft: Draft) -> None:
    for over in services.drafts.keep(draft):
        await _forget(services, over)


async def _forget(services: Services, draft: Draft) -> None:
    await discard(inputs_folder(services.settings.data_dir, draft.id))


class DraftButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"wanda:(?P<wish>make|cheaper|drop):(?P<draft_id>[0-9a-f]{32})",
):
    """One of the three buttons below the question; only its member sees them."""

    def __init__(self, wish: str, draft_id: str) -> None:
        """Stand for the button that the card shows."""
        super().__init__(discord.ui.Button(label=wish, custom_id=f"wanda:{wish}:{draft_id}"))
        self.wish = wish
        self.draft_id = draft_id

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the wish and the draft from the button's id."""
        return cls(match["wish"], match["draft_id"])

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Carry the wish out; errors are answered here, because discord.py only logs them."""
        draft = interaction.client.services.drafts.take(self.draft_id, member_id=interaction.user.id)
        if draft is None:
            await _say(interaction, GONE)
            return
        # Roles count as they are at the press: the question may be a quarter of an hour old.
        try:
            draft = replace(draft, who=replace(draft.who, role_ids=asker(interaction).role_ids))
            match self.wish:
                case "make":
                    await _make(interaction, draft)
                case "cheaper":
                    await _cheaper(interaction, draft)
                case _:
                    await _say(interaction, DROPPED)
                    await _forget(interaction.client.services, draft)
        except Exception:
            log.exception("a button below a question failed")
            interaction.client.services.drafts.take(self.draft_id, member_id=interaction.user.id)
            await _forget(interaction.client.services, draft)
            await _say(interaction, FAILED)


async def _make(interaction: Interaction, draft: Draft) -> None:
    """Have the job accepted on a card of its own, or say why not; what is not accepted leaves nothing."""
    services = interaction.client.services
    await _say(interaction, BEGUN)
    card = await second_card(interaction)
    try:
        await services.runner.accept(order_of(draft, card))
    except Refusal as refusal:
        sentence = str(refusal)
    except StorageError:
        log.exception("a job was refused: the database did not answer")
        sentence = STORAGE_TROUBLE
    except Exception:
        log.exception("a job failed before it was accepted")
        sentence = FAILED
    else:
        return
    await interaction.followup.delete_message(card.message_id)
    await _forget(services, draft)
    await _say(interaction, sentence)


async def _cheaper(interaction: Interaction, draft: Draft) -> None:
    """Ask again at the next lower price; the member may go on until there is none."""
    services = interaction.client.services
    found = cheaper(draft.mode, {item.option: item for item in draft.inputs}, services.prices)
    if found is None:
        await _keep(services, draft)
        await interaction.response.send_message(CHEAPEST, ephemeral=True)
        return
    await interaction.response.defer()  # the database may take longer than Discord waits
    less = replace(draft, mode=found[0])
    try:
        weighed = await weigh(services, less.who, less.mode, less.inputs)
    except (Refusal, StorageError) as error:
        await _keep(services, draft)
        await answer_privately(interaction, str(error) if isinstance(error, Refusal) else STORAGE_TROUBLE)
        return
    await _keep(services, less)
    card = question(services, less, weighed)
    await interaction.edit_original_response(embed=to_embed(card), view=to_view(card))


async def _say(interaction: Interaction, sentence: str) -> None:
    """Put a sentence in the question's place."""
    if interaction.response.is_done():
        await interaction.edit_original_response(content=sentence, embed=None, view=None)
    else:
        await interaction.response.edit_message(content=sentence, embed=None, view=None)


class Confirmations(commands.Cog):
    """Owns the question's buttons."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is registered before `cog_load`."""
        self.bot = bot
        self._tidying: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        """Begin to answer the buttons, and to remove the files of questions that nobody answers."""
        self.bot.add_dynamic_items(DraftButton)
        self._tidying = asyncio.create_task(self._tidy(), name="questions")

    async def cog_unload(self) -> None:
        """Answer them no more; a question does not outlive the process, and neither do its files."""
        self.bot.remove_dynamic_items(DraftButton)
        await end(self._tidying)
        for over in self.bot.services.drafts.all():
            await _forget(self.bot.services, over)

    async def _tidy(self) -> None:
        services = self.bot.services
        while True:
            await asyncio.sleep(min(TIDY_S, services.settings.draft_life_s))
            for over in services.drafts.expired():
                await _forget(services, over)


def questions(bot: Wanda) -> tuple[Confirmations]:
    """Make the cog."""
    return (Confirmations(bot),)
