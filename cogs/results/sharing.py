"""Posts the link to a finished video into a channel that a member picks."""

import time
from collections import OrderedDict

import discord

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.embeds import to_channel_select
from bot.client import Interaction
from bot.errors import Busy, NotAllowed, OptionRefused
from bot.jobs.model import Job
from bot.texts import sharing
from bot.texts.button_ids import SHARE_TEMPLATE, share_select_id
from cogs.base.component import PersistentSelect
from cogs.ordering.posting_rights import check_commands
from cogs.results.rerun import finished_job

SHARED_EVERY_S = 30.0  # at least, between two links of one member in one channel; a slower channel sets its own
REMEMBERED_MAX = 10_000
_shared_at: OrderedDict[tuple[int, int], float] = OrderedDict()  # by member and channel, the latest last


async def offer_channels(interaction: Interaction, job: Job) -> None:
    """Ask the member privately for the channel."""
    check_commands(interaction)
    view = to_channel_select(share_select_id(job.id), sharing.WHICH_CHANNEL)
    await interaction.response.send_message(sharing.QUESTION, view=view, ephemeral=True)


class ShareSelect(PersistentSelect, template=SHARE_TEMPLATE):
    """The channel to which a video's link goes."""

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Post the link where the member and Wanda both may write."""
        del value  # discord.py makes a channel of it; the id is in the data
        services = interaction.client.services
        job = await finished_job(services, self.parts["job_id"], guild_id=interaction.guild_id)
        check_commands(interaction)
        channel = _channel(interaction)
        _check_may_post(interaction, channel)
        _check_pace(interaction.user.id, channel)
        await interaction.response.defer()
        try:
            turn = services.channel_queue.turn(channel.id, "send")
            async with turn, discord_request(services.settings.cards.discord_timeout_s):
                await channel.send(
                    sharing.shared(job, interaction.user.id), allowed_mentions=discord.AllowedMentions.none()
                )
        except DiscordRefused:
            raise Busy(sharing.NOT_SHARED) from None
        await interaction.edit_original_response(content=sharing.done(channel.id), view=None)


def _channel(interaction: Interaction) -> discord.TextChannel | discord.Thread:
    """Return the chosen channel of this server; raises OptionRefused for anything else."""
    data = interaction.data or {}
    ids = [one for one in data.get("values", []) if isinstance(one, str) and one.isdecimal() and len(one) <= 20]  # noqa: PLR2004 - digits of a snowflake
    found = interaction.guild.get_channel_or_thread(int(ids[0])) if interaction.guild is not None and ids else None
    if not isinstance(found, discord.TextChannel | discord.Thread):
        raise OptionRefused(sharing.NO_CHANNEL)
    return found


def _check_may_post(interaction: Interaction, channel: discord.TextChannel | discord.Thread) -> None:
    """Check that the member, and Wanda, may view the channel and write there.

    Raises:
        NotAllowed, OptionRefused: one of them may not.
    """
    member, guild = interaction.user, interaction.guild
    if not isinstance(member, discord.Member) or guild is None or not _may_write(channel, member):
        raise NotAllowed(sharing.MEMBER_MAY_NOT, rule="posting")
    if not _may_write(channel, guild.me):
        raise OptionRefused(sharing.WANDA_MAY_NOT)


def _may_write(channel: discord.TextChannel | discord.Thread, member: discord.Member) -> bool:
    # In a thread, Send Messages has no effect: https://discord.com/developers/docs/topics/threads#permissions
    if isinstance(channel, discord.Thread):
        if channel.locked or channel.parent is None:
            return False
        held = channel.parent.permissions_for(member)
        is_inside = not channel.is_private() or member.id == channel.owner_id or held.manage_threads
        return held.view_channel and held.send_messages_in_threads and is_inside
    held = channel.permissions_for(member)
    return held.view_channel and held.send_messages


def _check_pace(member_id: int, channel: discord.TextChannel | discord.Thread) -> None:
    """Take the member's turn in this channel; raises Busy if their last link there is too recent."""
    key, now = (member_id, channel.id), time.monotonic()
    wait_s = max(SHARED_EVERY_S, channel.slowmode_delay)
    if now - _shared_at.get(key, float("-inf")) < wait_s:
        raise Busy(sharing.TOO_SOON)
    _shared_at[key] = now
    _shared_at.move_to_end(key)
    while len(_shared_at) > REMEMBERED_MAX:
        _shared_at.popitem(last=False)
