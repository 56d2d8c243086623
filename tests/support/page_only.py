"""The page without a bot, in a thread of its own: tests post what they like through the REST API, as a bot would."""

import asyncio
import json
import tempfile
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from sandbox.discord.server import DiscordSandbox
from sandbox.fal.server import FalSandbox
from sandbox.play.clock import ClockFile
from sandbox.play.server import PlayServer

T = TypeVar("T")


class PageOnly:
    """A served page. `run` runs a coroutine in the server's loop; `post` and `edit` are the bot's requests."""

    def __init__(self) -> None:
        self.address = ""
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._discord: DiscordSandbox
        self._http: aiohttp.ClientSession
        self._ending: asyncio.Event
        self._serving: asyncio.Task[None]

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in the server's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _start(self) -> None:
        self._ending = asyncio.Event()
        begun = asyncio.Event()
        self._serving = asyncio.create_task(self._serve(begun))
        await begun.wait()

    async def _stop(self) -> None:
        self._ending.set()
        await self._serving

    async def _serve(self, begun: asyncio.Event) -> None:
        with tempfile.TemporaryDirectory() as folder:
            clock = ClockFile(Path(folder) / "clock")
            async with (
                DiscordSandbox() as self._discord,
                FalSandbox() as fal,
                aiohttp.ClientSession() as self._http,
            ):
                server = PlayServer(self._discord.core, fal, clock, Path(folder))
                await server.start(0)
                self.address = server.address
                begun.set()
                await self._ending.wait()
                await server.close()
            clock.close()

    async def post(self, body: dict[str, Any], **files: bytes) -> str:
        """Post a message in #general and return its id; `files` are attached, with __ for the dot in their names."""
        form = aiohttp.FormData()
        form.add_field("payload_json", json.dumps(body), content_type="application/json")
        for number, (name, content) in enumerate(files.items()):
            form.add_field(f"files[{number}]", content, filename=name.replace("__", "."))
        answer = await self._send("POST", "", form)
        return str(answer["id"])

    async def edit(self, message_id: str, body: dict[str, Any]) -> None:
        """Edit a message."""
        await self._send("PATCH", f"/{message_id}", json.dumps(body))

    async def _send(self, method: str, path: str, data: Any) -> Any:
        self._discord.core.limits._windows.clear()  # these tests are about the page, not about Discord's pace
        channel = next(iter(self._discord.core.world.channels))
        url = f"{self._discord.environment()['DISCORD_API_URL']}/channels/{channel}/messages{path}"
        headers = {"Authorization": f"Bot {self._discord.core.token}"}
        if isinstance(data, str):
            headers["Content-Type"] = "application/json"
        async with self._http.request(method, url, data=data, headers=headers) as reply:
            answer = await reply.json()
            assert reply.status < 300, answer
            return answer
