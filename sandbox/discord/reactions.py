"""Adds and removes reactions: changes the world and sends the gateway event."""

from sandbox.discord.core import Core
from sandbox.discord.emoji import is_emoji
from sandbox.discord.model import ChannelType, Message, User
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.serializer import emoji
from sandbox.discord.session import Intent
from sandbox.discord.threads import check_active
from sandbox.discord.wire import ApiError, Json, unknown_emoji

MAX_DIFFERENT = 20


def add(core: Core, message: Message, user: User, name: str) -> None:
    """Add one person's reaction; repeating it changes nothing.

    Raises:
        ApiError: 10014 if it is not an emoji, 30010 for the 21st different emoji, 50083 in an archived thread.
    """
    if not is_emoji(name):
        raise unknown_emoji()
    check_active(message.channel)
    users = message.reactions.get(name)
    if users is None:
        if len(message.reactions) >= MAX_DIFFERENT:
            raise ApiError(400, 30010, f"Maximum number of reactions reached ({MAX_DIFFERENT})")
        users = message.reactions[name] = {}
    if user.id in users:
        return
    users[user.id] = user
    data = _place(message) | {"user_id": str(user.id), "emoji": emoji(name), "burst": False, "type": 0}
    data["message_author_id"] = str(message.author.id)
    guild = message.channel.guild
    if guild is not None and user.id in guild.members:
        data["member"] = core.serialize.member_with_user(guild.members[user.id])
    _emit(core, "MESSAGE_REACTION_ADD", message, data)


def remove(core: Core, message: Message, user: User, name: str) -> None:
    """Remove one person's reaction.

    Raises:
        ApiError: 10014 when there is none, 50083 in an archived thread.
    """
    check_active(message.channel)
    users = message.reactions.get(name, {})
    if user.id not in users:
        raise unknown_emoji()
    del users[user.id]
    if not users:
        del message.reactions[name]
    data = _place(message) | {"user_id": str(user.id), "emoji": emoji(name), "burst": False, "type": 0}
    _emit(core, "MESSAGE_REACTION_REMOVE", message, data)


def clear(core: Core, message: Message, name: str | None) -> None:
    """Remove everyone's reactions, of one emoji or of all."""
    if name is None:
        message.reactions.clear()
        _emit(core, "MESSAGE_REACTION_REMOVE_ALL", message, _place(message))
    elif message.reactions.pop(name, None) is not None:
        _emit(core, "MESSAGE_REACTION_REMOVE_EMOJI", message, _place(message) | {"emoji": emoji(name)})


def _place(message: Message) -> Json:
    place: Json = {"channel_id": str(message.channel.id), "message_id": str(message.id)}
    return place | ({"guild_id": str(message.channel.guild.id)} if message.channel.guild else {})


def _emit(core: Core, event: str, message: Message, data: Json) -> None:
    """Send an event of the message's channel, if the bot sees it."""
    core.watchers.message_changed(message)
    if not channel_permissions(message.channel, core.world.bot) & Permission.VIEW_CHANNEL:
        return
    guild = message.channel.guild
    private = message.channel.type is ChannelType.DM
    intent = Intent.DIRECT_MESSAGE_REACTIONS if private else Intent.GUILD_MESSAGE_REACTIONS
    core.gateway.emit(event, data, guild_id=guild.id if guild else None, intent=intent)
