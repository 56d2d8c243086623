"""The buttons below a finished video: the same again, a little different, longer, restyled, at another price, gone."""

import asyncio
import logging
import re
from dataclasses import replace
from typing import Any, Self

import discord
from discord.ext import commands

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.client import Interaction, Wanda
from bot.errors import OptionRefused
from bot.jobs.model import Job
from bot.jobs.order import Request
from bot.jobs.rerun import draft_of, final_of, rerun
from bot.runner.job_files import inputs_gone, result_path
from bot.texts import finished
from cogs.ordering.member import check_place
from cogs.results import forms
from cogs.results.rerun import answering, check_kept, finished_job, order_rerun

log = logging.getLogger(__name__)


class ResultButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=finished.AGAIN_TEMPLATE):
    """One of the buttons below a finished video; whoever presses it pays."""

    def __init__(self, what: str, job_id: str) -> None:
        """Stand for the button that the card shows."""
        super().__init__(discord.ui.Button(label=what, custom_id=f"wanda:{what}:{job_id}"))
        self.what = what
        self.job_id = job_id

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the action and the job from the button's id."""
        return cls(match["what"], match["job_id"])

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Perform the action; errors are answered here, because discord.py only logs them."""
        await answering(interaction, self._press(interaction))

    async def _press(self, interaction: Interaction) -> None:
        services = interaction.client.services
        job = await finished_job(services, self.job_id, guild_id=interaction.guild_id)
        match self.what:
            case "delete":
                await _delete(interaction, job)
            case "continue" | "restyle":
                check_place(interaction)
                await forms.ask_for_clip(interaction, job, self.what)
            case "edit":
                check_place(interaction)
                await check_kept(services, job)
                await interaction.response.send_modal(forms.EditForm(services, job))
            case _:
                await self._rerun(interaction, job)

    async def _rerun(self, interaction: Interaction, job: Job) -> None:
        services = interaction.client.services
        gone = await inputs_gone(job, services.settings.storage.data_dir)
        request = replace(_request(job, self.what), trigger=f"button:{self.what}")
        if gone and len(job.inputs) <= finished.UPLOADS_MAX:
            check_place(interaction)
            await interaction.response.send_modal(forms.UploadForm(services, job, request))
            return
        await order_rerun(interaction, job, request)


def _request(job: Job, what: str) -> Request:
    match what:
        case "draft":
            return draft_of(job)
        case "final":
            return final_of(job)
        case _:
            return rerun(job, seed="new" if what == "reseed" else "same")


async def _delete(interaction: Interaction, job: Job) -> None:
    if interaction.user.id != job.member_id and not interaction.permissions.manage_messages:
        raise OptionRefused(finished.MAY_NOT_DELETE)
    await interaction.response.defer(ephemeral=True, thinking=True)
    gone = await delete_video(interaction.client, job)
    await interaction.edit_original_response(content=finished.DELETED if gone else finished.NOT_DELETED)


async def delete_video(bot: Wanda, job: Job) -> bool:
    """Delete the card and Wanda's copy of the video; returns whether both are gone now."""
    address, settings = job.address, bot.services.settings
    channel = bot.get_partial_messageable(address.channel_id, guild_id=job.guild_id)
    try:
        turn = bot.services.turns.turn(address.channel_id, "delete")
        async with turn, discord_request(settings.cards.discord_timeout_s):
            await channel.get_partial_message(address.message_id).delete()
    except DiscordRefused as met:
        if met.trouble != "message_gone":
            log.warning("the card of job %s could not be deleted: %s", job.id, met)
            return False
    await asyncio.to_thread(result_path(job, settings.storage.data_dir).unlink, missing_ok=True)
    return True


class ResultButtons(commands.Cog, name="again"):
    """Owns the buttons below finished videos."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is registered before `cog_load`."""
        self.bot = bot

    async def cog_load(self) -> None:
        """Begin to answer the buttons."""
        self.bot.add_dynamic_items(ResultButton)

    async def cog_unload(self) -> None:
        """Answer them no more."""
        self.bot.remove_dynamic_items(ResultButton)


def again(bot: Wanda) -> tuple[ResultButtons]:
    """Make the cog."""
    return (ResultButtons(bot),)
