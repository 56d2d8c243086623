"""The ordering member as the ledger's type, and the check that Wanda may post in the channel."""

import discord

from bot.client import NEEDED_TO_POST, Interaction
from bot.errors import OptionRefused
from bot.ledger.model import Who
from cogs.ordering.posting_rights import check_member_may_command, check_member_may_order


def interaction_member(interaction: Interaction) -> Who:
    """Return the member with their current roles, the server and the channel; a thread counts as its parent channel.

    Raises:
        OptionRefused: the interaction is in a direct message.
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
    """Return the member's roles without @everyone."""
    return tuple(role.id for role in member.roles if not role.is_default())


def channel_id(interaction: Interaction) -> int:
    """Return the channel whose rules apply: of a thread, its parent."""
    if isinstance(interaction.channel, discord.Thread):
        return interaction.channel.parent_id
    return interaction.channel_id or 0


def check_place(interaction: Interaction) -> None:
    """Check that Wanda can and the member may post the video here, before anybody pays for it.

    Raises:
        OptionRefused: the interaction is in a direct message, or Wanda lacks a permission in this channel.
        NotAllowed: the member lacks one, or is in a time-out.
    """
    if interaction.guild_id is None or interaction.channel_id is None:
        raise OptionRefused("Wanda makes videos in servers, whose admins set the budget. Use this command there.")
    in_thread = isinstance(interaction.channel, discord.Thread)
    check_posting(interaction.app_permissions, in_thread=in_thread)
    if isinstance(interaction.user, discord.Member):
        check_member_may_order(interaction.user, interaction.permissions, in_thread=in_thread)


def check_commands(interaction: Interaction) -> None:
    """Check that the member may use commands in this channel, so that a button does no more for them than a command.

    Raises:
        NotAllowed: they may not, or they are in a time-out.
    """
    if isinstance(interaction.user, discord.Member):
        check_member_may_command(interaction.user, interaction.permissions)


def check_posting(held: discord.Permissions, *, in_thread: bool) -> None:
    """Check that these permissions let Wanda post a video.

    Raises:
        OptionRefused: a permission is missing; the sentence names it.
    """
    needed = NEEDED_TO_POST
    if in_thread:
        needed = needed | discord.Permissions(send_messages_in_threads=True)
    missing = discord.Permissions(needed.value & ~held.value)
    if missing.value:
        names = ", ".join(_as_admins_see_it(name) for name, on in missing if on)
        raise OptionRefused(
            f"Wanda cannot post videos here, because she lacks: {names}. "
            "Ask an admin to allow that in this channel, or use another one; nothing was charged."
        )


def _as_admins_see_it(permission: str) -> str:
    """Return the permission's name in Discord's settings; discord.py uses an old name for "View Channel"."""
    return "View Channel" if permission == "read_messages" else permission.replace("_", " ").title()
