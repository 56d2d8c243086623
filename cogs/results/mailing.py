"""Sends a finished video with its recipe to a member by direct message."""

import asyncio
import io
import logging

import discord

from bot.cards.direct_message import mail
from bot.cards.discord_request import DISCORD_ERRORS
from bot.cards.poster import UPLOAD_BYTES_MAX
from bot.cards.result_file import ending
from bot.client import Interaction, Wanda
from bot.errors import Busy
from bot.jobs.disclosure import hidden_options
from bot.jobs.model import Job
from bot.jobs.recipe import recipe_of
from bot.jobs.short_id import short_id
from bot.runner.job_files import small_result
from bot.texts import finished
from bot.texts.result_link import spoiler_mark
from cogs.base.acknowledgement import think
from cogs.ordering.posting_rights import Place, check_access
from cogs.results.films import film_of, mail_film

log = logging.getLogger(__name__)
RECIPES = "jobs"  # the command that gives a video's recipe too
_mailing: set[int] = set()  # members whose press is being answered: one upload for each at a time


async def mail_video(bot: Wanda, job: Job, member_id: int) -> None:
    """Send the video, or its link if it is too large, and the recipe.

    Raises:
        discord.Forbidden: the member takes no direct messages.
        discord.HTTPException, TimeoutError: Discord refused or failed.
    """
    film = await film_of(bot.services, job)
    if film is not None:
        await mail_film(bot, *film, member_id)
        return
    settings = bot.services.settings
    video = await small_result(job, bot.services.files, bytes_max=UPLOAD_BYTES_MAX)
    name = f"wanda-{job.mode}-{short_id(job.id)}"
    is_cut = "prompt" in hidden_options(job, member_id)
    text = finished.mail_text(job, attached=video is not None, is_cut=is_cut)
    files = [discord.File(io.BytesIO(recipe_of(job, reader_id=member_id).to_file()), filename=f"{name}.json")]
    if video is not None:
        video_ending = await asyncio.to_thread(ending, video)
        files.insert(0, discord.File(video, filename=f"{spoiler_mark(job)}{name}.{video_ending}"))
    try:
        async with asyncio.timeout(settings.fal.upload_timeout_s):
            await mail(bot, member_id, text, files=files)
    finally:
        for file in files:
            file.close()


async def mail_to_presser(interaction: Interaction, job: Job) -> None:
    """Send the video to the member who pressed, and say privately whether that worked.

    Raises:
        Busy: the last one of this member is still under way.
        Refusal: they may not have recipes here.
    """
    await check_access(Place.of(interaction), interaction.client, RECIPES)
    member_id = interaction.user.id
    if member_id in _mailing:
        raise Busy(finished.MAIL_UNDER_WAY)
    _mailing.add(member_id)
    try:
        await think(interaction)
        await interaction.edit_original_response(content=await _mailed(interaction, job))
    finally:
        _mailing.discard(member_id)


async def _mailed(interaction: Interaction, job: Job) -> str:
    try:
        await mail_video(interaction.client, job, interaction.user.id)
    except discord.Forbidden:
        return finished.MAIL_CLOSED
    except DISCORD_ERRORS as error:
        log.warning("a video could not be sent by direct message: %s", error)
        return finished.MAIL_FAILED
    return finished.MAILED
