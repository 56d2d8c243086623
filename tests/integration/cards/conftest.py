import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import pytest
from aiohttp import BodyPartReader, web
from discord.http import Route

from bot.cards.job_cards import JobCards
from bot.cards.result_file import ResultFiles, from_fal
from bot.errors import EncodeFailed
from bot.files.folder import FolderFiles
from bot.jobs.model import Address, Job, Result
from bot.media.ffmpeg import OnFraction
from bot.media.shrinker import Shrunk
from bot.net.file_session import FileSession
from bot.requester import Requester
from bot.settings import CardSettings, FalSettings, Settings, StorageSettings
from tests.support.fake_prober import FakeProber

NOW = 1_800_000_000.0
MIB = 1024 * 1024
CARD, CHANNEL, GUILD, APP, BOT, MAIL = 3000, 2000, 1000, 4000, 5000, 6000
MakeJob = Callable[..., Job]


def mp4(size: int) -> bytes:
    """Return a file of this size whose boxes are an MP4's."""
    head = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4) + (8).to_bytes(4, "big") + b"moov"
    return head + (size - len(head)).to_bytes(4, "big") + b"mdat" + bytes(size - len(head) - 8)


@dataclass
class FakeRequest:
    """One received request; `files` are names and sizes."""

    method: str
    path: str
    payload: dict[str, Any]
    files: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])


class FakeDiscord:
    """The routes that a card uses, and a CDN, on loopback; `replies` overrides a route's next answers."""

    def __init__(self) -> None:
        self.asked: list[FakeRequest] = []
        self.arrived = asyncio.Event()
        self.replies: dict[str, list[tuple[int, dict[str, Any]] | None]] = {}
        self.posted: list[dict[str, Any]] = []
        self.video = mp4(300_000)
        self.video_status = 200
        self.video_hits = 0
        self.half_sent = asyncio.Event()  # with a `second_half`, which is awaited before the rest is sent
        self.second_half: asyncio.Future[bool] | None = None  # False: the connection breaks there
        self.request_begun = asyncio.Event()
        self.targets: list[str] = []
        self.url = ""

    def app(self) -> web.Application:
        """Return the server's application."""
        app = web.Application(client_max_size=100 * MIB)
        app.router.add_get("/api/users/@me", self._me)
        app.router.add_get("/api/oauth2/applications/@me", self._application)
        app.router.add_patch("/api/webhooks/{app}/{token}/messages/{id}", self._change)
        app.router.add_patch("/api/channels/{channel}/messages/{id}", self._change)
        app.router.add_post("/api/channels/{channel}/messages", self._change)
        app.router.add_get("/api/channels/{channel}/messages", self._history)
        app.router.add_post("/api/users/@me/channels", self._open_mail)
        app.router.add_get("/cdn/{name:.*}", self._cdn)
        return app

    def by(self, start: str) -> list[FakeRequest]:
        """Return the requests that begin with this method and path: "PATCH /webhooks"."""
        return [asked for asked in self.asked if f"{asked.method} {asked.path}".startswith(start)]

    def ends_in_a_link(self) -> bool:
        """Return whether the last request edited the card to a link without a file."""
        last = self.asked[-1]
        return not last.files and "http" in last.payload["content"]

    async def _me(self, _request: web.Request) -> web.Response:
        return _json({"id": str(BOT), "username": "Wanda", "discriminator": "0", "avatar": None})

    async def _application(self, _request: web.Request) -> web.Response:
        facts: dict[str, Any] = {"id": str(APP), "name": "Wanda", "description": "", "icon": None, "verify_key": ""}
        owner = {"id": "1", "username": "o", "discriminator": "0", "avatar": None}
        return _json({**facts, "bot_public": True, "bot_require_code_grant": False, "owner": owner})

    async def _cdn(self, request: web.Request) -> web.StreamResponse:
        self.video_hits += 1
        self.targets.append(request.raw_path)
        if self.second_half is not None:
            return await self._in_halves(request, self.second_half)
        return web.Response(status=self.video_status, body=self.video)

    async def _in_halves(self, request: web.Request, second_half: asyncio.Future[bool]) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": str(len(self.video))})
        await reply.prepare(request)
        middle = len(self.video) // 2
        await reply.write(self.video[:middle])
        self.half_sent.set()
        if await second_half:
            await reply.write(self.video[middle:])
        else:
            self.second_half = None
            assert request.transport is not None
            request.transport.abort()
        return reply

    async def _open_mail(self, _request: web.Request) -> web.Response:
        return _json({"id": str(MAIL), "type": 1, "recipients": []})

    async def _history(self, _request: web.Request) -> web.Response:
        return _json(self.posted[::-1])

    async def _change(self, request: web.Request) -> web.StreamResponse:
        self.request_begun.set()
        asked = await _read(request)
        self.asked.append(asked)
        self.arrived.set()
        start = f"{asked.method} /{asked.path.split('/')[1]}"
        planned = self.replies.get(start) or []
        if planned:
            reply = planned.pop(0)
            if reply is None:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            return _json(reply[1], reply[0])
        if asked.method == "PATCH":
            return _json(_message(CARD, asked))
        same = [message for message in self.posted if message["nonce"] == asked.payload["nonce"]]
        if not same:
            same = [_message(9000 + len(self.posted), asked)]
            self.posted += same
        return _json(same[0])


def _json(data: Any, status: int = 200) -> web.Response:
    # discord.py reads JSON only from a type without a charset.
    return web.Response(body=json.dumps(data).encode(), status=status, content_type="application/json")


async def _read(request: web.Request) -> FakeRequest:
    path = request.path.removeprefix("/api")
    if not request.content_type.startswith("multipart/"):
        return FakeRequest(request.method, path, await request.json())
    payload: dict[str, Any] = {}
    files: list[tuple[str, int]] = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        if part.filename is None:
            payload = json.loads(await part.text())
        else:
            files.append((part.filename, len(await part.read())))
    return FakeRequest(request.method, path, payload, files)


def _message(message_id: int, asked: FakeRequest) -> dict[str, Any]:
    files = [
        {"id": str(index), "filename": name, "size": size, "url": "http://x/", "proxy_url": "http://x/"}
        for index, (name, size) in enumerate(asked.files)
    ]
    return {
        "id": str(message_id),
        "channel_id": str(CHANNEL),
        "author": {"id": str(BOT), "username": "Wanda", "discriminator": "0", "avatar": None, "bot": True},
        "content": asked.payload.get("content") or "",
        "embeds": asked.payload.get("embeds") or [],
        "components": asked.payload.get("components") or [],
        "nonce": asked.payload.get("nonce"),
        "attachments": files,
        "timestamp": "2027-01-15T08:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "pinned": False,
        "type": 0,
    }


@dataclass
class FakeShrinker:
    """Writes a file of exactly `bytes_max` bytes, if the test allows it."""

    can: bool = False
    asked: list[int] = field(default_factory=list[int])

    async def shrink(
        self, source: Path, target: Path, *, bytes_max: int, requester: Requester, on_fraction: OnFraction
    ) -> Shrunk:
        """Write the file, or fail."""
        self.asked.append(bytes_max)
        if not self.can:
            raise EncodeFailed("there is no ffmpeg")
        await asyncio.to_thread(target.write_bytes, mp4(bytes_max))
        return Shrunk(target, bytes_max, 1280, 720)


@dataclass
class CardStage:
    """The cards under test with their fakes; tests move `now`, and sleeps take no time."""

    fake: FakeDiscord
    client: discord.Client
    cards: JobCards
    settings: Settings
    shrinker: FakeShrinker
    prober: FakeProber
    now: float = NOW
    slept: list[float] = field(default_factory=list[float])

    def job(self, **changes: Any) -> Job:
        """Return a completed job; keyword arguments change its fields."""
        address = Address(
            channel_id=CHANNEL,
            message_id=CARD,
            application_id=APP,
            token="token",
            token_expires_at=NOW + 900,
            size_limit_bytes=10 * MIB,
            posted_at=NOW,
        )
        facts: dict[str, Any] = {
            "id": "0123456789abcdef0123456789abcdef",
            "guild_id": GUILD,
            "member_id": 50,
            "mode": "wan27-image",
            "options": {"prompt": "a red fox", "resolution": "1080p", "duration": 5},
            "inputs": (),
            "quote_microusd": 750_000,
            "formula": "5 s \u00d7 $0.15",
            "prices_version": "1",
            "similar": "s",
            "state": "delivering",
            "created_at": NOW,
            "updated_at": NOW,
            "completed_at": NOW + 60,
            "charged_microusd": 750_000,
            "address": address,
            "result": Result(url=f"{self.fake.url}/cdn/out.mp4", seed=42),
        }
        return Job(**(facts | changes))


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[CardStage]:
    """Cards over a logged-in client without a gateway, against a fake Discord on loopback."""
    fake = FakeDiscord()
    runner = web.AppRunner(fake.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setattr(Route, "BASE", f"{fake.url}/api")
    settings = Settings(
        storage=StorageSettings(data_dir=tmp_path),
        fal=FalSettings(queue_url=fake.url),
        cards=CardSettings(discord_timeout_s=20),
    )
    try:
        async with discord.Client(intents=discord.Intents.none()) as client, FileSession() as http:
            await client.login("token")
            made: list[CardStage] = []

            async def sleep(seconds: float) -> None:
                made[0].slept.append(seconds)
                await asyncio.sleep(0)

            async def rest(seconds: float) -> None:
                del seconds

            shrinker, prober = FakeShrinker(), FakeProber()
            cards = JobCards(
                client,
                settings.cards,
                settings.jobs,
                ResultFiles(
                    http,
                    settings.downloads,
                    prober,
                    files=FolderFiles(tmp_path),
                    allowed=from_fal(settings.fal),
                    sleep=rest,
                ),
                upload_timeout_s=settings.fal.upload_timeout_s,
                shrinker=shrinker,
                now=lambda: made[0].now,
                sleep=sleep,
            )
            made.append(CardStage(fake, client, cards, settings, shrinker, prober))
            yield made[0]
    finally:
        await runner.cleanup()
