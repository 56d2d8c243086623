"""Who is offered a command: what a server's admins set under Server Settings, Integrations.

https://discord.com/developers/docs/interactions/application-commands#permissions, and for the order in which the
settings count https://discord.com/developers/docs/change-log#upcoming-application-command-permission-changes.
"""

from collections.abc import Iterable
from enum import IntEnum

from sandbox.discord.core import Core
from sandbox.discord.model import Channel, Guild, User
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.wire import Json

MOST = 100


class PermissionKind(IntEnum):
    """What an entry's id names."""

    ROLE = 1
    USER = 2
    CHANNEL = 3


def all_channels(guild: Guild) -> int:
    """Return the id that stands for all channels of the server."""
    return guild.id - 1


def set_permissions(core: Core, guild: Guild, target_id: int, entries: list[Json]) -> Json:
    """Replace the entries of a command, or of all commands if the target is the application, and send the event.

    Without entries the target has none of its own any more.
    """
    targets = core.world.command_permissions.setdefault(guild.id, {})
    if entries:
        targets[target_id] = entries
    else:
        targets.pop(target_id, None)
    data = as_sent(core, guild.id, target_id)
    core.gateway.emit("APPLICATION_COMMAND_PERMISSIONS_UPDATE", data, guild_id=guild.id)
    return data


def as_sent(core: Core, guild_id: int, target_id: int) -> Json:
    """Return a target's entries in the shape of the API."""
    return {
        "id": str(target_id),
        "application_id": str(core.world.bot.id),
        "guild_id": str(guild_id),
        "permissions": core.world.command_permissions.get(guild_id, {}).get(target_id, []),
    }


def is_offered(core: Core, command: Json, user: User, channel: Channel) -> bool:
    """Return whether Discord offers the command to this member in this channel; a thread counts as its channel.

    What is set for the command comes before what is set for the application, and what is set for one channel or member
    before what is set for all. Only what is set for the command's members replaces its default_member_permissions.
    """
    guild = channel.guild
    if guild is None:
        return True
    granted = channel_permissions(channel, user)
    if granted & Permission.ADMINISTRATOR:
        return True
    targets = core.world.command_permissions.get(guild.id, {})
    own, common = targets.get(int(command["id"]), []), targets.get(core.world.bot.id, [])
    place = channel.thread.parent if channel.thread else channel
    if not _is_open(own, common, place_id=place.id, all_id=all_channels(guild)):
        return False
    roles = guild.members[user.id].roles
    by_command = _for_member(own, guild, user, roles)
    if by_command is not None:
        return by_command
    if _for_member(common, guild, user, roles) is False:
        return False
    needs = command.get("default_member_permissions")
    return needs is None or (needs != "0" and not int(needs) & ~granted)


def _is_open(own: list[Json], common: list[Json], *, place_id: int, all_id: int) -> bool:
    """Return what is set for the channel, for the command first; without any setting it is open."""
    for entries in (own, common):
        for channel_id in (place_id, all_id):
            if found := _entries(entries, PermissionKind.CHANNEL, [channel_id]):
                return found[0]
    return True


def _for_member(entries: list[Json], guild: Guild, user: User, roles: Iterable[int]) -> bool | None:
    """Return what the entries say about a member: their own, else any of their roles', else @everyone's."""
    for kind, ids in (
        (PermissionKind.USER, [user.id]),
        (PermissionKind.ROLE, roles),
        (PermissionKind.ROLE, [guild.id]),
    ):
        if found := _entries(entries, kind, ids):
            return any(found)
    return None


def _entries(entries: list[Json], kind: PermissionKind, ids: Iterable[int]) -> list[bool]:
    wanted = {str(one) for one in ids}
    return [entry["permission"] for entry in entries if entry["type"] == kind and entry["id"] in wanted]
