"""The control surface of the Discord stand-in acts as a real client would, and shapes the world."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordSandbox
from sandbox.discord.permissions import Permission
from tests.support.discord_client import PNG, DiscordControl, begin_command, file_of

NUMBER = {"type": 4, "name": "seconds", "description": "x", "min_value": 2, "max_value": 15}
PICK = {"type": 3, "name": "size", "description": "x", "choices": [{"name": "Full", "value": "1080p"}]}
PROMPT = {"type": 3, "name": "prompt", "description": "x", "required": True, "max_length": 10}
IMAGE = {"type": 11, "name": "image", "description": "x"}
FILM = {"type": 1, "name": "image", "description": "x", "options": [PROMPT, NUMBER, PICK, IMAGE]}
COMMANDS: list[dict[str, Any]] = [
    {"name": "wan27", "description": "x", "options": [FILM]},
    {"name": "budget", "description": "x", "default_member_permissions": 0},
]


@pytest.fixture
async def control() -> AsyncIterator[DiscordControl]:
    """A fresh sandbox whose bot has synced two commands."""
    async with DiscordSandbox(seed=1, is_strict=True) as sandbox, aiohttp.ClientSession() as session:
        control = DiscordControl(sandbox, session)
        path = f"/applications/{sandbox.core.world.bot.id}/commands"
        assert (await control.rest("PUT", path, json=COMMANDS))[0] == 200
        yield control


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"command": "wan28 image"}, "no command wan28"),
    ({"command": "wan27"}, "after wan27 come image"),
    ({"options": {}}, "prompt is required"),
    ({"options": {"prompt": "x" * 11}}, "at most 10"),
    ({"options": {"prompt": "x", "seconds": 1}}, "at least 2"),
    ({"options": {"prompt": "x", "seconds": "5.5"}}, "a whole number"),
    ({"options": {"prompt": "x", "seconds": True}}, "a whole number"),
    ({"options": {"prompt": "x", "size": "480p"}}, "offers 1080p"),
    ({"options": {"prompt": "x", "seed": 1}}, "no option seed"),
    ({"options": {"prompt": "x"}, "files": {"image": {"filename": "a"}}}, "base64 or path"),
    ({"command": "budget", "options": {}}, "not offered to maker"),
    ({"user": "stranger"}, "no member stranger"),
    ({"channel": "nowhere"}, "no channel nowhere"),
    ({"channels": "general"}, "no channels"),
]


@pytest.mark.parametrize(("change", "says"), REFUSALS)
async def test_what_a_client_would_not_send_is_refused(
    control: DiscordControl, change: dict[str, Any], says: str
) -> None:
    """A control request for what no client could do gets a 400 with the reason, and the bot gets no event."""
    order = {"user": "maker", "channel": "general", "command": "wan27 image", "options": {"prompt": "x"}} | change
    refused = await control.order("slash", 400, **order)
    assert says in refused["error"]
    assert not [e for e in await control.transcript() if "event" in e]


async def test_what_is_gone_can_still_be_named(control: DiscordControl) -> None:
    """A form can name a deleted role by its id alone, and a member who left as a user."""
    made = await control.order("world", roles=[{"name": "VIP"}], members=[{"name": "guest", "roles": ["VIP"]}])
    path = f"/applications/{control.sandbox.core.world.bot.id}/commands"
    options = [{"type": 8, "name": "role", "description": "x"}, {"type": 6, "name": "who", "description": "x"}]
    assert (await control.rest("PUT", path, json=[{"name": "give", "description": "x", "options": options}]))[0] == 200
    await control.order("gone", roles=["VIP"], members=["guest"])
    assert "no role VIP" in (await control.order("gone", 400, roles=["VIP"]))["error"]

    order = {"user": "maker", "channel": "general", "command": "give"}
    given = {"role": made["roles"][0]["id"], "who": "guest"}
    await control.order("slash", 400, **order, options=given)
    await control.order("slash", **order, options=given, unchecked=True)
    data = next(
        e["data"]["data"] for e in reversed(await control.transcript()) if e.get("event") == "INTERACTION_CREATE"
    )
    assert [option["value"] for option in data["options"]] == [given["role"], made["members"][0]["id"]]
    assert set(data["resolved"]) == {"users"}


async def sent_data(control: DiscordControl, **order: Any) -> dict[str, Any]:
    """Return the interaction that a control request causes."""
    sent = await begin_command(control, command="wan27 image", **order)
    await sent.answer(type=5)
    return sent.event


async def test_the_form_goes_over_the_wire_as_discord_sends_it(control: DiscordControl) -> None:
    """Subcommands nest, typed numbers become integers, and files are in `resolved`."""
    data = await sent_data(
        control, options={"prompt": "x", "seconds": "5"}, files={"image": file_of(PNG, "my picture.png")}
    )
    (sub,) = data["data"]["options"]
    values = {option["name"]: (option["type"], option["value"]) for option in sub["options"]}
    assert (sub["name"], sub["type"], values["prompt"], values["seconds"]) == ("image", 1, (3, "x"), (4, 5))
    file = data["data"]["resolved"]["attachments"][values["image"][1]]
    assert (file["filename"], file["size"], file["content_type"]) == ("my_picture.png", len(PNG), "image/png")
    assert data["attachment_size_limit"] == 10 * 1024 * 1024
    assert data["member"]["user"]["username"] == "maker"


async def test_an_unchecked_order_sends_what_a_client_would_not(control: DiscordControl) -> None:
    """With `unchecked`, choices and bounds are not enforced, so a test can send anything."""
    options = {"seconds": 99, "size": "8k", "other": 1.5}
    data = await sent_data(control, options=options, unchecked=True)
    sent = [(o["name"], o["type"], o["value"]) for o in data["data"]["options"][0]["options"]]
    assert sent == [("seconds", 4, 99), ("size", 3, "8k"), ("other", 10, 1.5)]


async def test_the_world_grows(control: DiscordControl) -> None:
    """Creating a server, channel, role or member returns its id, and it exists at once."""
    made = await control.order(
        "world",
        servers=[{"name": "Club", "tier": 3}],
        roles=[{"name": "VIP"}],
        members=[{"name": "guest", "roles": ["VIP"]}],
        channels=[{"name": "lounge", "server": "Club"}],
    )
    assert [len(made[key]) for key in ("servers", "roles", "members", "channels")] == [1, 1, 1, 1]
    assert all(row["id"].isdigit() for rows in made.values() for row in rows)
    said = await control.order("say", user="guest", channel="lounge", content="hi")
    seen = await control.messages(**{"channel": "lounge", "as": "maker"})
    assert [(m["id"], m["author"], m["content"]) for m in seen] == [(said["id"], "guest", "hi")]
    _, member = await control.rest("GET", f"/guilds/{made['servers'][0]['id']}/members/{made['members'][0]['id']}")
    assert member["roles"] == [made["roles"][0]["ids"][made["servers"][0]["id"]]]
    refused = await control.order("world", 400, members=[{"name": "x", "roles": ["none"]}])
    assert "no role none" in refused["error"]


async def test_a_hidden_channel_is_hidden(control: DiscordControl) -> None:
    """A member who cannot see a channel can neither read it, write in it, nor run a command there."""
    overwrites = [{"role": "@everyone", "deny": ["VIEW_CHANNEL"]}, {"member": "friend", "allow": ["VIEW_CHANNEL"]}]
    await control.order("world", channels=[{"name": "secret", "overwrites": overwrites}])
    await control.order("say", user="friend", channel="secret", content="psst")
    for name, extra in (("say", {"content": "x"}), ("slash", {"command": "wan27 image"})):
        refused = await control.order(name, 400, user="maker", channel="secret", **extra)
        assert "maker does not see the channel secret" in refused["error"]
    async with control.session.get(
        f"{control.sandbox.control_url}/messages", params={"channel": "secret", "as": "maker"}
    ) as response:
        assert response.status == 400
    assert len(await control.messages(**{"channel": "secret", "as": "admin"})) == 1


async def test_a_message_has_exactly_the_agreed_keys(control: DiscordControl) -> None:
    """Other programs read these keys: keys may be added but not removed."""
    await control.order("say", user="maker", content="hi", files=[file_of(PNG)])
    (message,) = await control.messages(**{"channel": "general", "as": "maker"})
    agreed = "id author content embeds components attachments reactions edits ephemeral_for reference"
    assert set(agreed.split()) <= set(message)
    assert set(message["attachments"][0]) >= {"filename", "size", "content_type", "url"}
    assert (message["author"], message["edits"], message["ephemeral_for"], message["reference"]) == (
        "maker",
        0,
        None,
        None,
    )


async def test_the_commands_and_the_transcript_can_be_looked_at(control: DiscordControl) -> None:
    """GET commands returns the synced commands; the transcript has one line per exchange, with fixed keys."""
    async with control.session.get(f"{control.sandbox.control_url}/commands") as response:
        assert [command["name"] for command in await response.json()] == ["wan27", "budget"]
    (exchange,) = await control.transcript()
    assert set(exchange) == {"method", "path", "request", "status", "response", "ms"}
    assert (exchange["method"], exchange["request"], exchange["status"]) == ("PUT", COMMANDS, 200)


async def test_a_burst_is_many_commands(control: DiscordControl) -> None:
    """A burst sends the same command `count` times, and returns when each was answered, if it was."""
    point = {"user": "maker", "channel": "general", "command": "wan27 image", "options": {"prompt": "x"}}
    assert "1 to" in (await control.order("burst", 400, **point, count=0))["error"]
    asked_at_once = await begin_command(control, **point)
    asked_at_once.order.cancel()
    burst = asyncio.create_task(control.order("burst", **point, count=3, over_s=0.05))
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while len(events) < 4:
            events = [e["data"] for e in await control.transcript() if e.get("event") == "INTERACTION_CREATE"]
    for event in events[1:3]:
        path = f"/interactions/{event['id']}/{event['token']}/callback"
        assert (await control.rest("POST", path, token="", json={"type": 5}))[0] == 204
    told = await burst
    assert [waited is not None for waited in told["ack_ms"]] == [True, True, False]
    assert [bool(message) for message in told["message_id"]] == [True, True, False]


async def test_a_time_out_goes_with_the_member(control: DiscordControl) -> None:
    """A reaction's and an interaction's member say until when they are timed out, and which permissions are left."""
    said = await control.order("say", user="friend", channel="general", content="look")
    await control.order("world", members=[{"name": "maker", "timed_out_s": 60}])
    await control.order("react", 400, user="maker", message=said["message_id"], emoji="🔁")
    await control.order("react", user="friend", message=said["message_id"], emoji="🔁")
    await control.order("react", user="maker", message=said["message_id"], emoji="🔁")
    events = [e["data"] for e in await control.transcript() if e.get("event") == "MESSAGE_REACTION_ADD"]
    assert [bool(event["member"]["communication_disabled_until"]) for event in events] == [False, True]
    refused = await control.order("slash", 400, user="maker", command="wan27 image", options={"prompt": "x"})
    assert "may not use application commands" in refused["error"]
    await control.order("advance", seconds=61)
    pending = await begin_command(control, command="wan27 image", options={"prompt": "x"})
    assert int(pending.event["member"]["permissions"]) & Permission.SEND_MESSAGES
    pending.order.cancel()
