"""Control requests that change the sandbox: servers, channels, roles, members, faults, the clock."""

from sandbox.discord import channels, draft, messages, threads
from sandbox.discord.control.request import ControlRefused, ControlRequest, find_channel, find_guild, find_user
from sandbox.discord.core import Core
from sandbox.discord.faults import DiscordFault
from sandbox.discord.messages import MessageOrigin
from sandbox.discord.model import POSTS_ONLY, Channel, ChannelType, Guild, Member, Overwrite, Role, User
from sandbox.discord.permissions import channel_permissions, parse_permissions
from sandbox.discord.schema import as_list
from sandbox.discord.session import Intent
from sandbox.discord.threads import ThreadPlan
from sandbox.discord.wire import Json, Problems

MIB = 1024 * 1024
TIERS = (0, 1, 2, 3)
ROLE_KIND, MEMBER_KIND = 0, 1
GUILD_KINDS = ("TEXT", "VOICE", "CATEGORY", "ANNOUNCEMENT", "STAGE", "FORUM", "MEDIA")


async def add_to_world(request: ControlRequest) -> Json:
    """Add servers, channels, threads, roles and members; answers with the same lists and their ids.

    Without a `server`, a channel is added to the first one, and roles and members to all.
    """
    request.check_keys("servers", "rejoin", "channels", "threads", "roles", "members")
    return {
        "servers": [_server(request.core, row) for row in request.rows("servers")],
        "rejoin": [_rejoin(request.core, row) for row in request.rows("rejoin")],
        "roles": [_role(request.core, row) for row in request.rows("roles")],
        "members": [_member(request.core, row) for row in request.rows("members")],
        "channels": [_channel(request.core, row) for row in request.rows("channels")],
        "threads": [_thread(request.core, row) for row in request.rows("threads")],
    }


def _checked_name(row: Json, *keys: str) -> str:
    if extra := set(row) - set(keys):
        raise ControlRefused(f"{', '.join(sorted(extra))} is not known here; known are {', '.join(keys)}.")
    if not row.get("name"):
        raise ControlRefused("Everything in the world has a name.")
    return str(row["name"])


def _emit_join(core: Core, guild: Guild) -> None:
    data = core.serialize.guild_create(guild, all_members=False, is_join=True)
    core.gateway.emit("GUILD_CREATE", data, guild_id=guild.id, intent=Intent.GUILDS)


def _rejoin(core: Core, row: Json) -> Json:
    """Let the bot join a server again that it was removed from; its channels and members are as they were."""
    name = _checked_name(row, "name")
    guild = next((one for one in core.world.left.values() if name in {one.name, str(one.id)}), None)
    if guild is None:
        raise ControlRefused(f"The bot was removed from no server {name}.")
    core.world.join_again(guild)
    _emit_join(core, guild)
    return row | {"id": str(guild.id)}


def _server(core: Core, row: Json) -> Json:
    """Add a server with these `members`; without the key, everybody of the world becomes one."""
    name = _checked_name(row, "name", "tier", "system_channel", "members", "joined_ago_s")
    guild = core.world.add_guild(name, tier=_tier(row, 0), owner=core.world.people["admin"])
    guild.joined_at = core.clock.now() - float(row.get("joined_ago_s", 0.0))
    guild.members[core.world.bot.id].joined_at = guild.joined_at
    names = as_list(row["members"]) if "members" in row else list(core.world.people)
    for member in names:
        core.world.add_member(guild, core.world.add_user(str(member)))
    channel = core.world.add_channel(str(row["system_channel"]), guild) if "system_channel" in row else None
    guild.system_channel_id = channel.id if channel else None
    _emit_join(core, guild)
    return row | {"id": str(guild.id)} | ({"system_channel_id": str(channel.id)} if channel else {})


def _guilds(core: Core, row: Json) -> list[Guild]:
    return [find_guild(core, str(row["server"]))] if row.get("server") else list(core.world.guilds.values())


def _channel(core: Core, row: Json) -> Json:
    name = _checked_name(row, "name", "server", "kind", "category", "overwrites", "nsfw", "slow_mode_s")
    guild = _guilds(core, row)[0]
    kind = str(row.get("kind", "text")).upper()
    if kind not in GUILD_KINDS:
        raise ControlRefused(f"A channel's kind is one of {', '.join(GUILD_KINDS).lower()}, not {row['kind']}.")
    channel = core.world.add_channel(name, guild, kind=ChannelType[kind])
    if "category" in row:
        channel.category = find_channel(core, f"{guild.id}/{row['category']}")
    _set_up(core, guild, channel, row)
    channels.emit_channel(core, "CHANNEL_CREATE", channel)
    return row | {"id": str(channel.id)}


def _set_up(core: Core, guild: Guild, channel: Channel, row: Json) -> None:
    """Set a channel's overwrites, age restriction and slow mode, as far as they are given."""
    if "overwrites" in row:
        given = [_overwrite(core, guild, exception) for exception in as_list(row["overwrites"])]
        channel.overwrites = {overwrite.id: overwrite for overwrite in given}
    channel.nsfw = bool(row.get("nsfw", channel.nsfw))
    channel.slow_mode_s = int(row.get("slow_mode_s", channel.slow_mode_s))


def _thread(core: Core, row: Json) -> Json:
    """Start a thread as a person: at a `message`, alone, or as a forum post whose first message is `content`."""
    keys = ("name", "channel", "user", "message", "private", "members", "content", "archived", "locked", "slow_mode_s")
    name = _checked_name(row, *keys)
    owner, parent = (
        find_user(core, str(row.get("user", "admin"))),
        find_channel(core, str(row.get("channel", "general"))),
    )
    message = ControlRequest(core, row).message(owner) if "message" in row else None
    if parent.type in POSTS_ONLY and not row.get("content"):
        raise ControlRefused(f"A post in {parent.name} needs content.")
    plan = ThreadPlan(
        name, parent, owner, bool(row.get("private")), message, slow_mode_s=int(row.get("slow_mode_s", 0))
    )
    thread = messages.start_thread(core, plan)
    if row.get("content"):
        first = draft.read_draft(Problems(), {"content": str(row["content"])}, {}, draft.CREATE)
        origin = MessageOrigin(message_id=thread.id if parent.type in POSTS_ONLY else None)
        messages.post_message(core, thread, owner, first, origin)
    for one in as_list(row.get("members")):
        threads.join_thread(core, thread, _bot_or_user(core, str(one)))
    if row.get("archived") or row.get("locked"):
        threads.set_archived(core, thread, is_archived=bool(row.get("archived")), locked=bool(row.get("locked")))
    return row | {"id": str(thread.id)}


def _bot_or_user(core: Core, name: str) -> User:
    return core.world.bot if name == "bot" else find_user(core, name)


async def change_world(request: ControlRequest) -> Json:
    """Change servers, channels, threads, roles and members that are there already, and send the events."""
    request.check_keys("servers", "channels", "threads", "roles", "members")
    for row in request.rows("servers"):
        _change_server(request.core, row)
    for row in request.rows("channels"):
        _change_channel(request.core, row)
    for row in request.rows("threads"):
        _change_thread(request.core, row)
    for row in request.rows("roles"):
        _change_role(request.core, row)
    for row in request.rows("members"):
        _change_member(request.core, row)
    return {"ok": True}


def _change_server(core: Core, row: Json) -> None:
    guild = find_guild(core, _checked_name(row, "name", "tier"))
    guild.tier = _tier(row, guild.tier)
    core.gateway.emit("GUILD_UPDATE", core.serialize.guild(guild), guild_id=guild.id, intent=Intent.GUILDS)


def _tier(row: Json, otherwise: int) -> int:
    tier = int(row.get("tier", otherwise))
    if tier not in TIERS:
        raise ControlRefused(f"A server's tier is one of {TIERS}, not {tier}.")
    return tier


def _change_member(core: Core, row: Json) -> None:
    """Give a member exactly these `roles` beside what their integration manages."""
    user = find_user(core, _checked_name(row, "name", "server", "roles"))
    wanted = [str(role) for role in as_list(row.get("roles"))]
    for guild in _guilds(core, row):
        member = guild.members.get(user.id)
        if member is None:
            raise ControlRefused(f"{user.name} is not in {guild.name}.")
        member.roles = [role_named(guild, name).id for name in wanted]
        _emit_member(core, guild, member, "GUILD_MEMBER_UPDATE")


def _change_channel(core: Core, row: Json) -> None:
    channel = find_channel(core, _checked_name(row, "name", "overwrites", "nsfw", "slow_mode_s"))
    if channel.guild is None or channel.thread is not None:
        raise ControlRefused(f"{channel.name} is not a channel of a server.")
    was_hidden = not channel_permissions(channel, core.world.bot)
    _set_up(core, channel.guild, channel, row)
    channels.emit_channel(core, "CHANNEL_UPDATE", channel)
    if was_hidden and channel_permissions(channel, core.world.bot):
        threads.emit_sync(core, channel)


def _change_thread(core: Core, row: Json) -> None:
    thread = find_channel(core, _checked_name(row, "name", "archived", "locked", "slow_mode_s"))
    thread.slow_mode_s = int(row.get("slow_mode_s", thread.slow_mode_s))
    threads.set_archived(core, thread, is_archived=row.get("archived"), locked=row.get("locked"))


def _change_role(core: Core, row: Json) -> None:
    name = _checked_name(row, "name", "server", "permissions")
    for guild in _guilds(core, row):
        role = role_named(guild, name)
        role.permissions = _permissions(row.get("permissions", role.permissions))
        data: Json = {"guild_id": str(guild.id), "role": core.serialize.role(role)}
        core.gateway.emit("GUILD_ROLE_UPDATE", data, guild_id=guild.id, intent=Intent.GUILDS)


def _overwrite(core: Core, guild: Guild, given: Json) -> Overwrite:
    """Read `{"role": name}`, `{"member": name}` or `{"bot": true}`, with `allow` and `deny` lists of permissions."""
    if extra := set(given) - {"role", "member", "bot", "allow", "deny"}:
        raise ControlRefused(f"An overwrite has no {', '.join(sorted(extra))}.")
    allow, deny = _permissions(given.get("allow", [])), _permissions(given.get("deny", []))
    if given.get("bot"):
        return Overwrite(core.world.bot.id, MEMBER_KIND, allow, deny)
    if "member" in given:
        return Overwrite(find_user(core, str(given["member"])).id, MEMBER_KIND, allow, deny)
    return Overwrite(role_named(guild, str(given.get("role", "@everyone"))).id, ROLE_KIND, allow, deny)


def _permissions(names: object) -> int:
    try:
        return parse_permissions(names)
    except ValueError as error:
        raise ControlRefused(str(error)) from None


def role_named(guild: Guild, name: str) -> Role:
    """Return the server's role of that name or id.

    Raises:
        Refused: there is none.
    """
    found = next((role for role in guild.roles.values() if name in {role.name, str(role.id)}), None)
    if found is None:
        raise ControlRefused(f"The server {guild.name} has no role {name}.")
    return found


def _role(core: Core, row: Json) -> Json:
    name = _checked_name(row, "name", "server", "permissions", "mentionable")
    made = [core.world.add_role(name, guild, _permissions(row.get("permissions", 0))) for guild in _guilds(core, row)]
    for role in made:
        role.mentionable = bool(row.get("mentionable", False))
        data: Json = {"guild_id": str(role.guild_id), "role": core.serialize.role(role)}
        core.gateway.emit("GUILD_ROLE_CREATE", data, guild_id=role.guild_id, intent=Intent.GUILDS)
    return row | {"id": str(made[0].id), "ids": {str(role.guild_id): str(role.id) for role in made}}


def _member(core: Core, row: Json) -> Json:
    name = _checked_name(row, "name", "server", "roles", "upload_limit_mib", "timed_out_s")
    user = core.world.add_user(name)
    if "upload_limit_mib" in row:
        user.upload_limit_bytes = int(float(row["upload_limit_mib"]) * MIB)
    wanted = [str(role) for role in as_list(row.get("roles"))]
    guilds = _guilds(core, row)
    held = [role for guild in guilds for role in guild.roles.values()]
    for role_name in wanted:
        if not any(role_name in {role.name, str(role.id)} for role in held):
            raise ControlRefused(f"There is no role {role_name}.")
    for guild in guilds:
        _join(core, guild, user, wanted, row.get("timed_out_s"))
    return row | {"id": str(user.id)}


def _join(core: Core, guild: Guild, user: User, wanted: list[str], timed_out_s: float | None) -> None:
    known = user.id in guild.members
    member = core.world.add_member(guild, user)
    for role in guild.roles.values():
        if (role.name in wanted or str(role.id) in wanted) and role.id not in member.roles:
            member.roles.append(role.id)
    if timed_out_s is not None:
        member.timed_out_until = core.clock.now() + float(timed_out_s) if timed_out_s else None
    _emit_member(core, guild, member, "GUILD_MEMBER_UPDATE" if known else "GUILD_MEMBER_ADD")


def _emit_member(core: Core, guild: Guild, member: Member, event: str) -> None:
    data = core.serialize.member_with_user(member) | {"guild_id": str(guild.id)}
    core.gateway.emit(event, data, guild_id=guild.id, intent=Intent.GUILD_MEMBERS)


async def remove_from_world(request: ControlRequest) -> Json:
    """Remove `roles`, `channels`, `threads` and `members` (names or ids) from the `server`, by default the first.

    With `"bot": true` the bot is removed from the server, and the server from the world.
    """
    request.check_keys("server", "roles", "channels", "threads", "members", "bot")
    core = request.core
    guild = request.guild()
    for name in as_list(request.body.get("roles")):
        _drop_role(core, guild, role_named(guild, str(name)))
    for name in as_list(request.body.get("channels")) + as_list(request.body.get("threads")):
        _drop_channel(core, guild, find_channel(core, str(name)))
    for name in as_list(request.body.get("members")):
        _drop_member(core, guild, find_user(core, str(name)))
    if request.body.get("bot"):
        _drop_bot(core, guild)
    return {"ok": True}


def _drop_bot(core: Core, guild: Guild) -> None:
    """Remove the bot: Discord sends a GUILD_DELETE without `unavailable`."""
    core.world.leave(guild)
    core.gateway.emit("GUILD_DELETE", {"id": str(guild.id)}, guild_id=guild.id, intent=Intent.GUILDS)


def _drop_role(core: Core, guild: Guild, role: Role) -> None:
    del guild.roles[role.id]
    for member in guild.members.values():
        member.roles = [held for held in member.roles if held != role.id]
    data: Json = {"guild_id": str(guild.id), "role_id": str(role.id)}
    core.gateway.emit("GUILD_ROLE_DELETE", data, guild_id=guild.id, intent=Intent.GUILDS)


def _drop_channel(core: Core, guild: Guild, channel: Channel) -> None:
    if channel.guild is not guild:
        raise ControlRefused(f"The channel {channel.name} is not in {guild.name}.")
    channels.delete_channel(core, channel)


def _drop_member(core: Core, guild: Guild, user: User) -> None:
    if guild.members.pop(user.id, None) is None:
        raise ControlRefused(f"{user.name} is not in {guild.name}.")
    data: Json = {"guild_id": str(guild.id), "user": core.serialize.user(user)}
    core.gateway.emit("GUILD_MEMBER_REMOVE", data, guild_id=guild.id, intent=Intent.GUILD_MEMBERS)


async def add_fault(request: ControlRequest) -> Json:
    """Add a fault; without `times` it stays until `DELETE /sandbox/faults`."""
    try:
        request.core.faults.add(DiscordFault.parse(request.body))
    except (ValueError, TypeError) as error:
        raise ControlRefused(str(error)) from None
    return {"ok": True}


async def clear_faults(request: ControlRequest) -> Json:
    """Remove every fault, and send events once and in order again."""
    request.core.faults.clear()
    request.core.gateway.event_faults.doubled = frozenset()
    request.core.gateway.event_faults.release()
    return {"ok": True}


async def advance_clock(request: ControlRequest) -> Json:
    """Move the clock forward by `seconds`: tokens, messages and signed URLs age."""
    request.check_keys("seconds")
    try:
        request.core.clock.advance(float(request.text("seconds")))
    except ValueError as error:
        raise ControlRefused(str(error)) from None
    return {"ok": True, "now": request.core.clock.now()}
