"""The page's server: static files, one event stream, and what a person does."""

import asyncio
import json
import logging
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Any, cast

from aiohttp import WSMsgType, web

from sandbox.discord.control.request import ControlRefused, find_channel, find_user, is_visible_to
from sandbox.discord.core import Core
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.wire import Json
from sandbox.fal.server import FalSandbox
from sandbox.play.bot import Bot
from sandbox.play.clock import ClockFile
from sandbox.play.deeds import Deeds
from sandbox.play.guard import PLACE, content_policy, guard
from sandbox.play.samples import SAMPLES, SampleFiles
from sandbox.play.stream import Stream, frame
from sandbox.play.trouble import TroubleMaker
from sandbox.play.view import clock_json, message_json, without_origin

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
MESSAGES_AT_ONCE = 60
HEARTBEAT_S = 20.0
SECONDS_PER_VIDEO_MAX = 600.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PlayServer:
    """Serves the page on a loopback port; `address` is what to open once it is started."""

    def __init__(self, core: Core, fal: FalSandbox, clock: ClockFile, folder: Path) -> None:
        """`folder` is for uploads and samples."""
        self._core = core
        self._fal = fal
        self._clock = clock
        self.samples = SampleFiles(folder)
        self.trouble = TroubleMaker(core, fal)
        self.stream = Stream(core, self._status)
        self.deeds = Deeds(core, folder, self.samples, self.stream.world_changed)
        self.bot: Bot | None = None
        self._token = secrets.token_urlsafe(16)
        self._runner: web.AppRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1; 0 picks a free port.

        Raises:
            OSError: the port is taken.
        """
        listening = socket.create_server((HOST, port))
        chosen = int(listening.getsockname()[1])
        app = web.Application(middlewares=[guard(self._token, chosen, content_policy(chosen, self._fal.url))])
        self._routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()
        self.address = f"http://{HOST}:{chosen}/{self._token}/"

    @property
    def fal_url(self) -> str:
        """The stand-in for fal."""
        return self._fal.url

    @property
    def cdn_url(self) -> str:
        """The stand-in for Discord's CDN."""
        return self._core.cdn.base_url

    def now(self) -> float:
        """Return Discord's time in Unix seconds."""
        return self._core.clock.now()

    def ahead_s(self) -> tuple[float, float]:
        """Return how far the bot's clock and fal's are ahead."""
        return self._clock.ahead_s, self._fal.settings.clock_ahead_s

    def _routes(self, router: web.UrlDispatcher) -> None:
        home = f"/{{{PLACE}}}/"
        router.add_get(home, self._file)
        router.add_get(home + "page/{path:.+}", self._file)
        router.add_get(home + "stream", self._serve_stream)
        router.add_get(home + "messages", self._answering(self._messages))
        router.add_get(home + "wire/{number}", self._answering(self._wire_entry))
        router.add_get(home + "samples", self._answering(self._sample_list))
        router.add_get(home + "samples/{name}", self._sample)
        router.add_post(home + "upload", self._answering(self.deeds.upload))
        router.add_post(home + "do/{name}", self._answering(self._do))
        router.add_post(home + "bot/{name}", self._answering(self._steer_bot))
        router.add_post(home + "trouble", self._answering(self._make_trouble))
        router.add_post(home + "clock", self._answering(self._advance))
        router.add_post(home + "fal", self._answering(self._set_fal))
        for folder in ("attachments", "ephemeral-attachments"):
            router.add_get(f"/cdn/{folder}/{{channel}}/{{attachment}}/{{filename}}", self._core.cdn.serve)

    async def close(self) -> None:
        """Stop listening."""
        for task in self._tasks:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    def _status(self) -> Json:
        bot = self.bot
        return {
            "bot": {"state": bot.state if bot else "starting", "pid": bot.pid if bot else None},
            "connected": bool(self._core.gateway.connected_shards()),
            "clock": clock_json(self._core, self._clock.ahead_s),
            "troubles": self.trouble.shown(),
            "seconds_per_video": self._fal.settings.seconds_per_job,
        }

    async def watch_connection(self) -> None:
        """Tell the pages when the bot's gateway connection comes or goes, or a planned trouble has happened."""
        seen: Any = None
        while True:
            now = (bool(self._core.gateway.connected_shards()), [one["on"] for one in self.trouble.shown()])
            if now != seen:
                seen = now
                self.stream.status_changed()
            await asyncio.sleep(0.5)

    def _answering(self, act: Callable[[web.Request], Awaitable[Any]]) -> Handler:
        """Return a handler that answers in JSON, and in a sentence if the deed is refused."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer, status = await act(request), 200
            except ControlRefused as refused:
                answer, status = {"error": str(refused)}, 400
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                log.warning("A request of the page could not be read", exc_info=True)
                answer, status = {"error": f"The request cannot be read: {error!r}"}, 400
            text = without_origin(json.dumps(answer, ensure_ascii=False), self._core)
            return web.Response(text=text, status=status, content_type="application/json")

        return handle

    # Reading.

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = (PAGE / request.match_info.get("path", "index.html")).resolve()
        if not path.is_relative_to(PAGE) or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    async def _serve_stream(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
        viewer = find_user(self._core, request.query.get("as", "maker"))
        await ws.prepare(request)
        page = self.stream.open(viewer)
        sending = asyncio.create_task(self._send(ws, page.next))
        try:
            async for received in ws:
                if received.type is WSMsgType.ERROR:
                    break
        finally:
            self.stream.close(page)
            sending.cancel()
        return ws

    async def _send(self, ws: web.WebSocketResponse, news: Callable[[], Awaitable[list[Any]]]) -> None:
        try:
            while not ws.closed:
                await ws.send_str(frame(self._core, await news()))
        except ConnectionError:
            return
        except Exception:
            log.exception("The stream of a page ended")
            await ws.close()

    async def _messages(self, request: web.Request) -> Any:
        """Return the latest messages of a channel, or those `before` an id."""
        query = request.query
        viewer, channel = find_user(self._core, query["as"]), find_channel(self._core, query["channel"])
        if not channel_permissions(channel, viewer) & Permission.VIEW_CHANNEL:
            raise ControlRefused(f"{viewer.name} does not see {channel.name}.")
        before = int(query.get("before", 1 << 63))
        seen = (
            message
            for message in reversed(channel.messages.values())
            if message.id < before and is_visible_to(message, viewer)
        )
        return [message_json(self._core, message, viewer) for message in islice(seen, MESSAGES_AT_ONCE)][::-1]

    async def _wire_entry(self, request: web.Request) -> Any:
        entry = self.stream.wire_entry(int(request.match_info["number"]))
        if entry is None:
            raise ControlRefused("That is too long ago.")
        return entry

    async def _sample_list(self, _: web.Request) -> Any:
        return [{"name": one.name, "title": one.title, "content_type": one.content_type} for one in SAMPLES]

    async def _sample(self, request: web.Request) -> web.StreamResponse:
        try:
            return web.FileResponse(await self.samples.path(request.match_info["name"]))
        except KeyError:
            raise web.HTTPNotFound from None

    # Acting.

    async def _do(self, request: web.Request) -> Any:
        return await self.deeds.do(request.match_info["name"], await _body(request))

    async def _steer_bot(self, request: web.Request) -> Any:
        """Start the bot, end it as an operator does, or kill it; `cut` only cuts its connection to Discord."""
        name, bot = request.match_info["name"], self.bot
        if bot is None:
            raise ControlRefused("Wanda is starting.")
        if name == "cut":
            self._core.gateway.cut()
        elif name == "start":
            self._later(bot.start())
        else:
            how = {"kill": signal.SIGKILL, "stop": signal.SIGTERM}[name]
            self._later(bot.end(how))
        return {"ok": True}

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make_trouble(self, request: web.Request) -> Any:
        body = await _body(request)
        self.trouble.switch(str(body["key"]), on=bool(body["on"]))
        self.stream.status_changed()
        return {"ok": True}

    async def _advance(self, request: web.Request) -> Any:
        body = await _body(request)
        self._clock.advance(float(body["seconds"]), self._core.clock, self._fal.settings)
        self.stream.time_moved()
        return {"ok": True}

    async def _set_fal(self, request: web.Request) -> Any:
        seconds = float((await _body(request))["seconds_per_video"])
        if not 0 <= seconds <= SECONDS_PER_VIDEO_MAX:
            raise ControlRefused(f"A video takes at most {SECONDS_PER_VIDEO_MAX:.0f} s.")
        self._fal.settings.seconds_per_job = seconds
        self.stream.status_changed()
        return {"ok": True}


async def _body(request: web.Request) -> Json:
    body: Any = json.loads(await request.read() or b"{}")
    if not isinstance(body, dict):
        raise ControlRefused("The page sends JSON objects.")
    return cast("Json", body)
