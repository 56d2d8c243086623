"""Servers, with their channels, roles and members."""

from sandbox.discord.rest.route import Call, Route, RouteReply
from sandbox.discord.wire import ApiError, unknown


def _guild(call: Call) -> RouteReply:
    guild = call.guild()
    shown = call.core.serialize.guild(guild)
    if call.query.get("with_counts") in {"1", "true", "True"}:
        shown |= {"approximate_member_count": len(guild.members), "approximate_presence_count": len(guild.members)}
    return RouteReply(shown)


def _channels(call: Call) -> RouteReply:
    return RouteReply([call.core.serialize.channel(channel) for channel in call.guild().channels.values()])


def _roles(call: Call) -> RouteReply:
    return RouteReply([call.core.serialize.role(role) for role in call.guild().roles.values()])


def _member(call: Call) -> RouteReply:
    guild = call.guild()
    member = guild.members.get(call.id("user_id"))
    if member is None:
        known = call.id("user_id") in call.core.world.users
        raise unknown("Member", 10007) if known else unknown("User", 10013)
    return RouteReply(call.core.serialize.member_with_user(member))


def _members(call: Call) -> RouteReply:
    """Refuse: the list needs the members intent, which the bot does not have."""
    call.guild()
    raise ApiError(403, 50001, "Missing Access")


ROUTES = (
    Route("GET", "/guilds/{guild_id}", _guild),
    Route("GET", "/guilds/{guild_id}/channels", _channels),
    Route("GET", "/guilds/{guild_id}/roles", _roles),
    Route("GET", "/guilds/{guild_id}/members", _members),
    Route("GET", "/guilds/{guild_id}/members/{user_id}", _member),
)
