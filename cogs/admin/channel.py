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
    channel="Where videos can be made. Once one channel is allowed, only allowed ones are open.",
    reason="Why. It's shown in the audit and the log.",
)
async def channel_allow(interaction: Interaction, channel: AnyChannel, reason: Reason = None) -> None:
    """Allow videos in a channel."""
    await _access(interaction, channel, "allow", reason)


@app_commands.describe(
    channel="Where no videos can be made, also not in its threads.", reason="Why. It's shown in the audit and the log."
)
async def channel_deny(interaction: Interaction, channel: AnyChannel, reason: Reason = None) -> None:
    """Deny videos in a channel."""
    await _access(interaction, channel, "deny", reason)


async def _access(interaction: Interaction, channel: discord.abc.Snowflake, value: str, reason: str | None) -> None:
    command = await AdminCommand.open(interaction)
    subject = f"channel:{command.channel(channel).id}"
    await command.change(Change(subject=subject, name="access", value=value), reason=reason)


@app_commands.describe(
    channel="Whose rule to take back. Without it, every channel's, also those that are gone.",
    reason="Why. It's shown in the audit and the log.",
)
async def channel_clear(interaction: Interaction, channel: AnyChannel | None = None, reason: Reason = None) -> None:
    """Clear the access rule of a channel, or of every channel."""
    command = await AdminCommand.open(interaction)
    subject = "channel:" if channel is None else f"channel:{channel.id}"
    await command.clear(subject, {"access"}, reason=reason)


@app_commands.describe(
    channel="Which channel's pool.",
    window="How often it renews, in the server's time zone.",
    amount="In dollars: 10, $10 or 7.50; 0 stops it.",
    reason="Why. It's shown in the audit and the log.",
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
    CommandSpec("allow", "Allow videos in a channel. Then only allowed channels are open.", channel_allow),
    CommandSpec("deny", "Close a channel for videos.", channel_deny),
    CommandSpec("clear", "Take back the rule of a channel, or of all.", channel_clear),
    CommandSpec("budget", "Set what everybody together can spend in a channel.", channel_budget),
)
