"""The page shows each person what that person sees."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from sandbox.discord.server import DiscordSandbox
from sandbox.fal.runner import FalSettings
from sandbox.play.clock import ClockFile
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


async def test_the_clock_moves_for_all_at_once(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """Discord's clock, fal's and the file that the bot's process reads go ahead together, and never back."""
    headers = {"Origin": str(URL(page.address).origin())}
    before = page.now()
    async with http.post(f"{page.address}clock", json={"seconds": 86_400}, headers=headers) as reply:
        assert reply.status == 200
    assert page.now() - before == pytest.approx(86_400, abs=5)
    assert page.ahead_s() == (86_400, 86_400)
    async with http.post(f"{page.address}clock", json={"seconds": -1}, headers=headers) as reply:
        assert reply.status == 400
    assert page.ahead_s() == (86_400, 86_400)


async def test_the_bots_wall_clock_is_ahead_by_what_the_file_says(tmp_path: Path) -> None:
    """`sandbox.play.later` moves `time.time` and nothing else: sleeps take as long as ever."""
    clock = await asyncio.to_thread(ClockFile, tmp_path / "clock")
    core, settings = DiscordSandbox().core, FalSettings()
    clock.advance(3600.0, core.clock, settings)
    code = (
        "import sys, runpy; runpy.run_module = lambda *_, **__: None\n"
        "from sandbox.play import later; import time; real, slept = time.time(), time.monotonic()\n"
        "import os; later.main(os.getppid(), sys.argv[1], []); print(time.time() - real, time.monotonic() - slept)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(clock.path), stdout=asyncio.subprocess.PIPE
    )
    ahead, slept = map(float, (await process.communicate())[0].split())
    clock.close()
    assert ahead == pytest.approx(3600, abs=5)
    assert slept < 5
