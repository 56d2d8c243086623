"""The bot's account, and the gateway's URL."""

from sandbox.discord.permissions import guild_permissions
from sandbox.discord.rest.route import Auth, Call, Route, RouteReply
from sandbox.discord.wire import Json

DEFAULT_SOUND: Json = {
    "name": "quack",
    "sound_id": "1",
    "volume": 1.0,
    "emoji_id": None,
    "emoji_name": "🦆",
    "available": True,
}


def _me(call: Call) -> RouteReply:
    return RouteReply(call.core.serialize.me())


def _application(call: Call) -> RouteReply:
    return RouteReply(call.core.serialize.application())


def _gateway(call: Call) -> RouteReply:
    return RouteReply({"url": call.core.gateway.url})


def _gateway_bot(call: Call) -> RouteReply:
    gateway = call.core.gateway
    shards = gateway.shard_rules.shards_for(len(call.core.world.guilds))
    return RouteReply({"url": gateway.url, "shards": shards, "session_start_limit": gateway.starts.limit()})


def _sounds(_: Call) -> RouteReply:
    return RouteReply([DEFAULT_SOUND])


def _user(call: Call) -> RouteReply:
    return RouteReply(call.core.serialize.user(call.user()))


def _guilds(call: Call) -> RouteReply:
    world = call.core.world
    found: list[Json] = [
        {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "permissions": str(guild_permissions(guild, guild.members[world.bot.id])),
            "features": [],
        }
        for guild in world.guilds.values()
    ]
    return RouteReply(found)


ROUTES = (
    Route("GET", "/users/@me", _me),
    Route("GET", "/users/@me/guilds", _guilds),
    Route("GET", "/users/{user_id}", _user),
    Route("GET", "/oauth2/applications/@me", _application),
    Route("GET", "/applications/@me", _application),
    Route("GET", "/gateway", _gateway, auth=Auth.ANYONE),
    Route("GET", "/gateway/bot", _gateway_bot),
    Route("GET", "/soundboard-default-sounds", _sounds),
)
