"""Who asks, as the ledger knows them: the server, the channel, the member and their roles at this moment."""

import discord

from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger.model import Who


def asker(interaction: Interaction) -> Who:
    """Return whose job or question this is; a thread counts as its channel.

    Raises:
        OptionRefused: this is no server.
    """
    if interaction.guild_id is None or not isinstance(interaction.user, discord.Member):
        raise OptionRefused("Wanda's budgets belong to servers. Use this command in one.")
    return Who(
        guild_id=interaction.guild_id,
        channel_id=channel_id(interaction),
        member_id=interaction.user.id,
        role_ids=role_ids(interaction.user),
    )


def role_ids(member: discord.Member) -> tuple[int, ...]:
    """Return the member's roles but @everyone, which all have."""
    return tuple(role.id for role in member.roles if not role.is_default())


def channel_id(interaction: Interaction) -> int:
    """Return the channel that rules are set for: a thread's parent."""
    if isinstance(interaction.channel, discord.Thread):
        return interaction.channel.parent_id
    return interaction.channel_id or 0
