"""Channels, DMs and the typing indicator."""

from sandbox.discord import channels
from sandbox.discord.permissions import Permission
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.rest.route import NOTHING, Call, Route, RouteReply
from sandbox.discord.schema import KeyRule, check_object
from sandbox.discord.wire import ApiError, unknown


def _channel(call: Call) -> RouteReply:
    return RouteReply(call.core.serialize.channel(call.channel()))


def _typing(call: Call) -> RouteReply:
    call.core.watchers.typed(call.writable_channel(), call.core.world.bot)
    return NOTHING


def _delete(call: Call) -> RouteReply:
    channel = call.channel()
    call.require(channel, Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS)
    shown = call.core.serialize.channel(channel)
    channels.delete_channel(call.core, channel)
    return RouteReply(shown)


def _open_dm(call: Call) -> RouteReply:
    problems = call.problems()
    body = check_object(problems, "", call.body, {"recipient_id": KeyRule("id", required=True)})
    problems.raise_any()
    user = call.core.world.users.get(int(body["recipient_id"]))
    if user is None:
        raise unknown("User", 10013)
    if user.bot:
        raise ApiError(400, 50007, "Cannot send messages to this user")
    return RouteReply(call.core.serialize.channel(call.core.world.dm(user)))


ROUTES = (
    Route("GET", "/channels/{channel_id}", _channel),
    Route("DELETE", "/channels/{channel_id}", _delete),
    Route("POST", "/channels/{channel_id}/typing", _typing, RateLimit("typing", 5, 5.0, ("channel_id",))),
    Route("POST", "/users/@me/channels", _open_dm),
)
