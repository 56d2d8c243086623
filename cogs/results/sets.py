"""Several variations: how many to make of a finished video, and what to do with the one that is picked."""

from dataclasses import replace

import discord

from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction
from bot.errors import OptionRefused
from bot.jobs.model import Job, Request
from bot.jobs.queries import jobs_of_set
from bot.jobs.rerun import prices_by_resolution, rerun
from bot.texts import finished, set_card
from bot.texts.button_ids import SET_SELECT_TEMPLATE, VARY_TEMPLATE
from bot.texts.card import Card
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.ordering.extras import several
from cogs.ordering.posting_rights import check_place
from cogs.results import forms
from cogs.results.rerun import finished_job, order_rerun

TRIGGER = "button:variations"


class SetSelect(PersistentSelect, template=SET_SELECT_TEMPLATE):
    """The list of a set's videos below their message; whoever orders something of one pays."""

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Show privately what can be made of the chosen video, or order as many variations again."""
        jobs = await interaction.client.services.store.read(jobs_of_set(self.parts["set_id"]))
        ready = [job for job in jobs if job.state == "done" and job.guild_id == interaction.guild_id]
        if not ready:
            raise OptionRefused(finished.NOT_IN_THE_BOOKS)
        if value == set_card.AGAIN:
            await order_variations(interaction, ready[0], set_card.place_of(ready[0]).of)
            return
        picked = next((job for job in ready if str(set_card.place_of(job).number) == value), None)
        if picked is None:
            raise OptionRefused(finished.NOT_FINISHED)
        await show_privately(
            interaction, set_card.pick_card(picked, prices_by_resolution(picked, interaction.client.services.prices))
        )


class VaryButton(PersistentButton, template=VARY_TEMPLATE):
    """How many variations of a finished video to make, below the private question."""

    async def pressed(self, interaction: Interaction) -> None:
        """Order so many."""
        job = await finished_job(interaction.client.services, self.parts["job_id"], guild_id=interaction.guild_id)
        await order_variations(interaction, job, int(self.parts["videos"]))


async def ask_how_many(interaction: Interaction, job: Job) -> None:
    """Ask the member privately how many variations to make, with the price of each number.

    Raises:
        Refusal: the video cannot be made again.
    """
    await check_place(interaction, job.mode)
    each = rerun(job, seed="new").quote(interaction.client.services.prices)
    await show_privately(interaction, finished.how_many_card(job, each.microusd))


async def order_variations(interaction: Interaction, job: Job, videos: int) -> None:
    """Order this many new variations of a finished video; asks for its files if they are not kept any more.

    Raises:
        Refusal: nothing was held or kept; the interaction was not answered.
        StorageError: likewise.
    """
    request = variations_of(job, videos)
    if not await forms.ask_for_gone_files(interaction, job, request):
        await order_rerun(interaction, job, request)


def variations_of(job: Job, videos: int, *, trigger: str = TRIGGER) -> Request:
    """Return the request for this many videos like the job's, each with a new seed; raises as `rerun`."""
    return several(replace(rerun(job, seed="new"), trigger=trigger), videos)


async def show_privately(interaction: Interaction, card: Card) -> None:
    """Answer the press with the card, which only the member sees."""
    await interaction.response.send_message(
        embed=to_embed(card), view=to_view(card) or discord.utils.MISSING, ephemeral=True
    )
