"""Permissions in servers and channels (https://discord.com/developers/docs/topics/permissions)."""

from enum import IntFlag

from sandbox.discord.model import Channel, ChannelType, Guild, Member, User


class Permission(IntFlag):
    """The permissions that the sandbox checks or that its roles have."""

    CREATE_INSTANT_INVITE = 1 << 0
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CONNECT = 1 << 20
    MANAGE_ROLES = 1 << 28
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40
    BYPASS_SLOWMODE = 1 << 52


ALL = (1 << 53) - 1
NOTHING = Permission(0)
EVERYONE = (
    Permission.CREATE_INSTANT_INVITE
    | Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.CONNECT
)
BOT = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
)
TIMED_OUT = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
NEEDS_SEND_MESSAGES = (
    Permission.MENTION_EVERYONE | Permission.SEND_TTS_MESSAGES | Permission.ATTACH_FILES | Permission.EMBED_LINKS
)
IN_A_DM = EVERYONE | Permission.MENTION_EVERYONE


def guild_permissions(guild: Guild, member: Member) -> int:
    """Return the member's permissions without channel overwrites; the owner and administrators have all."""
    if member.user.id == guild.owner_id:
        return ALL
    granted = guild.roles[guild.id].permissions
    for role_id in member.roles:
        granted |= guild.roles[role_id].permissions
    return ALL if granted & Permission.ADMINISTRATOR else granted


def channel_permissions(channel: Channel, user: User) -> int:
    """Return the user's permissions in the channel: 0 for non-members and for those who cannot view it.

    A member in a time-out keeps `TIMED_OUT`, and without SEND_MESSAGES nobody has `NEEDS_SEND_MESSAGES`
    (https://discord.com/developers/docs/topics/permissions#permissions-for-timed-out-members, #implicit-permissions).
    A thread has its channel's permissions, with SEND_MESSAGES_IN_THREADS in the place of SEND_MESSAGES. A private one
    is seen by its members and by those with MANAGE_THREADS (https://discord.com/developers/docs/topics/threads).
    """
    if channel.guild is None:
        return int(IN_A_DM) if user.bot or user is channel.recipient else 0
    member = channel.guild.members.get(user.id)
    if member is None:
        return 0
    granted = guild_permissions(channel.guild, member)
    if granted == ALL:
        return ALL
    granted = _with_overwrites(channel, member, granted)
    if is_timed_out(channel.guild, member):
        granted &= TIMED_OUT
    if not granted & to_write_in(channel):
        granted &= ~NEEDS_SEND_MESSAGES
    if not granted & Permission.VIEW_CHANNEL or not _may_see_thread(channel, user, granted):
        return 0
    return granted


def to_write_in(channel: Channel) -> Permission:
    """Return the permission that writing there takes."""
    return Permission.SEND_MESSAGES_IN_THREADS if channel.thread else Permission.SEND_MESSAGES


def _may_see_thread(channel: Channel, user: User, granted: int) -> bool:
    if channel.thread is None or channel.type is not ChannelType.PRIVATE_THREAD:
        return True
    return user.id in channel.thread.members or bool(granted & Permission.MANAGE_THREADS)


def is_timed_out(guild: Guild, member: Member) -> bool:
    """Return whether the member's time-out has not ended yet."""
    return member.timed_out_until is not None and guild.clock.now() < member.timed_out_until


def _with_overwrites(channel: Channel, member: Member, granted: int) -> int:
    """Apply the overwrites in Discord's order: @everyone's, then all roles' together, then the member's."""
    overwrites = channel.thread.parent.overwrites if channel.thread else channel.overwrites
    allow = deny = 0
    for role_id in member.roles:
        if overwrite := overwrites.get(role_id):
            allow |= overwrite.allow
            deny |= overwrite.deny
    if everyone := overwrites.get(member.guild_id):
        granted = granted & ~everyone.deny | everyone.allow
    granted = granted & ~deny | allow
    if own := overwrites.get(member.user.id):
        granted = granted & ~own.deny | own.allow
    return granted


def parse_permissions(names: object) -> int:
    """Return the permission bits of a number, a decimal string, or a list of names such as `["SEND_MESSAGES"]`.

    Raises:
        ValueError: a name is unknown.
    """
    if isinstance(names, (int, str)):
        return int(names)
    if isinstance(names, list):
        bits = 0
        for name in names:  # pyright: ignore[reportUnknownVariableType] - JSON from a control request
            if str(name) not in Permission.__members__:  # pyright: ignore[reportUnknownArgumentType]
                raise ValueError(f"{name} is not a permission that the sandbox knows.")
            bits |= Permission[str(name)]  # pyright: ignore[reportUnknownArgumentType]
        return bits
    raise ValueError("Permissions are a number or a list of names.")
