"""The stand-in's gateway follows Discord's: HELLO, shards, resuming and close codes."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from sandbox.discord.session import Intent
from tests.support.discord_client import DEADLINE_S, DiscordControl

GUILDS = 1
REACTIONS = int(Intent.GUILD_MESSAGE_REACTIONS)
Socket = aiohttp.ClientWebSocketResponse


async def connect(control: DiscordControl, query: str = "v=10&encoding=json") -> Socket:
    """A websocket that has received HELLO."""
    socket = await control.session.ws_connect(f"{control.sandbox.environment()['DISCORD_GATEWAY_URL']}?{query}")
    if "compress" not in query and "v=10" in query:
        assert (await socket.receive_json(timeout=DEADLINE_S))["op"] == 10
    return socket


async def identify(control: DiscordControl, socket: Socket, **change: Any) -> list[dict[str, Any]]:
    """IDENTIFY, and the events up to the last server."""
    usual: dict[str, Any] = {"token": control.sandbox.core.token, "intents": GUILDS | REACTIONS, "properties": {}}
    data = usual | change
    await socket.send_json({"op": 2, "d": data})
    events = [await socket.receive_json(timeout=DEADLINE_S)]
    events += [await socket.receive_json(timeout=DEADLINE_S) for _ in events[0]["d"]["guilds"]]
    return events


async def hung_up(socket: Socket) -> int | None:
    """Return the code with which the gateway closed."""
    while True:
        frame = await socket.receive(timeout=DEADLINE_S)
        if frame.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}:
            return socket.close_code


async def test_a_session_is_greeted_and_kept_alive(control: DiscordControl) -> None:
    """READY names the servers as unavailable, GUILD_CREATE brings them, and a heartbeat is acknowledged."""
    socket = await connect(control)
    ready, guild = await identify(control, socket)
    assert (ready["t"], ready["s"], ready["d"]["guilds"][0]["unavailable"]) == ("READY", 1, True)
    assert (guild["t"], guild["d"]["name"], guild["d"]["member_count"]) == ("GUILD_CREATE", "Studio", 4)
    assert [member["user"]["bot"] for member in guild["d"]["members"]] == [True]
    await socket.send_json({"op": 1, "d": 2})
    assert (await socket.receive_json(timeout=DEADLINE_S))["op"] == 11


async def test_a_compressed_stream_is_one_stream(control: DiscordControl) -> None:
    """With zlib-stream every frame ends in a sync flush and one decompressor reads them all."""
    socket = await connect(control, "v=10&encoding=json&compress=zlib-stream")
    stream = zlib.decompressobj()
    assert b'"op":10' in stream.decompress(await socket.receive_bytes(timeout=DEADLINE_S))
    await socket.send_json({"op": 1, "d": None})
    frame = await socket.receive_bytes(timeout=DEADLINE_S)
    assert frame.endswith(b"\x00\x00\xff\xff")
    assert b'"op":11' in stream.decompress(frame)


async def test_a_shard_hears_of_its_own_servers_only(control: DiscordControl) -> None:
    """A server belongs to shard (id >> 22) % count, and DMs to shard 0."""
    await control.order("gateway", action="identify_interval", seconds=0)
    sockets = [await connect(control) for _ in range(2)]
    ready = [(await identify(control, s, shard=[n, 2]))[0]["d"] for n, s in enumerate(sockets)]
    guild = next(iter(control.sandbox.core.world.guilds))
    holder = (guild >> 22) % 2
    assert [len(one["guilds"]) for one in ready] == [int(holder == 0), int(holder == 1)]
    said = await control.order("say", user="maker", content="hi")
    await control.order("react", user="maker", message=said["id"], emoji="👍")
    heard = await sockets[holder].receive_json(timeout=DEADLINE_S)
    assert heard["t"] == "MESSAGE_REACTION_ADD"
    other = sockets[1 - holder]
    await other.send_json({"op": 1, "d": None})
    assert (await other.receive_json(timeout=DEADLINE_S))["op"] == 11


async def test_servers_made_one_after_another_are_spread_over_the_shards(control: DiscordControl) -> None:
    """Each server is from a millisecond of its own, as at Discord, where ids of servers made together differ too."""
    await control.order("world", servers=[{"name": f"Club {n}", "members": []} for n in range(7)])
    shards = [(guild >> 22) % 4 for guild in control.sandbox.core.world.guilds]
    assert sorted(shards) == [0, 0, 1, 1, 2, 2, 3, 3]


async def test_a_shard_with_too_many_servers_is_refused(control: DiscordControl) -> None:
    """Above 2,500 servers, here 1, IDENTIFY is answered by 4011; /gateway/bot recommends how many shards to start."""
    await control.order("world", servers=[{"name": "Club", "members": []}])
    await control.order("gateway", action="limits", servers_per_shard_max=1, shards=2, identify_interval_s=0)
    assert (await control.rest("GET", "/gateway/bot"))[1]["shards"] == 2
    alone = await connect(control)
    await alone.send_json({"op": 2, "d": {"token": control.sandbox.core.token, "intents": GUILDS, "properties": {}}})
    assert await hung_up(alone) == 4011
    shards = [await connect(control) for _ in range(2)]
    for number, socket in enumerate(shards):
        ready, _ = await identify(control, socket, shard=[number, 2])
        assert ready["d"]["shard"] == [number, 2]
    async with control.session.get(f"{control.sandbox.control_url}/state") as response:
        assert (await response.json())["shards"] == [[0, 2], [1, 2]]


@pytest.mark.parametrize("closes", [True, False])
async def test_a_shard_that_identifies_twice(control: DiscordControl, closes: bool) -> None:
    """Its older session is closed and cannot resume, unless the stand-in is told to let both hear everything."""
    await control.order("gateway", action="limits", identify_interval_s=0, closes_older_session=closes)
    older, newer = await connect(control), await connect(control)
    ready, _ = await identify(control, older)
    await identify(control, newer)
    if closes:
        assert await hung_up(older) == 4009
        again = await connect(control)
        resume = {"token": control.sandbox.core.token, "session_id": ready["d"]["session_id"], "seq": 2}
        await again.send_json({"op": 6, "d": resume})
        assert (await again.receive_json(timeout=DEADLINE_S))["op"] == 9
    said = await control.order("say", user="maker", content="hi")
    await control.order("react", user="maker", message=said["id"], emoji="👍")
    for socket in (newer,) if closes else (older, newer):
        assert (await socket.receive_json(timeout=DEADLINE_S))["t"] == "MESSAGE_REACTION_ADD"


async def test_one_shard_is_disturbed_and_the_others_are_not(control: DiscordControl) -> None:
    """A control request may name the shard whose connection it closes."""
    await control.order("gateway", action="limits", identify_interval_s=0)
    sockets = [await connect(control) for _ in range(2)]
    for number, socket in enumerate(sockets):
        await socket.send_json(
            {"op": 2, "d": {"token": control.sandbox.core.token, "intents": 0, "shard": [number, 2]}}
        )
        assert (await socket.receive_json(timeout=DEADLINE_S))["t"] == "READY"
    await control.order("gateway", action="close", code=4000, shard=1)
    assert await hung_up(sockets[1]) == 4000
    await sockets[0].send_json({"op": 1, "d": None})
    assert (await sockets[0].receive_json(timeout=DEADLINE_S))["op"] == 11


async def test_a_resumed_session_hears_what_it_missed(control: DiscordControl) -> None:
    """The events after the given sequence number are repeated in order, then RESUMED follows."""
    socket = await connect(control)
    ready, _ = await identify(control, socket)
    said = await control.order("say", user="maker", content="hi")
    await socket.close(code=4000)
    for emoji in ("👍", "👎"):
        await control.order("react", user="maker", message=said["id"], emoji=emoji)
    again = await connect(control)
    resume = {"token": control.sandbox.core.token, "session_id": ready["d"]["session_id"], "seq": 2}
    await again.send_json({"op": 6, "d": resume})
    heard = [await again.receive_json(timeout=DEADLINE_S) for _ in range(3)]
    assert [(event["t"], event["s"]) for event in heard] == [
        ("MESSAGE_REACTION_ADD", 3),
        ("MESSAGE_REACTION_ADD", 4),
        ("RESUMED", 5),
    ]


@pytest.mark.parametrize("ending", ["closed with 1000", "older than five minutes", "never there"])
async def test_a_session_that_is_gone_cannot_be_resumed(control: DiscordControl, ending: str) -> None:
    """Op 9 tells the client to identify anew."""
    socket = await connect(control)
    ready, _ = await identify(control, socket)
    session = "nonsense" if ending == "never there" else ready["d"]["session_id"]
    await socket.close(code=1000 if ending == "closed with 1000" else 4000)
    if ending == "older than five minutes":
        await control.order("advance", seconds=301)
    again = await connect(control)
    resume = {"token": control.sandbox.core.token, "session_id": session, "seq": 2}
    await again.send_json({"op": 6, "d": resume})
    assert await again.receive_json(timeout=DEADLINE_S) == {"op": 9, "d": False, "s": None, "t": None}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": 2, "d": {"token": "wrong", "intents": 1}}, 4004),
        ({"op": 2, "d": {"token": None, "intents": 1, "shard": [2, 2]}}, 4010),
        ({"op": 2, "d": {"token": None, "intents": 1 << 40}}, 4013),
        ({"op": 2, "d": {"token": None, "intents": 1 << 15}}, 4014),
        ({"op": 3, "d": {}}, 4003),
        ({"op": 42, "d": {}}, 4001),
        ({"d": {}}, 4002),
    ],
)
async def test_bad_manners_end_the_line(control: DiscordControl, frame: dict[str, Any], code: int) -> None:
    """The gateway closes with the code that Discord documents."""
    if frame["d"].get("token", "") is None:
        frame = frame | {"d": frame["d"] | {"token": control.sandbox.core.token}}
    socket = await connect(control)
    await socket.send_json(frame)
    assert await hung_up(socket) == code


async def test_another_version_is_refused(control: DiscordControl) -> None:
    """The sandbox speaks version 10 only."""
    assert await hung_up(await connect(control, "v=9&encoding=json")) == 4012


async def test_a_second_login_within_five_seconds_is_refused(control: DiscordControl) -> None:
    """IDENTIFY is taken once in five seconds; another is answered by op 9, and the connection stays open."""
    await identify(control, await connect(control))
    socket = await connect(control)
    await socket.send_json({"op": 2, "d": {"token": control.sandbox.core.token, "intents": GUILDS, "properties": {}}})
    assert (await socket.receive_json(timeout=DEADLINE_S))["op"] == 9
    await control.order("advance", seconds=5)
    assert (await identify(control, socket))[0]["t"] == "READY"


async def test_shards_of_different_buckets_log_in_side_by_side(control: DiscordControl) -> None:
    """A shard's bucket is its id modulo max_concurrency; only a second login of the same bucket is too soon."""
    await control.order("gateway", action="limits", max_concurrency=2)
    for number in (0, 1):
        await identify(control, await connect(control), shard=[number, 4])
    third = await connect(control)
    data: dict[str, Any] = {"token": control.sandbox.core.token, "intents": GUILDS, "properties": {}, "shard": [2, 4]}
    await third.send_json({"op": 2, "d": data})
    assert (await third.receive_json(timeout=DEADLINE_S))["op"] == 9
    await control.order("advance", seconds=5)
    assert (await identify(control, third, shard=[2, 4]))[0]["t"] == "READY"


async def test_the_session_start_limit_can_be_set(control: DiscordControl) -> None:
    """/gateway/bot tells what the control route set, and what a login used; it is whole again after the reset."""
    await control.order("gateway", action="limits", total=2000, remaining=3, reset_after_s=60, max_concurrency=16)
    await identify(control, await connect(control))
    limit = (await control.rest("GET", "/gateway/bot"))[1]["session_start_limit"]
    assert (limit["total"], limit["remaining"], limit["max_concurrency"]) == (2000, 2, 16)
    assert 50_000 < limit["reset_after"] <= 60_000
    await control.order("advance", seconds=60)
    assert (await control.rest("GET", "/gateway/bot"))[1]["session_start_limit"]["remaining"] == 2000


async def test_logins_are_counted_and_end_with_the_token(control: DiscordControl) -> None:
    """A thousand IDENTIFYs are taken in 24 hours; the next ends the sessions and the token (4004, then 401)."""
    await control.order("gateway", action="identify_interval", seconds=0)
    socket = await connect(control)
    await identify(control, socket)
    limit = (await control.rest("GET", "/gateway/bot"))[1]["session_start_limit"]
    assert (limit["total"], limit["remaining"], limit["max_concurrency"]) == (1000, 999, 1)
    assert 0 < limit["reset_after"] <= 24 * 3600 * 1000
    control.sandbox.core.gateway.starts.used = 1000
    last = await connect(control)
    await last.send_json({"op": 2, "d": {"token": control.sandbox.core.token, "intents": GUILDS, "properties": {}}})
    assert await hung_up(last) == 4004
    assert (await control.rest("GET", "/users/@me"))[0] == 401


async def test_more_than_120_frames_a_minute_end_the_line(control: DiscordControl) -> None:
    """The 121st frame within 60 s closes the connection with 4008."""
    socket = await connect(control)
    for _ in range(120):
        await socket.send_json({"op": 1, "d": None})
        await socket.receive_json(timeout=DEADLINE_S)
    await socket.send_json({"op": 1, "d": None})
    assert await hung_up(socket) == 4008


async def test_frames_may_be_binary_and_only_events_are_numbered(control: DiscordControl) -> None:
    """JSON in a binary frame is read; frames other than events carry `s` and `t`, null."""
    socket = await control.session.ws_connect(f"{control.sandbox.core.gateway.url}?v=10&encoding=json")
    hello = await socket.receive_json(timeout=DEADLINE_S)
    assert (hello["s"], hello["t"]) == (None, None)
    await socket.send_bytes(b'{"op": 1, "d": null}')
    assert await socket.receive_json(timeout=DEADLINE_S) == {"op": 11, "d": None, "s": None, "t": None}


@pytest.mark.parametrize(("code", "resumable"), [(4000, True), (4008, True), (1001, True), (4009, False)])
async def test_the_gateway_closes_with_a_chosen_code(control: DiscordControl, code: int, resumable: bool) -> None:
    """After most codes the client may resume; after 4009 the session is gone."""
    socket = await connect(control)
    ready, _ = await identify(control, socket)
    await control.order("gateway", action="close", code=code)
    assert await hung_up(socket) == code
    again = await connect(control)
    resume = {"token": control.sandbox.core.token, "session_id": ready["d"]["session_id"], "seq": 2}
    await again.send_json({"op": 6, "d": resume})
    heard = await again.receive_json(timeout=DEADLINE_S)
    assert (heard["op"], heard["t"]) == ((0, "RESUMED") if resumable else (9, None))


async def test_a_join_is_told_from_a_return(control: DiscordControl) -> None:
    """GUILD_CREATE has `unavailable` for a server that the bot is in, and not for one that it joins, also again."""
    socket = await connect(control)
    _, known = await identify(control, socket)
    await control.order("world", servers=[{"name": "Club", "joined_ago_s": 86_400}])
    joined = await socket.receive_json(timeout=DEADLINE_S)
    assert datetime.fromisoformat(joined["d"]["joined_at"]) < datetime.now(UTC) - timedelta(hours=23)
    assert (known["d"]["unavailable"], "unavailable" in joined["d"], known["d"]["hub_type"]) == (False, False, None)
    channels = {channel["id"] for channel in known["d"]["channels"]}
    await control.order("gone", server="Studio", bot=True)
    gone = await socket.receive_json(timeout=DEADLINE_S)
    assert (gone["t"], "unavailable" in gone["d"]) == ("GUILD_DELETE", False)
    await control.order("world", 400, rejoin=["Club"])
    await control.order("world", rejoin=["Studio"])
    again = await socket.receive_json(timeout=DEADLINE_S)
    assert (again["t"], again["d"]["id"], "unavailable" in again["d"]) == ("GUILD_CREATE", known["d"]["id"], False)
    assert {channel["id"] for channel in again["d"]["channels"]} == channels


async def test_events_come_twice_and_out_of_order(control: DiscordControl) -> None:
    """The control route repeats the latest event, doubles events by name, and turns the order of held ones round."""
    socket = await connect(control)
    await identify(control, socket)
    said = await control.order("say", user="maker", content="hi")

    async def react(emoji: str) -> None:
        await control.order("react", user="maker", message=said["id"], emoji=emoji)

    async def heard() -> str:
        return (await socket.receive_json(timeout=DEADLINE_S))["d"]["emoji"]["name"]

    await react("1️⃣")
    await control.order("gateway", action="repeat", event="MESSAGE_REACTION_ADD")
    assert [await heard(), await heard()] == ["1️⃣", "1️⃣"]
    await control.order("gateway", action="double", events=["MESSAGE_REACTION_ADD"])
    await react("2️⃣")
    assert [await heard(), await heard()] == ["2️⃣", "2️⃣"]
    await control.order("gateway", action="double", events=[])
    await control.order("gateway", action="hold", events=["MESSAGE_REACTION_ADD"])
    await react("3️⃣")
    await react("4️⃣")
    await control.order("gateway", action="release")
    assert [await heard(), await heard()] == ["4️⃣", "3️⃣"]
    await control.order("gateway", 400, action="repeat", event="CHANNEL_DELETE")


async def test_the_bot_hears_nothing_from_a_channel_that_it_does_not_see(control: DiscordControl) -> None:
    """No message and no reaction is told from a hidden channel."""
    hidden = [{"bot": True, "deny": ["VIEW_CHANNEL"]}]
    await control.order("world", channels=[{"name": "secret", "overwrites": hidden}])
    said = await control.order("say", user="maker", channel="secret", content="psst")
    await control.order("react", user="maker", message=said["id"], emoji="👍")
    told = [entry.get("event") for entry in await control.transcript()]
    assert not {"MESSAGE_CREATE", "MESSAGE_REACTION_ADD"} & set(told)
