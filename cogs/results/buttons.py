"""The buttons below a finished video: rerun, edit, continue, restyle, another price, delete."""

import asyncio
import logging
from dataclasses import replace

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.client import Interaction, Wanda
from bot.errors import OptionRefused
from bot.jobs.disclosure import as_seen_by
from bot.jobs.machine import LateTried
from bot.jobs.model import Job, Request
from bot.jobs.rerun import at_highest_resolution, at_lowest_resolution, mark_borrowed, rerun
from bot.jobs.transactions import advance
from bot.runner.job_files import inputs_gone, result_path
from bot.texts import finished
from bot.texts.button_ids import RESULT_TEMPLATE
from cogs.base.acknowledgement import think
from cogs.base.button import PersistentButton
from cogs.base.cog import FeatureCog
from cogs.base.form import show_form
from cogs.ordering.checks import check_kept
from cogs.ordering.posting_rights import check_commands, check_place
from cogs.results import forms
from cogs.results.rerun import finished_job, order_rerun

log = logging.getLogger(__name__)


class ResultButton(PersistentButton, template=RESULT_TEMPLATE):
    """A button below a finished video; whoever presses it pays."""

    async def pressed(self, interaction: Interaction) -> None:
        """Rerun the job, open a form, or delete the video."""
        services, action = interaction.client.services, self.parts["action"]
        job = await finished_job(services, self.parts["job_id"], guild_id=interaction.guild_id)
        match action:
            case "delete":
                await _delete(interaction, job)
            case "continue" | "restyle":
                await check_place(interaction, forms.CLIP_MODES[action])
                await forms.ask_for_clip(interaction, job, action)
            case "edit":
                await check_place(interaction, job.mode)
                await check_kept(services, job, reader_id=interaction.user.id)
                await show_form(interaction, forms.EditForm(services, job, member_id=interaction.user.id))
            case _:
                await self._rerun(interaction, job, action)

    async def _rerun(self, interaction: Interaction, job: Job, action: str) -> None:
        services = interaction.client.services
        gone = await inputs_gone(job, services.settings.storage.data_dir)
        request = replace(_request(job, action), trigger=f"button:{action}")
        if gone and len(job.inputs) <= finished.UPLOADS_MAX:
            await check_place(interaction, request.mode.id)
            seen = as_seen_by(job, interaction.user.id)
            request = mark_borrowed(request, job, member_id=interaction.user.id)
            await show_form(interaction, forms.UploadForm(services, seen, request))
            return
        await order_rerun(interaction, job, request)


def _request(job: Job, action: str) -> Request:
    match action:
        case "draft":
            return at_lowest_resolution(job)
        case "final":
            return at_highest_resolution(job)
        case _:
            return rerun(job, seed="new" if action == "reseed" else "same")


async def _delete(interaction: Interaction, job: Job) -> None:
    if interaction.user.id != job.member_id:
        check_commands(interaction)
        if not interaction.permissions.manage_messages:
            raise OptionRefused(finished.MAY_NOT_DELETE)
    await think(interaction)
    gone = await delete_video(interaction.client, job)
    await interaction.edit_original_response(content=finished.DELETED if gone else finished.NOT_DELETED)


async def delete_video(bot: Wanda, job: Job) -> bool:
    """Delete the card and Wanda's copy of the video, and bring no late one; return whether all is deleted now."""
    address, settings = job.address, bot.services.settings
    channel = bot.get_partial_messageable(address.channel_id, guild_id=job.guild_id)
    try:
        turn = bot.services.channel_queue.turn(address.channel_id, "delete")
        async with turn, discord_request(settings.cards.discord_timeout_s):
            await channel.get_partial_message(address.message_id).delete()
    except DiscordRefused as met:
        if met.trouble != "message_gone":
            log.warning("the card of job %s could not be deleted: %s", job.id, met)
            return False
    await asyncio.to_thread(result_path(job, settings.storage.data_dir).unlink, missing_ok=True)
    if job.late_at is not None:
        services = bot.services
        await services.store.write(advance(job.id, LateTried(None), now=services.clock()))
    return True


class ResultButtons(FeatureCog):
    """The buttons below finished videos."""

    buttons = (ResultButton,)
