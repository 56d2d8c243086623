"""The page shows each person what that person sees."""

import asyncio
import json
from typing import Any

import aiohttp
from yarl import URL

from sandbox.play.server import PlayServer


async def _do(page: PlayServer, http: aiohttp.ClientSession, name: str, body: dict[str, Any]) -> Any:
    headers = {"Origin": str(URL(page.address).origin())}
    async with http.post(f"{page.address}do/{name}", json=body, headers=headers) as reply:
        return await reply.json()


async def _news(page: PlayServer, http: aiohttp.ClientSession, person: str) -> aiohttp.ClientWebSocketResponse:
    headers = {"Origin": str(URL(page.address).origin())}
    return await http.ws_connect(f"{page.address}stream?as={person}", headers=headers)


async def _next(stream: aiohttp.ClientWebSocketResponse, kind: str) -> Any:
    """Return the next news of that kind."""
    async with asyncio.timeout(10):
        while True:
            for found, data in json.loads((await stream.receive()).data):
                if found == kind:
                    return data


async def test_a_message_reaches_an_open_page_at_once(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """The stream brings a new message, its edit by a reaction, and that it is gone."""
    stream = await _news(page, http, "friend")
    assert (await _next(stream, "world"))["me"]["username"] == "friend"
    made = await _do(page, http, "say", {"user": "maker", "content": "hello"})
    assert (await _next(stream, "message"))["content"] == "hello"
    await _do(page, http, "react", {"user": "friend", "message": made["id"], "emoji": "👍"})
    reaction = (await _next(stream, "message"))["reactions"][0]
    assert (reaction["me"], reaction["names"]) == (True, ["friend"])
    await _do(page, http, "delete", {"user": "maker", "message": made["id"]})
    assert (await _next(stream, "gone"))["id"] == made["id"]
    await stream.close()


async def test_a_hidden_channel_is_not_shown(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """A channel that a member may not view is in the admin's world and not in theirs, nor are its messages."""
    hidden = [{"role": "@everyone", "deny": ["VIEW_CHANNEL"]}]
    await _do(page, http, "world", {"user": "admin", "channels": [{"name": "staff", "overwrites": hidden}]})
    seen: dict[str, list[str]] = {}
    for person in ("admin", "maker"):
        stream = await _news(page, http, person)
        world = await _next(stream, "world")
        seen[person] = [channel["name"] for channel in world["servers"][0]["channels"]]
        await stream.close()
    assert seen == {"admin": ["general", "staff"], "maker": ["general"]}
    async with http.get(f"{page.address}messages?as=maker&channel=staff") as reply:
        assert reply.status == 400


async def test_a_file_above_the_persons_limit_is_refused_as_discord_does(
    page: PlayServer, http: aiohttp.ClientSession
) -> None:
    """Without Nitro and boosts, 40 MB are too much; with a boosted server they are not."""
    body = {"user": "friend", "channel": "general", "files": [{"sample": "large.mp4"}]}
    refused = await _do(page, http, "say", body)
    assert refused == {"error": "Your files are too powerful. Max file size: 10 MB"}
    await _do(page, http, "change", {"user": "admin", "servers": [{"name": "Studio", "tier": 2}]})
    assert "id" in await _do(page, http, "say", body)


async def test_the_page_names_files_by_upload_and_never_by_path(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """A path on this machine, which the tests' control routes take, is not read."""
    body = {"user": "maker", "channel": "general", "files": [{"path": "/etc/hostname"}]}
    assert "not here any more" in (await _do(page, http, "say", body))["error"]
