"""A server's log channel, which its admins choose with `/wanda-admin log-channel`."""

from collections.abc import Iterable

import discord

from bot.ledger.model import Rule


def log_channel_id(rules: Iterable[Rule]) -> int | None:
    """Return the id of the channel that the server's rules name, or None."""
    return next((int(rule.value) for rule in rules if (rule.subject, rule.name) == ("server", "log_channel")), None)


def log_channel(guild: discord.Guild | None, rules: Iterable[Rule]) -> discord.abc.Messageable | None:
    """Return the server's log channel; None if none is set, or it was deleted or takes no messages."""
    channel_id = log_channel_id(rules)
    channel = guild.get_channel_or_thread(channel_id) if guild and channel_id else None
    return channel if isinstance(channel, discord.abc.Messageable) else None
