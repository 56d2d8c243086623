"""The bot's application commands: synced in bulk or one by one, and checked by Discord's rules."""

from typing import Any, cast

from sandbox.discord.command_permissions import as_sent
from sandbox.discord.command_rules import check_command, check_commands
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.rest.route import NOTHING, Call, Route, RouteReply
from sandbox.discord.schema import as_list
from sandbox.discord.wire import ApiError, Json, invalid, missing_access, unknown

GLOBAL = 0


def _place(call: Call) -> dict[int, Json]:
    """Return the commands of the path's server, or the global ones."""
    if call.id("application_id") != call.core.world.bot.id:
        raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
    guild_id = call.id("guild_id") if "guild_id" in call.params else GLOBAL
    if guild_id != GLOBAL and guild_id not in call.core.world.guilds:
        raise missing_access()
    return call.core.world.commands.setdefault(guild_id, {})


def _list(call: Call) -> RouteReply:
    return RouteReply(list(_place(call).values()))


def _replace(call: Call) -> RouteReply:
    place = _place(call)
    body: Any = call.body
    if not isinstance(body, list):
        raise invalid("", "LIST_TYPE_CONVERT", "Commands are synced as a list.")
    problems = call.problems()
    wanted = [check_command(problems, str(n), one) for n, one in enumerate(as_list(cast("Any", body)))]
    check_commands(problems, wanted)
    problems.raise_any()
    old = {(one["type"], one["name"]): one for one in place.values()}
    place.clear()
    for command in wanted:
        _store(call, place, command, old.get((command["type"], command["name"])))
    return RouteReply(list(place.values()))


def _create(call: Call) -> RouteReply:
    place = _place(call)
    problems = call.problems()
    command = check_command(problems, "", call.body)
    problems.raise_any()
    old = {(one["type"], one["name"]): one for one in place.values()}.get((command["type"], command["name"]))
    check_commands(problems, [*(one for one in place.values() if one is not old), command])
    problems.raise_any()
    return RouteReply(_store(call, place, command, old), status=201 if old is None else 200)


def _store(call: Call, place: dict[int, Json], command: Json, old: Json | None) -> Json:
    """Store a command; one that replaces a command of the same type and name keeps its id."""
    command_id = int(old["id"]) if old else call.core.ids.next()
    stored = command | {
        "id": str(command_id),
        "application_id": str(call.core.world.bot.id),
        "version": str(call.core.ids.next()),
    }
    if "guild_id" in call.params:
        stored["guild_id"] = call.params["guild_id"]
        stored.pop("dm_permission", None)
    place[command_id] = stored
    return stored


def _one(call: Call) -> Json:
    found = _place(call).get(call.id("command_id"))
    if found is None:
        raise unknown("application command", 10063)
    return found


def _get(call: Call) -> RouteReply:
    return RouteReply(_one(call))


def _edit(call: Call) -> RouteReply:
    old = _one(call)
    place = _place(call)
    if not isinstance(call.body, dict):
        raise invalid("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in this Data Model.")
    fixed = {"id", "application_id", "version", "guild_id"}
    merged = {k: v for k, v in old.items() if k not in fixed} | cast("Json", call.body)
    problems = call.problems()
    command = check_command(problems, "", merged)
    problems.raise_any()
    return RouteReply(_store(call, place, command, old))


def _delete(call: Call) -> RouteReply:
    command = _one(call)
    del _place(call)[int(command["id"])]
    return NOTHING


def _permissions(call: Call) -> RouteReply:
    _place(call)
    targets = call.core.world.command_permissions.get(call.id("guild_id"), {})
    return RouteReply([as_sent(call.core, call.id("guild_id"), target_id) for target_id in targets])


def _permissions_of_one(call: Call) -> RouteReply:
    _place(call)
    guild_id, target_id = call.id("guild_id"), call.id("command_id")
    if target_id not in call.core.world.command_permissions.get(guild_id, {}):
        raise unknown("application command permissions", 10066)
    return RouteReply(as_sent(call.core, guild_id, target_id))


def _bots_may_not(call: Call) -> RouteReply:
    """Refuse an edit: it takes a member's Bearer token."""
    _place(call)
    raise ApiError(403, 20001, "Bots cannot use this endpoint")


_SYNC = RateLimit("commands", 20, 20.0, ("application_id",))


def _routes(base: str) -> tuple[Route, ...]:
    return (
        Route("GET", base, _list),
        Route("PUT", base, _replace, _SYNC),
        Route("POST", base, _create, _SYNC),
        Route("GET", base + "/{command_id}", _get),
        Route("PATCH", base + "/{command_id}", _edit, _SYNC),
        Route("DELETE", base + "/{command_id}", _delete, _SYNC),
    )


_OF_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"

ROUTES = (
    Route("GET", _OF_GUILD + "/permissions", _permissions),
    Route("GET", _OF_GUILD + "/{command_id}/permissions", _permissions_of_one),
    Route("PUT", _OF_GUILD + "/{command_id}/permissions", _bots_may_not),
    *_routes("/applications/{application_id}/commands"),
    *_routes(_OF_GUILD),
)
