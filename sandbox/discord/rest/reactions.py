"""Reactions under the bot's token."""

from sandbox.discord import reactions
from sandbox.discord.permissions import Permission
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.rest.messages import find_message
from sandbox.discord.rest.route import NOTHING, Call, Route, RouteReply
from sandbox.discord.wire import unknown_emoji

_ONE = "/channels/{channel_id}/messages/{message_id}/reactions"
# Adding and removing share one bucket, about one in 250 ms.
_RATE = RateLimit("reaction", 1, 0.25, ("channel_id",))
_CLEAR = RateLimit("reaction clear", 1, 0.25, ("channel_id",))


def _add(call: Call) -> RouteReply:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    message = find_message(call, channel)
    if call.params["emoji"] not in message.reactions:
        call.require(channel, Permission.ADD_REACTIONS)
    reactions.add(call.core, message, call.core.world.bot, call.params["emoji"])
    return NOTHING


def _remove_own(call: Call) -> RouteReply:
    message = find_message(call, call.channel(Permission.READ_MESSAGE_HISTORY))
    reactions.remove(call.core, message, call.core.world.bot, call.params["emoji"])
    return NOTHING


def _remove(call: Call) -> RouteReply:
    message = find_message(call, call.channel(Permission.MANAGE_MESSAGES))
    reactions.remove(call.core, message, call.user(), call.params["emoji"])
    return NOTHING


def _clear_emoji(call: Call) -> RouteReply:
    message = find_message(call, call.channel(Permission.MANAGE_MESSAGES))
    reactions.clear(call.core, message, call.params["emoji"])
    return NOTHING


def _clear(call: Call) -> RouteReply:
    message = find_message(call, call.channel(Permission.MANAGE_MESSAGES))
    reactions.clear(call.core, message, None)
    return NOTHING


def _list(call: Call) -> RouteReply:
    message = find_message(call, call.channel(Permission.READ_MESSAGE_HISTORY))
    users = message.reactions.get(call.params["emoji"])
    if users is None:
        raise unknown_emoji()
    return RouteReply([call.core.serialize.user(user) for user in users.values()])


ROUTES = (
    Route("PUT", _ONE + "/{emoji}/@me", _add, _RATE),
    Route("DELETE", _ONE + "/{emoji}/@me", _remove_own, _RATE),
    Route("DELETE", _ONE + "/{emoji}/{user_id}", _remove, _RATE),
    Route("GET", _ONE + "/{emoji}", _list, RateLimit("reaction list", 5, 1.0, ("channel_id",))),
    Route("DELETE", _ONE + "/{emoji}", _clear_emoji, _CLEAR),
    Route("DELETE", _ONE, _clear, _CLEAR),
)
