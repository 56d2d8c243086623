"""`/wanda-admin channel …`: the channels in which videos may be made, and their pools."""

import discord
from discord import app_commands

from bot.client import Interaction
from bot.ledger.typed_amount import typed_amount
from cogs.admin.admin_command import AdminCommand, Change, ChannelOption, Reason
from cogs.admin.budget import WINDOWS
from cogs.base.command_group import CommandSpec

AnyChannel = app_commands.Transform[discord.Object, ChannelOption]


@app_commands.describe(
    channel="Where videos may be made: as soon as one channel is allowed, only allowed ones are open.",
    reason="Why, for the audit and the log.",
)
async def channel_allow(interaction: Interaction, channel: AnyChannel, reason: Reason = None) -> None:
    """Allow videos in a channel."""
    await _access(interaction, channel, "allow", reason)


@app_commands.describe(
    channel="Where no videos may be made; its threads neither.", reason="Why, for the audit and the log."
)
async def channel_deny(interaction: Interaction, channel: AnyChannel, reason: Reason = None) -> None:
    """Deny videos in a channel."""
    await _access(interaction, channel, "deny", reason)


async def _access(interaction: Interaction, channel: discord.abc.Snowflake, value: str, reason: str | None) -> None:
    command = await AdminCommand.open(interaction)
    subject = f"channel:{command.channel(channel).id}"
    await command.change(Change(subject=subject, name="access", value=value), reason=reason)


@app_commands.describe(
    channel="Whose access rule is taken back; without it, of every channel, also those that are gone.",
    reason="Why, for the audit and the log.",
)
async def channel_clear(interaction: Interaction, channel: AnyChannel | None = None, reason: Reason = None) -> None:
    """Clear the access rule of a channel, or of every channel."""
    command = await AdminCommand.open(interaction)
    subject = "channel:" if channel is None else f"channel:{channel.id}"
    await command.clear(subject, {"access"}, reason=reason)


@app_commands.describe(
    channel="Which channel's pool.",
    window="How often it renews, in the server's timezone.",
    amount="In dollars: 10, $10 or 7.50; 0 stops it.",
    reason="Why, for the audit and the log.",
)
@app_commands.choices(window=WINDOWS)
async def channel_budget(
    interaction: Interaction, channel: AnyChannel, window: str, amount: str, reason: Reason = None
) -> None:
    """Set a channel's pool."""
    command = await AdminCommand.open(interaction)
    subject = f"channel:{command.channel(channel).id}"
    await command.change(Change(subject=subject, name=f"budget:{window}", value=typed_amount(amount)), reason=reason)


COMMANDS = (
    CommandSpec("allow", "Allow videos in a channel; then only allowed channels are open.", channel_allow),
    CommandSpec("deny", "Allow no videos in a channel.", channel_deny),
    CommandSpec("clear", "Neither allow nor deny a channel any more, or all of them.", channel_clear),
    CommandSpec("budget", "Set what may be spent in a channel, by everybody together.", channel_budget),
)
