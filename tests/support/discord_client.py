"""A real discord.py client and a thin control client, for the tests of the Discord stand-in."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from sandbox.discord import DiscordSandbox

Json = dict[str, Any]
DEADLINE_S = 15.0
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def file_of(data: bytes, name: str = "a.png", content_type: str = "image/png") -> Json:
    """Return a file in the control surface's form."""
    return {"filename": name, "content_type": content_type, "base64": base64.b64encode(data).decode()}


async def wait_until(condition: Callable[[], Any]) -> Any:
    """Return the condition's value once it is true; raises TimeoutError after 15 s."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if value := condition():
                return value
            await asyncio.sleep(0.005)


class DiscordControl:
    """The control surface and the REST API of one sandbox, over HTTP."""

    def __init__(self, sandbox: DiscordSandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session
        self.api_url = sandbox.environment()["DISCORD_API_URL"]

    async def order(self, name: str, status: int = 200, /, **body: Any) -> Json:
        """POST an order to the control surface and return its answer."""
        async with self.session.post(f"{self.sandbox.control_url}/{name}", json=body) as response:
            answer = await response.json()
            assert response.status == status, answer
            return answer

    async def messages(self, **query: str) -> list[Json]:
        """Return the messages that a person sees."""
        async with self.session.get(f"{self.sandbox.control_url}/messages", params=query) as response:
            answer = await response.json()
            assert response.status == 200, answer
            return answer

    async def message(self, message_id: str, until_true: Callable[[Json], Any] = bool, **query: str) -> Json:
        """Return the message once it fulfils a condition."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = await self.messages(message=message_id, **query)
                if found and until_true(found[0]):
                    return found[0]
                await asyncio.sleep(0.01)

    async def channel(self, until_true: Callable[[list[Json]], Any], **query: str) -> list[Json]:
        """Return the channel's messages once they fulfil a condition."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = await self.messages(**query)
                if until_true(found):
                    return found
                await asyncio.sleep(0.01)

    async def transcript(self) -> list[Json]:
        """Return the transcript's entries."""
        async with self.session.get(f"{self.sandbox.control_url}/transcript") as response:
            return [json.loads(line) for line in (await response.text()).splitlines()]

    async def rest(self, method: str, path: str, *, token: str | None = None, **kwargs: Any) -> tuple[int, Any]:
        """A REST request with the bot's token (or another, or none with an empty one)."""
        given = self.sandbox.core.token if token is None else token
        headers = {"Authorization": f"Bot {given}"} if given else {}
        async with self.session.request(method, self.api_url + path, headers=headers, **kwargs) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None


def application(control: DiscordControl) -> str:
    """Return the bot's application id."""
    return str(control.sandbox.core.world.bot.id)


class PendingInteraction:
    """An interaction that the bot has not answered yet."""

    def __init__(self, control: DiscordControl, event: dict[str, Any], order: "asyncio.Task[dict[str, Any]]") -> None:
        self.control = control
        self.event = event
        self.order = order

    async def answer(self, **body: Any) -> tuple[int, Any]:
        """POST the callback, with a response."""
        path = f"/interactions/{self.event['id']}/{self.event['token']}/callback?with_response=1"
        return await self.control.rest("POST", path, token="", json=body)

    async def hook(self, method: str, path: str = "", **kwargs: Any) -> tuple[int, Any]:
        """Use the interaction's webhook."""
        base = f"/webhooks/{application(self.control)}/{self.event['token']}"
        return await self.control.rest(method, base + path, token="", **kwargs)


async def begin_command(control: DiscordControl, **order: Any) -> PendingInteraction:
    """Have a member run a command, and return the interaction, which the test answers in the bot's place."""
    return await begin_deed(control, "slash", **{"channel": "general"} | order)


async def begin_deed(control: DiscordControl, deed: str, **order: Any) -> PendingInteraction:
    """Have a member do something that makes an interaction, and return it."""
    before = sum(1 for entry in await control.transcript() if entry.get("event") == "INTERACTION_CREATE")
    task = asyncio.create_task(control.order(deed, **{"user": "maker"} | order))
    async with asyncio.timeout(10):
        while True:
            events = [e["data"] for e in await control.transcript() if e.get("event") == "INTERACTION_CREATE"]
            if len(events) > before:
                return PendingInteraction(control, events[-1], task)
            await asyncio.sleep(0.005)


class Bot(discord.Client):
    """A small bot with one command of each kind; `handlers` are their callbacks."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.05, max_messages=None)
        self.tree = app_commands.CommandTree(self)
        self.reactions: list[discord.RawReactionActionEvent] = []
        self.said: list[discord.Message] = []
        self.resumes = 0

    async def setup_hook(self) -> None:
        """Sync the commands."""
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Skip discord.py's wait of five seconds before a second IDENTIFY."""

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        """Record it."""
        self.reactions.append(event)

    async def on_message(self, message: discord.Message) -> None:
        """Record it."""
        self.said.append(message)

    async def on_resumed(self) -> None:
        """Count it."""
        self.resumes += 1


def redirect_discord_py(sandbox: DiscordSandbox, patch: pytest.MonkeyPatch) -> None:
    """Make discord.py talk to the sandbox until the patch ends."""
    environment = sandbox.environment()
    patch.setattr(Route, "BASE", environment["DISCORD_API_URL"])
    gateway = yarl.URL(environment["DISCORD_GATEWAY_URL"])
    patch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
    patch.setattr(discord.asset.Asset, "BASE", environment["DISCORD_CDN_URL"])


@asynccontextmanager
async def running_bot(bot: Bot, sandbox: DiscordSandbox) -> AsyncGenerator[Bot]:
    """The bot, logged in and ready."""
    async with bot:
        task = asyncio.create_task(bot.start(sandbox.core.token))
        await wait_until(lambda: task.done() or bot.is_ready())
        if task.done():
            task.result()
        try:
            yield bot
        finally:
            await bot.close()
            await asyncio.wait([task])


def quiet_intents() -> discord.Intents:
    """Return Wanda's intents, none of them privileged."""
    return discord.Intents(guilds=True, guild_reactions=True, dm_reactions=True)


def video(data: bytes, name: str = "video.mp4") -> discord.File:
    """A file to upload."""
    return discord.File(io.BytesIO(data), name)
