"""Changes and deletes channels: changes the world and sends the gateway event."""

from sandbox.discord import threads
from sandbox.discord.core import Core
from sandbox.discord.model import Channel
from sandbox.discord.session import Intent


def emit_channel(core: Core, event: str, channel: Channel) -> None:
    """Send CHANNEL_CREATE, CHANNEL_UPDATE or CHANNEL_DELETE."""
    guild_id = channel.guild.id if channel.guild else None
    core.gateway.emit(event, core.serialize.channel(channel), guild_id=guild_id, intent=Intent.GUILDS)


def delete_channel(core: Core, channel: Channel) -> None:
    """Delete a channel or thread with all messages, and send the event; a channel's threads go with it silently."""
    if channel.thread is not None:
        threads.emit_delete(core, channel)
    else:
        emit_channel(core, "CHANNEL_DELETE", channel)
    core.world.remove_channel(channel)
