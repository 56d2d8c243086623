"""The stand-in's gateway follows Discord's: HELLO, shards, resuming and close codes."""

import zlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordSandbox
from sandbox.discord.session import Intent
from tests.support.discord_client import DEADLINE_S, DiscordControl

GUILDS = 1
REACTIONS = int(Intent.GUILD_MESSAGE_REACTIONS)
Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
async def control() -> AsyncIterator[DiscordControl]:
    """A fresh sandbox."""
    async with DiscordSandbox(seed=1) as sandbox, aiohttp.ClientSession() as session:
        yield DiscordControl(sandbox, session)


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
    assert await again.receive_json(timeout=DEADLINE_S) == {"op": 9, "d": False}


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
