"""What one person sees, as the JSON of Discord's API with what their client adds to it."""

from sandbox.discord.control.actions import is_usable
from sandbox.discord.control.interactions import modal_json
from sandbox.discord.core import Core
from sandbox.discord.model import POSTS_ONLY, Channel, Guild, Message, Modal, Role, User
from sandbox.discord.permissions import Permission, channel_permissions, to_write_in
from sandbox.discord.wire import Json


def message_json(core: Core, message: Message, viewer: User) -> Json:
    """Return a message object with this person's reactions, and who else reacted."""
    shown = core.serialize.message(message)
    shown["reactions"] = [
        {
            "emoji": {"id": None, "name": name},
            "count": len(users),
            "me": viewer.id in users,
            "names": [user.name for user in users.values()],
        }
        for name, users in message.reactions.items()
    ]
    shown["edits"] = message.edits
    return shown


def modal(core: Core, modal_id: str) -> Json | None:
    """Return an open form whole, as the bot sent it."""
    found: Modal | None = core.world.modals.get(int(modal_id))
    if found is None:
        return None
    return modal_json(found) | {"components": found.data["components"]}


def world_json(core: Core, viewer: User) -> Json:
    """Return the servers, channels, people and commands as the person sees them."""
    world = core.world
    guilds = [guild for guild in world.guilds.values() if viewer.id in guild.members]
    return {
        "me": _person(core, viewer),
        "bot": core.serialize.user(world.bot),
        "people": [_person(core, user) for user in world.people.values()],
        "servers": [_server(core, guild, viewer) for guild in guilds],
        "dm": _channel(core, world.dm(viewer), viewer),
        "commands": [command for place in world.commands.values() for command in place.values()],
    }


def _person(core: Core, user: User) -> Json:
    return core.serialize.user(user) | {"upload_limit": user.upload_limit_bytes}


def _server(core: Core, guild: Guild, viewer: User) -> Json:
    places = [*guild.channels.values(), *guild.threads.values()]
    seen = [place for place in places if channel_permissions(place, viewer) & Permission.VIEW_CHANNEL]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "tier": guild.tier,
        "owner_id": str(guild.owner_id),
        "roles": [_role(core, role) for role in guild.roles.values()],
        "members": [core.serialize.member_with_user(member) for member in guild.members.values()],
        "channels": [_channel(core, place, viewer) for place in seen],
    }


def _role(core: Core, role: Role) -> Json:
    names = [permission.name for permission in Permission if role.permissions & permission]
    return core.serialize.role(role) | {"permission_names": names}


def _channel(core: Core, channel: Channel, viewer: User) -> Json:
    granted = channel_permissions(channel, viewer)
    commands = [command for place in core.world.commands.values() for command in place.values()]
    shown = core.serialize.channel(channel) | {
        "upload_limit": core.world.upload_limit_bytes(channel, viewer),
        "commands": [command["id"] for command in commands if is_usable(core, command, viewer, channel)],
        "can": {
            "write": bool(granted & to_write_in(channel)) and channel.type not in POSTS_ONLY,
            "react": bool(granted & Permission.ADD_REACTIONS),
            "attach": bool(granted & Permission.ATTACH_FILES),
            "manage_messages": bool(granted & Permission.MANAGE_MESSAGES) and channel.guild is not None,
            "start_threads": bool(granted & Permission.CREATE_PUBLIC_THREADS) and channel.thread is None,
        },
    }
    if "permission_overwrites" in shown:
        shown["overwrite_names"] = [
            {"id": str(one.id), "allow": _names(one.allow), "deny": _names(one.deny)}
            for one in channel.overwrites.values()
        ]
    return shown


def _names(bits: int) -> list[str]:
    return [str(permission.name) for permission in Permission if bits & permission]


def clock_json(core: Core, ahead_s: float) -> Json:
    """Return the time there, for a page whose own clock is another."""
    return {"now": core.clock.now(), "ahead_s": ahead_s}


def without_origin(text: str, core: Core) -> str:
    """Return JSON text with the CDN's addresses on the page's own origin."""
    return text.replace(core.cdn.base_url, "/cdn")
