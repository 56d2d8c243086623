"""Control requests that only read: messages as a person sees them, commands, rate limits, state."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from sandbox.discord.clock import iso
from sandbox.discord.control.request import ControlRefused, find_channel, find_user, is_visible_to
from sandbox.discord.core import Core
from sandbox.discord.model import Message, MessageFlag
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.wire import Json

SHOWN = 20_000


def messages(core: Core, query: Mapping[str, str]) -> list[Json]:
    """Return a channel's messages, oldest first, as `as` sees them; without `as` all of them, also ephemeral ones."""
    if extra := set(query) - {"channel", "as", "limit", "message"}:
        raise ControlRefused(f"Messages have no {', '.join(sorted(extra))}; they know channel, as, limit and message.")
    viewer = find_user(core, query["as"]) if "as" in query else None
    channel = find_channel(core, query.get("channel", "general"))
    if viewer is not None and not channel_permissions(channel, viewer) & Permission.VIEW_CHANNEL:
        raise ControlRefused(f"{viewer.name} does not see the channel {channel.name}.")
    if "message" in query:
        one = channel.messages.get(int(query["message"])) if query["message"].isdigit() else None
        found = [one] if one is not None else []
    else:
        found = list(islice(reversed(channel.messages.values()), int(query.get("limit", SHOWN))))[::-1]
    return [_message(core, message) for message in found if viewer is None or is_visible_to(message, viewer)]


def _message(core: Core, message: Message) -> Json:
    shown = core.serialize.message(message)
    reference = shown.get("message_reference")
    return {
        "id": shown["id"],
        "author": message.author.name,
        "content": message.content,
        "embeds": shown["embeds"],
        "components": shown["components"],
        "attachments": [core.serialize.attachment(attachment) for attachment in message.attachments.values()],
        "reactions": [
            {"emoji": emoji, "users": [user.name for user in users.values()]}
            for emoji, users in message.reactions.items()
        ],
        "edits": message.edits,
        "pinged": list(message.pinged),
        "ephemeral_for": message.ephemeral_for.name if message.ephemeral_for else None,
        "reference": reference["message_id"] if reference else None,
        "flags": int(message.flags),
        "loading": bool(message.flags & MessageFlag.LOADING),
        "type": int(message.type),
        "created_at": iso(message.created_at),
        "edited_at": shown["edited_timestamp"],
        "channel_id": shown["channel_id"],
        "nonce": message.nonce,
    }


def video_times(core: Core, query: Mapping[str, str]) -> Json:
    """Return when each message of a channel that has a video got its newest file, in Unix seconds, by message id."""
    if extra := set(query) - {"channel"}:
        raise ControlRefused(f"Videos have no {', '.join(sorted(extra))}; they know channel.")
    found = find_channel(core, query.get("channel", "general")).messages.values()
    return {str(message.id): message.attached_at for message in found if _has_video(message)}


def _has_video(message: Message) -> bool:
    return any((file.content_type or "").startswith("video/") for file in message.attachments.values())


def commands(core: Core, _: Mapping[str, str]) -> list[Json]:
    """Return every command that the bot has synced, the global ones first."""
    return [command for place in core.world.commands.values() for command in place.values()]


def limits(core: Core, _: Mapping[str, str]) -> Json:
    """Return how often the bot met a rate limit."""
    return core.limits.report()


def state(core: Core, _: Mapping[str, str]) -> Json:
    """Return the connected sessions and their shards, the clock, and every server with channels, roles and members."""
    servers: list[Any] = [
        {
            "id": str(guild.id),
            "name": guild.name,
            "tier": guild.tier,
            "channels": [{"id": str(c.id), "name": c.name} for c in guild.channels.values()],
            "threads": [{"id": str(c.id), "name": c.name} for c in guild.threads.values()],
            "roles": [{"id": str(r.id), "name": r.name} for r in guild.roles.values()],
            "members": [{"id": str(m.user.id), "name": m.user.name} for m in guild.members.values()],
        }
        for guild in core.world.guilds.values()
    ]
    shards = core.gateway.connected_shards()
    return {"connected": len(shards), "shards": sorted(shards), "now": core.clock.now(), "servers": servers}
