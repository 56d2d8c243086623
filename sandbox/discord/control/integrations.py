"""The control request for Server Settings, Integrations: who may use the bot's commands."""

from sandbox.discord.command_permissions import MOST, PermissionKind, all_channels, set_permissions
from sandbox.discord.control.changes import role_named
from sandbox.discord.control.request import ControlRefused, ControlRequest, find_channel, find_user
from sandbox.discord.core import Core
from sandbox.discord.model import Guild
from sandbox.discord.wire import Json


async def set_command_permissions(request: ControlRequest) -> Json:
    """Set who may use a `command`, or all of the bot's commands, as an admin does, and send the event.

    `permissions` replaces what was set before: a list of `{"role" or "member" or "channel": name, "allow": bool}`, in
    which the channel `@all` means all. An empty list takes it back.
    """
    request.check_keys("server", "command", "permissions")
    core = request.core
    guild = request.guild()
    entries = [_entry(core, guild, row) for row in request.rows("permissions")]
    if len(entries) > MOST:
        raise ControlRefused(f"A command has at most {MOST} permissions.")
    return set_permissions(core, guild, _target_id(request, guild), entries)


def _target_id(request: ControlRequest, guild: Guild) -> int:
    """Return the id of the named command, or the application's."""
    world = request.core.world
    if "command" not in request.body:
        return world.bot.id
    for command in (*world.commands.get(guild.id, {}).values(), *world.commands[0].values()):
        if command["name"] == request.text("command"):
            return int(command["id"])
    raise ControlRefused(f"There is no command {request.text('command')}.")


def _entry(core: Core, guild: Guild, row: Json) -> Json:
    if set(row) not in ({"role", "allow"}, {"member", "allow"}, {"channel", "allow"}):
        raise ControlRefused('A permission is {"role" or "member" or "channel": name, "allow": true or false}.')
    if "role" in row:
        kind, target_id = PermissionKind.ROLE, role_named(guild, str(row["role"])).id
    elif "member" in row:
        kind, target_id = PermissionKind.USER, find_user(core, str(row["member"])).id
    else:
        is_all = row["channel"] == "@all"
        kind = PermissionKind.CHANNEL
        target_id = all_channels(guild) if is_all else find_channel(core, f"{guild.id}/{row['channel']}").id
    return {"id": str(target_id), "type": int(kind), "permission": bool(row["allow"])}
