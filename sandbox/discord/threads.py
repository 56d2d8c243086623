"""Threads and forum posts: who may write in them, and the events about them.

https://discord.com/developers/docs/topics/threads
"""

from dataclasses import dataclass

from sandbox.discord.core import Core
from sandbox.discord.model import POSTS_ONLY, WITHOUT_MESSAGES, Channel, ChannelType, Message, MessageFlag, Thread, User
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.serializer import THREAD_MEMBERS_COUNTED
from sandbox.discord.session import Intent
from sandbox.discord.wire import ApiError, Json

STARTED_IN = POSTS_ONLY | {ChannelType.TEXT, ChannelType.ANNOUNCEMENT}


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """A thread to be started. With a `message` it begins at that message, and has its id."""

    name: str
    parent: Channel
    owner: User
    private: bool = False
    message: Message | None = None
    invitable: bool = True
    auto_archive_minutes: int = 4320
    slow_mode_s: int = 0


def archived() -> ApiError:
    """Return 400 50083."""
    return ApiError(400, 50083, "Thread is archived")


def start_thread(core: Core, plan: ThreadPlan) -> Channel:
    """Add a thread with its owner as the first member, and send THREAD_CREATE.

    Raises:
        ApiError: 50024 if the channel takes no threads, 160004 if the message has one.
    """
    parent, now = plan.parent, core.clock.now()
    if parent.type not in STARTED_IN or (plan.private and parent.type is not ChannelType.TEXT):
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    if plan.message is not None and plan.message.thread is not None:
        raise ApiError(400, 160004, "A thread has already been created for this message")
    public = ChannelType.ANNOUNCEMENT_THREAD if parent.type is ChannelType.ANNOUNCEMENT else ChannelType.PUBLIC_THREAD
    thread = Channel(
        plan.message.id if plan.message else core.ids.next(),
        ChannelType.PRIVATE_THREAD if plan.private else public,
        plan.name,
        guild=parent.guild,
        slow_mode_s=plan.slow_mode_s,
        thread=Thread(
            parent,
            plan.owner,
            created_at=now,
            archived_at=now,
            invitable=plan.invitable,
            auto_archive_minutes=plan.auto_archive_minutes,
        ),
    )
    core.world.add_thread(thread, plan.message)
    if plan.message is not None:
        plan.message.flags |= MessageFlag.HAS_THREAD
    _facts(thread).members[plan.owner.id] = now
    _emit(core, "THREAD_CREATE", thread, core.serialize.channel(thread) | {"newly_created": True})
    return thread


def join_thread(core: Core, thread: Channel, user: User) -> None:
    """Make the person a member of the thread; repeating it changes nothing.

    Raises:
        ApiError: 50083, when the thread is archived.
    """
    facts = _facts(thread)
    if user.id in facts.members:
        return
    if facts.archived:
        raise archived()
    facts.members[user.id] = core.clock.now()
    if user is core.world.bot and thread.type is ChannelType.PRIVATE_THREAD:
        _emit(core, "THREAD_CREATE", thread, core.serialize.channel(thread))
    added = [core.serialize.thread_member(thread, user)]
    _emit_members(core, thread, user, {"added_members": added})


def leave_thread(core: Core, thread: Channel, user: User) -> None:
    """End the person's membership of the thread.

    Raises:
        ApiError: 50083, when the thread is archived.
    """
    facts = _facts(thread)
    if facts.archived:
        raise archived()
    if facts.members.pop(user.id, None) is not None:
        _emit_members(core, thread, user, {"removed_member_ids": [str(user.id)]})


def _emit_members(core: Core, thread: Channel, user: User, change: Json) -> None:
    data: Json = {
        "id": str(thread.id),
        "guild_id": str(thread.guild.id if thread.guild else 0),
        "member_count": min(THREAD_MEMBERS_COUNTED, len(_facts(thread).members)),
    }
    intent = Intent.GUILDS if user is core.world.bot else Intent.GUILD_MEMBERS
    core.gateway.emit("THREAD_MEMBERS_UPDATE", data | change, guild_id=int(data["guild_id"]), intent=intent)


def set_archived(core: Core, thread: Channel, *, is_archived: bool | None = None, locked: bool | None = None) -> None:
    """Archive, open, lock or unlock the thread, and send THREAD_UPDATE; None leaves it as it is."""
    facts = _facts(thread)
    if is_archived is not None and is_archived is not facts.archived:
        facts.archived, facts.archived_at = is_archived, core.clock.now()
    if locked is not None:
        facts.locked = locked
    _emit(core, "THREAD_UPDATE", thread, core.serialize.channel(thread))


def emit_sync(core: Core, parent: Channel) -> None:
    """Send THREAD_LIST_SYNC: the bot sees the channel from now on, and with it the active threads there."""
    if parent.guild is None:
        return
    guild_id, parent_id = str(parent.guild.id), str(parent.id)
    seen = [one for one in core.serialize.active_threads(parent.guild) if one["parent_id"] == parent_id]
    joined = [thread["member"] for thread in seen if "member" in thread]
    data: Json = {"guild_id": guild_id, "channel_ids": [parent_id], "threads": seen, "members": joined}
    core.gateway.emit("THREAD_LIST_SYNC", data, guild_id=parent.guild.id, intent=Intent.GUILDS)


def emit_delete(core: Core, thread: Channel) -> None:
    """Send THREAD_DELETE."""
    guild_id, parent_id = str(thread.guild.id if thread.guild else 0), str(_facts(thread).parent.id)
    place: Json = {"id": str(thread.id), "guild_id": guild_id, "parent_id": parent_id, "type": int(thread.type)}
    _emit(core, "THREAD_DELETE", thread, place)


def check_writable(channel: Channel, author: User) -> None:
    """Check that a message may be posted.

    Raises:
        ApiError: 50008 in a forum or category; 50083 or 160005 in a locked thread without MANAGE_THREADS.
    """
    if channel.type in WITHOUT_MESSAGES:
        raise ApiError(400, 50008, "Cannot send messages in a non-text channel")
    facts = channel.thread
    if facts is None or not facts.locked or channel_permissions(channel, author) & Permission.MANAGE_THREADS:
        return
    if facts.archived:
        raise archived()
    raise ApiError(403, 160005, "Thread is locked")


def check_active(channel: Channel) -> None:
    """Check that people may react to messages there.

    Raises:
        ApiError: 50083, in an archived thread.
    """
    if channel.thread is not None and channel.thread.archived:
        raise archived()


def check_editable(channel: Channel, author: User) -> None:
    """Check that messages there may be edited, under either token.

    Raises:
        ApiError: 50083 in an archived thread, 160005 in a locked one without MANAGE_THREADS.
    """
    check_active(channel)
    if channel.thread is not None:
        check_writable(channel, author)


def check_deletable(channel: Channel, user: User) -> None:
    """Check that messages there may be deleted.

    Raises:
        ApiError: 50083 in a thread that is archived and locked, without MANAGE_THREADS.
    """
    if channel.thread is not None and channel.thread.archived:
        check_writable(channel, user)


def count_message(core: Core, message: Message) -> None:
    """Do what a new message does to its thread: count it, open an archived thread, and make the author a member."""
    channel, facts = message.channel, message.channel.thread
    if facts is None:
        return
    message.position = facts.messages_ever
    if not message.is_first_of_thread():
        facts.messages_ever += 1
    if facts.archived:
        set_archived(core, channel, is_archived=False)
    join_thread(core, channel, message.author)


def _facts(thread: Channel) -> Thread:
    if thread.thread is None:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    return thread.thread


def _emit(core: Core, event: str, thread: Channel, data: Json) -> None:
    """Send an event about a thread, if the bot sees it."""
    if channel_permissions(thread, core.world.bot):
        core.gateway.emit(event, data, guild_id=thread.guild.id if thread.guild else None, intent=Intent.GUILDS)
