"""Threads under the bot's token: start, change, join, leave, list."""

from typing import Any

from sandbox.discord import draft, messages, threads
from sandbox.discord.messages import MessageOrigin
from sandbox.discord.model import POSTS_ONLY, Channel, ChannelType, Thread
from sandbox.discord.permissions import Permission, to_write_in
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.rest.messages import find_message
from sandbox.discord.rest.route import NOTHING, Call, Route, RouteReply
from sandbox.discord.schema import KeyRule, check_object
from sandbox.discord.threads import ThreadPlan
from sandbox.discord.wire import ApiError, Json, unknown

ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
MAX_SLOW_MODE_S = 21_600
_START = {
    "name": KeyRule("str", 100, 1, required=True),
    "auto_archive_duration": KeyRule("int"),
    "rate_limit_per_user": KeyRule("int", MAX_SLOW_MODE_S),
}
_ALONE = _START | {"type": KeyRule("int", ChannelType.PRIVATE_THREAD), "invitable": KeyRule("bool")}
_POST = _START | {"message": KeyRule("object", required=True), "applied_tags": KeyRule("list", 5)}
_CHANGE = {
    "name": KeyRule("str", 100, 1),
    "archived": KeyRule("bool"),
    "locked": KeyRule("bool"),
    "invitable": KeyRule("bool"),
    "auto_archive_duration": KeyRule("int"),
    "rate_limit_per_user": KeyRule("int", MAX_SLOW_MODE_S),
    "flags": KeyRule("int"),
    "applied_tags": KeyRule("list", 5),
}


def _checked(call: Call, rules: dict[str, KeyRule]) -> Json:
    problems = call.problems()
    kept = check_object(problems, "", call.body, rules)
    if kept.get("auto_archive_duration", ARCHIVE_MINUTES[0]) not in ARCHIVE_MINUTES:
        problems.add("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {ARCHIVE_MINUTES}.")
    problems.raise_any()
    return kept


def _plan(call: Call, parent: Channel, wanted: Json, **more: Any) -> ThreadPlan:
    return ThreadPlan(
        wanted["name"],
        parent,
        call.core.world.bot,
        auto_archive_minutes=int(wanted.get("auto_archive_duration", 4320)),
        slow_mode_s=int(wanted.get("rate_limit_per_user", 0)),
        **more,
    )


def _start_at_message(call: Call) -> RouteReply:
    parent = call.channel(Permission.CREATE_PUBLIC_THREADS)
    message = find_message(call, parent)
    wanted = _checked(call, _START)
    thread = messages.start_thread(call.core, _plan(call, parent, wanted, message=message))
    return RouteReply(call.core.serialize.channel(thread), status=201)


def _start(call: Call) -> RouteReply:
    parent = call.channel()
    if parent.type in POSTS_ONLY:
        return _post(call, parent)
    wanted = _checked(call, _ALONE)
    private = int(wanted.get("type", ChannelType.PRIVATE_THREAD)) == ChannelType.PRIVATE_THREAD
    call.require(parent, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)
    plan = _plan(call, parent, wanted, private=private, invitable=wanted.get("invitable", True))
    return RouteReply(call.core.serialize.channel(threads.start_thread(call.core, plan)), status=201)


def _post(call: Call, forum: Channel) -> RouteReply:
    """Start a forum post: a thread whose first message has its id."""
    call.require(forum, Permission.SEND_MESSAGES)
    wanted = _checked(call, _POST)
    text = call.draft(draft.CREATE, body=wanted["message"], path="message")
    call.check_sizes(call.core.world.upload_limit_bytes(forum))
    text.check_new()
    thread = threads.start_thread(call.core, _plan(call, forum, wanted))
    origin = MessageOrigin(message_id=thread.id)
    message = messages.post_message(call.core, thread, call.core.world.bot, text, origin)
    shown = call.core.serialize.channel(thread) | {"message": call.core.serialize.message(message)}
    return RouteReply(shown, status=201)


def _thread(call: Call) -> tuple[Channel, Thread]:
    channel = call.channel()
    if channel.thread is None:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    return channel, channel.thread


def _change(call: Call) -> RouteReply:
    """Change a thread: its owner may rename and archive it; its members may open it, unless it is locked."""
    channel, facts = _thread(call)
    wanted = _checked(call, _CHANGE)
    bot = call.core.world.bot
    opens = wanted.keys() == {"archived"} and not wanted["archived"] and bot.id in facts.members and not facts.locked
    owns = facts.owner is bot and wanted.keys() <= {"name", "archived", "auto_archive_duration"}
    if not owns and not opens:
        call.require(channel, Permission.MANAGE_THREADS)
    if facts.archived and wanted.get("archived") is not False:
        raise threads.archived()
    channel.name = wanted.get("name", channel.name)
    channel.slow_mode_s = int(wanted.get("rate_limit_per_user", channel.slow_mode_s))
    facts.invitable = wanted.get("invitable", facts.invitable)
    facts.auto_archive_minutes = int(wanted.get("auto_archive_duration", facts.auto_archive_minutes))
    threads.set_archived(call.core, channel, is_archived=wanted.get("archived"), locked=wanted.get("locked"))
    return RouteReply(call.core.serialize.channel(channel))


def _join(call: Call) -> RouteReply:
    threads.join_thread(call.core, _thread(call)[0], call.core.world.bot)
    return NOTHING


def _add(call: Call) -> RouteReply:
    channel, _ = _thread(call)
    call.require(channel, to_write_in(channel))
    threads.join_thread(call.core, channel, call.user())
    return NOTHING


def _leave(call: Call) -> RouteReply:
    threads.leave_thread(call.core, _thread(call)[0], call.core.world.bot)
    return NOTHING


def _remove(call: Call) -> RouteReply:
    channel, _ = _thread(call)
    call.require(channel, Permission.MANAGE_THREADS)
    threads.leave_thread(call.core, channel, call.user())
    return NOTHING


def _member(call: Call) -> RouteReply:
    channel, facts = _thread(call)
    user = call.core.world.bot if call.params["user_id"] == "@me" else call.user()
    if user.id not in facts.members:
        raise unknown("Member", 10007)
    return RouteReply(call.core.serialize.thread_member(channel, user))


def _active(call: Call) -> RouteReply:
    seen = call.core.serialize.active_threads(call.guild())
    joined = [thread["member"] for thread in seen if "member" in thread]
    return RouteReply({"threads": seen, "members": joined, "has_more": False})


_CHANNEL = "/channels/{channel_id}"
_MEMBERS = _CHANNEL + "/thread-members"
_RATE = RateLimit("thread create", 5, 10.0, ("channel_id",))

ROUTES = (
    Route("POST", _CHANNEL + "/messages/{message_id}/threads", _start_at_message, _RATE),
    Route("POST", _CHANNEL + "/threads", _start, _RATE),
    Route("PATCH", _CHANNEL, _change, RateLimit("channel edit", 5, 10.0, ("channel_id",))),
    Route("PUT", _MEMBERS + "/@me", _join),
    Route("DELETE", _MEMBERS + "/@me", _leave),
    Route("PUT", _MEMBERS + "/{user_id}", _add),
    Route("DELETE", _MEMBERS + "/{user_id}", _remove),
    Route("GET", _MEMBERS + "/{user_id}", _member),
    Route("GET", "/guilds/{guild_id}/threads/active", _active),
)
