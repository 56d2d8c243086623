"""`/queue`: what a server is making now."""

from typing import Any

import discord
from discord import app_commands

from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction
from bot.jobs import queries
from bot.jobs.disclosure import as_seen_by
from bot.jobs.model import Job
from bot.texts.queue import Making, Queue, queue_card
from cogs.base.acknowledgement import think
from cogs.base.command_group import BY_SERVER, SERVERS
from cogs.ordering.checks import interaction_member

LOOKED_AT_MAX = 200  # of a server's unfinished jobs


async def show_queue(interaction: Interaction) -> None:
    """Show privately which videos are being made in this server, the member's own first."""
    who = interaction_member(interaction)
    await think(interaction)
    services = interaction.client.services
    jobs, making, waiting = await services.store.read(queries.open_jobs(who.guild_id, limit=LOOKED_AT_MAX))
    mine = [_making(interaction, job) for job in jobs if job.member_id == who.member_id]
    others = [_making(interaction, job) for job in jobs if job.member_id != who.member_id and job.state != "waiting"]
    card = queue_card(Queue(mine=mine, others=others, making=making, waiting=waiting, now=services.clock()))
    await interaction.edit_original_response(embed=to_embed(card), view=to_view(card))


def _making(interaction: Interaction, job: Job) -> Making:
    reader = interaction.user
    return Making(
        job=as_seen_by(job, reader.id),
        live=interaction.client.services.runner.live_of(job.id),
        shown=job.member_id == reader.id or _sees(interaction, job.address.channel_id),
    )


def _sees(interaction: Interaction, channel_id: int) -> bool:
    """Return whether the member sees this channel; of a private thread nobody is told."""
    channel = None if interaction.guild is None else interaction.guild.get_channel_or_thread(channel_id)
    if channel is None or not isinstance(interaction.user, discord.Member):
        return False
    is_private = isinstance(channel, discord.Thread) and channel.is_private()
    return not is_private and channel.permissions_for(interaction.user).view_channel


def queue_command() -> app_commands.Command[Any, ..., Any]:
    """Return a new `/queue`."""
    return app_commands.Command(
        name="queue",
        description="See which videos are being made here now, and how long they take.",
        callback=show_queue,
        allowed_contexts=SERVERS,
        allowed_installs=BY_SERVER,
    )
