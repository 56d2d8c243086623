"""Deletes a finished video: a button asks first, and a reaction can be taken back for some seconds."""

import logging

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.embeds import to_buttons
from bot.client import Interaction, Services, Wanda
from bot.errors import FilesUnavailable, OptionRefused
from bot.files.names import result_name
from bot.jobs.events import LateTried
from bot.jobs.model import Job
from bot.jobs.queries import jobs_of_set
from bot.jobs.removals import note_removal
from bot.jobs.transactions import advance
from bot.log import job_scope
from bot.texts import deletion
from bot.texts.button_ids import DELETION_TEMPLATE
from bot.texts.set_card import is_on_message
from cogs.base.component import PersistentButton
from cogs.ordering.posting_rights import check_commands
from cogs.results.films import check_over, files_of, film_of, shots_on_message
from cogs.results.rerun import finished_job

log = logging.getLogger(__name__)


class DeletionButton(PersistentButton, template=DELETION_TEMPLATE):
    """Delete it or Keep it, below the private question."""

    async def pressed(self, interaction: Interaction) -> None:
        """Delete the video, if the member still may, or leave it."""
        if self.parts["answer"] != "yes":
            await interaction.response.edit_message(content=deletion.KEPT, view=None)
            return
        await interaction.response.defer()
        job = await finished_job(interaction.client.services, self.parts["job_id"], guild_id=interaction.guild_id)
        _check_may_delete(interaction, job)
        await check_film_is_over(interaction.client.services, job)
        gone = await delete_video(interaction.client, job)
        said = deletion.DELETED if gone else deletion.NOT_DELETED
        await interaction.edit_original_response(content=said, view=None)


async def ask_to_delete(interaction: Interaction, job: Job) -> None:
    """Ask the member privately whether the video shall be deleted.

    Raises:
        OptionRefused: they may not delete it.
        NotAllowed: they may not use commands here.
    """
    _check_may_delete(interaction, job)
    view = to_buttons(deletion.deletion_buttons(job.id))
    await interaction.response.send_message(deletion.QUESTION, view=view, ephemeral=True)


def _check_may_delete(interaction: Interaction, job: Job) -> None:
    if interaction.user.id != job.member_id:
        check_commands(interaction)
        if not interaction.permissions.manage_messages:
            raise OptionRefused(deletion.MAY_NOT_DELETE)


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
            with job_scope(job.id):
                log.warning("the card of job %s could not be deleted: %s", job.id, met)
            return False
    film = await film_of(bot.services, job)
    jobs = await _jobs_on_card(bot.services, job) if film is None else shots_on_message(*film)
    names = [result_name(one.id) for one in jobs] if film is None else files_of(*film)
    for name in names:
        try:
            await bot.services.files.remove([name])
        except FilesUnavailable as error:
            with job_scope(job.id):
                log.warning("Wanda's copy of a video is deleted later: %s", error)
            await bot.services.store.write(note_removal(name), guild_id=None)
    for one in jobs:
        if one.late_at is not None:
            ending = advance(one.id, LateTried(None), now=bot.services.clock())
            await bot.services.store.write(ending, guild_id=one.guild_id)
    return True


async def check_film_is_over(services: Services, job: Job) -> None:
    """Check that the message is none of a film that is still being made; raises OptionRefused."""
    film = await film_of(services, job)
    if film is not None:
        check_over(film[0])


async def _jobs_on_card(services: Services, job: Job) -> tuple[Job, ...]:
    """Return the job, or all finished variations whose message it shares."""
    if job.variation is None or not is_on_message(job):
        return (job,)
    jobs = await services.store.read(jobs_of_set(job.set_id))
    return tuple(one for one in jobs if one.state == "done" and is_on_message(one))
