"""What admins set under Server Settings, Integrations decides whom the stand-in offers a command.

https://discord.com/developers/docs/interactions/application-commands#permissions
"""

from typing import Any

import pytest

from sandbox.discord.command_permissions import is_offered
from sandbox.discord.control.request import find_channel
from tests.support.discord_client import DiscordControl, application

PING: dict[str, Any] = {"name": "ping", "description": "A test.", "type": 1}
FOR_MANAGERS = PING | {"name": "manage", "default_member_permissions": str(1 << 5)}
EVERYONE_NOT = {"role": "@everyone", "allow": False}
EVERYWHERE_NOT = {"channel": "@all", "allow": False}
GENERAL = {"channel": "general", "allow": True}
FRIEND = {"member": "friend", "allow": True}
CREW = {"role": "crew", "allow": True}


async def set_up(control: DiscordControl) -> str:
    """Register the commands, and return the path of the first server's command permissions."""
    app = application(control)
    assert (await control.rest("PUT", f"/applications/{app}/commands", json=[PING, FOR_MANAGERS]))[0] == 200
    await control.order("world", roles=[{"name": "crew"}], members=[{"name": "friend", "roles": ["crew"]}])
    return f"/applications/{app}/guilds/{next(iter(control.sandbox.core.world.guilds))}/commands"


def offered(control: DiscordControl, user: str, name: str = "ping") -> bool:
    """Return whether the person finds the command in #general."""
    core = control.sandbox.core
    command = next(one for one in core.world.commands[0].values() if one["name"] == name)
    return is_offered(core, command, core.world.people[user], find_channel(core, "general"))


@pytest.mark.parametrize(
    ("app", "own", "friend", "maker"),
    [
        ([], [], True, True),
        ([EVERYONE_NOT], [], False, False),
        ([EVERYONE_NOT, CREW], [], True, False),
        ([EVERYONE_NOT, FRIEND], [], True, False),
        ([{"role": "crew", "allow": False}], [], False, True),
        ([{"role": "crew", "allow": False}, FRIEND], [], True, True),
        ([EVERYONE_NOT], [CREW], True, False),
        ([FRIEND], [EVERYONE_NOT], False, False),
        ([EVERYWHERE_NOT], [], False, False),
        ([EVERYWHERE_NOT, GENERAL], [], True, True),
        ([EVERYWHERE_NOT], [GENERAL], True, True),
        ([GENERAL], [EVERYWHERE_NOT], False, False),
        ([{"channel": "general", "allow": False}, FRIEND], [FRIEND], False, False),
    ],
)
async def test_who_is_offered_a_command(
    control: DiscordControl, app: list[Any], own: list[Any], friend: bool, maker: bool
) -> None:
    """The command's own settings come before the application's, and both bind everybody but administrators."""
    await set_up(control)
    await control.order("integrations", permissions=app)
    await control.order("integrations", command="ping", permissions=own)
    assert (offered(control, "friend"), offered(control, "maker")) == (friend, maker)
    assert offered(control, "admin")


async def test_a_command_that_is_not_offered_is_not_sent(control: DiscordControl) -> None:
    """A person cannot run what Discord does not offer them."""
    await set_up(control)
    await control.order("integrations", permissions=[EVERYONE_NOT])
    answer = await control.order("slash", 400, user="maker", channel="general", command="ping")
    assert "is not offered to maker" in answer["error"]


async def test_default_member_permissions(control: DiscordControl) -> None:
    """Only a setting of the command itself lets a member use it without its default permissions."""
    await set_up(control)
    await control.order("integrations", permissions=[FRIEND])
    assert not offered(control, "friend", "manage")
    await control.order("integrations", command="manage", permissions=[FRIEND])
    assert offered(control, "friend", "manage")
    assert not offered(control, "maker", "manage")


async def test_the_bot_reads_them(control: DiscordControl) -> None:
    """The bot may list the settings and hears of changes, but cannot change them with its token."""
    path = await set_up(control)
    assert await control.rest("GET", f"{path}/permissions") == (200, [])
    sent = await control.order("integrations", command="ping", permissions=[EVERYONE_NOT])
    assert [one["permission"] for one in sent["permissions"]] == [False]
    assert await control.rest("GET", f"{path}/permissions") == (200, [sent])
    assert await control.rest("GET", f"{path}/{sent['id']}/permissions") == (200, sent)
    heard = [one["data"] for one in await control.transcript() if one.get("event", "").endswith("PERMISSIONS_UPDATE")]
    assert heard == [sent]
    status, refusal = await control.rest("PUT", f"{path}/{sent['id']}/permissions", json={"permissions": []})
    assert (status, refusal["code"]) == (403, 20001)
    await control.order("integrations", command="ping", permissions=[])
    status, refusal = await control.rest("GET", f"{path}/{sent['id']}/permissions")
    assert (status, refusal["code"]) == (404, 10066)
