"""Channels, DMs and the typing sign."""

from sandbox.discord.permissions import Permission
from sandbox.discord.rate_limits import Rate
from sandbox.discord.rest.route import NOTHING, Call, Reply, Route
from sandbox.discord.schema import Rule, hold
from sandbox.discord.wire import ApiError, Problems, unknown


def _channel(call: Call) -> Reply:
    return Reply(call.core.show.channel(call.channel()))


def _typing(call: Call) -> Reply:
    call.channel(Permission.SEND_MESSAGES)
    return NOTHING


def _open_dm(call: Call) -> Reply:
    problems = Problems()
    body = hold(problems, "", call.body, {"recipient_id": Rule("id", required=True)})
    problems.raise_any()
    user = call.core.world.users.get(int(body["recipient_id"]))
    if user is None:
        raise unknown("User", 10013)
    if user.bot:
        raise ApiError(400, 50007, "Cannot send messages to this user")
    return Reply(call.core.show.channel(call.core.world.dm(user)))


ROUTES = (
    Route("GET", "/channels/{channel_id}", _channel),
    Route("POST", "/channels/{channel_id}/typing", _typing, Rate("typing", 5, 5.0, ("channel_id",))),
    Route("POST", "/users/@me/channels", _open_dm),
)
