"""The life of a card on the stand-in for Discord, with its clock, its limits and its permissions."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import discord
import httpx
import pytest
import yarl
from discord import app_commands
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.card_style import CardStyle
from bot.cards.job_cards import JobCards
from bot.cards.result_file import ResultFiles, from_fal
from bot.errors import CardGone
from bot.files.folder import FolderFiles
from bot.jobs.model import Address, Failure, Job, Live, Result
from bot.net.file_session import FileSession
from bot.settings import CardSettings, Settings, StorageSettings
from sandbox.discord.server import DiscordSandbox
from sandbox.stage import buttons_of, text_of
from tests.support.fake_prober import FakeProber

COMPONENTS_V2 = 1 << 15
STYLES: tuple[CardStyle, ...] = get_args(CardStyle)
MIB = 1024 * 1024
JOB_ID = "0123456789abcdef0123456789abcdef"


class Client(discord.Client):
    """A client with one command, which defers and keeps the interaction."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True), max_messages=None, guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.taken: asyncio.Queue[tuple[discord.Interaction, int]] = asyncio.Queue()

        @self.tree.command(description="Make a video.")
        async def film(interaction: discord.Interaction) -> None:  # pyright: ignore[reportUnusedFunction] - registered
            callback = await interaction.response.defer(thinking=True)
            await self.taken.put((interaction, callback.message_id or 0 if callback else 0))

    async def setup_hook(self) -> None:
        """Register the command."""
        await self.tree.sync()


@dataclass
class World:
    """The stand-in, a bot on it, and a clock that both share."""

    sandbox: DiscordSandbox
    client: Client
    cards: JobCards
    control: httpx.AsyncClient
    settings: Settings

    async def job(self, size: int, *, style: CardStyle = "classic", **changes: Any) -> Job:
        """Run the command as maker, and return a job on its card whose video of `size` bytes is on disk."""
        asking = asyncio.create_task(
            self.control.post("/slash", json={"user": "maker", "channel": "general", "command": "film"})
        )
        async with asyncio.timeout(10):
            interaction, message_id = await self.client.taken.get()
            await asking
        now = self.now()
        path = self.settings.storage.data_dir / "results" / f"{JOB_ID}.mp4"
        path.parent.mkdir(exist_ok=True)
        head = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4) + (8).to_bytes(4, "big") + b"moov"
        path.write_bytes(head + (size - len(head)).to_bytes(4, "big") + b"mdat" + bytes(size - len(head) - 8))
        address = Address(
            channel_id=interaction.channel_id or 0,
            message_id=message_id,
            application_id=interaction.application_id,
            token=interaction.token,
            token_expires_at=now + 900,
            size_limit_bytes=interaction.filesize_limit,
            posted_at=now,
            style=style,
        )
        facts: dict[str, Any] = {
            "id": JOB_ID,
            "guild_id": interaction.guild_id or 0,
            "member_id": interaction.user.id,
            "mode": "wan27-image",
            "options": {"prompt": "a red fox"},
            "inputs": (),
            "quote_microusd": 750_000,
            "formula": "5 s",
            "prices_version": "1",
            "similar": "s",
            "state": "delivering",
            "created_at": now,
            "updated_at": now,
            "completed_at": now + 60,
            "charged_microusd": 750_000,
            "address": address,
            "result": Result(url="https://v3.fal.media/files/a.mp4", seed=42, size_bytes=size),
        }
        return Job(**(facts | changes))

    def now(self) -> float:
        """Return the stand-in's time, which `/sandbox/advance` moves."""
        return self.sandbox.core.clock.now()

    async def advance(self, seconds: float) -> None:
        """Let time pass on the stand-in."""
        (await self.control.post("/advance", json={"seconds": seconds})).raise_for_status()

    async def seen(self) -> list[dict[str, Any]]:
        """Return what maker sees in #general."""
        reply = await self.control.get("/messages", params={"channel": "general", "as": "maker"})
        return reply.raise_for_status().json()


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[World]:
    """A bot that is ready on the stand-in."""
    async with DiscordSandbox(seed=1, is_strict=True) as sandbox:
        places = sandbox.environment()
        monkeypatch.setattr(Route, "BASE", places["DISCORD_API_URL"])
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(places["DISCORD_GATEWAY_URL"]))
        monkeypatch.setattr(Asset, "BASE", places["DISCORD_CDN_URL"])
        async with started(sandbox, tmp_path) as ready:
            yield ready


@asynccontextmanager
async def started(sandbox: DiscordSandbox, folder: Path) -> AsyncGenerator[World]:
    """Start a bot with the stand-in's token, and wait until it is ready."""
    settings = Settings(storage=StorageSettings(data_dir=folder), cards=CardSettings(edit_interval_s=0.2))
    async with (
        FileSession() as http,
        Client() as client,
        httpx.AsyncClient(base_url=sandbox.control_url, timeout=10) as control,
    ):
        running = asyncio.create_task(client.start(sandbox.core.token))
        results = ResultFiles(
            http, settings.downloads, FakeProber(), files=FolderFiles(folder), allowed=from_fal(settings.fal)
        )
        cards = JobCards(
            client,
            settings.cards,
            settings.jobs,
            results,
            upload_timeout_s=settings.fal.upload_timeout_s,
            now=sandbox.core.clock.now,
        )
        async with asyncio.timeout(15):
            while not client.is_ready():  # noqa: ASYNC110 - wait_until_ready refuses before login
                await asyncio.sleep(0.01)
        async with cards:
            yield World(sandbox, client, cards, control, settings)
        await client.close()
        with suppress(discord.ConnectionClosed):  # its token was reset
            await running


async def test_a_new_token(world: World, tmp_path: Path) -> None:
    """Reset Token ends the bot at once; started with the new one it edits the cards of the old one."""
    job = await world.job(MIB, state="queued")
    await world.advance(901)  # from now on it is edited with the bot's token
    world.sandbox.reset_token()
    with pytest.raises(discord.HTTPException, match="401"):
        await world.client.fetch_channel(job.address.channel_id)
    async with started(world.sandbox, tmp_path) as renewed:
        await renewed.cards.deliver(replace(job, state="delivering"))
        (posted,) = await renewed.seen()
    assert int(posted["id"]) == job.address.message_id
    assert [item["size"] for item in posted["attachments"]] == [MIB]


@pytest.mark.parametrize("style", STYLES)
async def test_a_card_from_queued_to_posted(world: World, style: CardStyle) -> None:
    """In both styles one message shows the queue position, then the video; a second delivery posts no second one."""
    job = await world.job(MIB, style=style, state="queued")
    world.cards.show(job, Live(position=3))
    async with asyncio.timeout(10):
        while not buttons_of((await world.seen())[-1]):  # noqa: ASYNC110 - the change is in another program
            await asyncio.sleep(0.02)
    (queued,) = await world.seen()
    assert "In line at fal, 3 ahead" in text_of(queued)
    assert [button["label"] for button in buttons_of(queued)] == ["Cancel"]
    for _ in range(2):
        await world.cards.deliver(job)
    (posted,) = await world.seen()
    assert posted["id"] == queued["id"]
    assert bool(posted["flags"] & COMPONENTS_V2) == (style == "components") != bool(posted["embeds"])
    assert [(item["filename"], item["size"]) for item in posted["attachments"]] == [("wanda-wan27-image-42.mp4", MIB)]
    assert buttons_of(posted)[-1]["label"] == "More…"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("age_s", "messages"), [(901, 1), (3700, 2)])
async def test_a_late_video_still_arrives_once(world: World, age_s: float, messages: int, style: CardStyle) -> None:
    """After the token's expiry the bot edits the card, after an hour it replies; a repeat changes nothing."""
    job = await world.job(MIB, style=style)
    await world.advance(age_s)
    first = await world.cards.deliver(job)
    assert await world.cards.deliver(job) == first
    seen = await world.seen()
    assert len(seen) == messages
    assert [len(message["attachments"]) for message in seen] == [0] * (messages - 1) + [1]
    assert str(first.ref.message_id) == seen[-1]["id"]


async def test_an_old_link_that_somebody_deleted(world: World) -> None:
    """Discord takes a reply to a deleted message, so a late video looks first whether its link is still there."""
    job = await world.job(MIB, state="done", told=True)
    await world.advance(3700)
    channel = world.client.get_partial_messageable(job.address.channel_id)
    await channel.get_partial_message(job.address.message_id).delete()
    with pytest.raises(CardGone):
        await world.cards.replace_link(job)
    assert await world.seen() == []


async def test_a_video_above_the_limit_is_linked(world: World) -> None:
    """A video above 10 MiB becomes fal's link on the same card, also if only Discord's refusal shows the limit."""
    job = await world.job(10 * MIB + 1)
    await world.cards.deliver(job)
    await world.control.post(
        "/faults", json={"method": "PATCH", "path": "/webhooks/*", "status": 413, "code": 40005, "times": 1}
    )
    small = await world.job(MIB)
    await world.cards.deliver(small)
    for message in await world.seen():
        assert message["content"].endswith("https://v3.fal.media/files/a.mp4")
        assert message["attachments"] == []


async def test_a_failure_is_told_on_the_card(world: World) -> None:
    """A job's only message shows how it ended."""
    failure = Failure(kind="content_policy_violation", location=("body", "prompt"))
    job = await world.job(MIB, state="failed", failure=failure, result=None, charged_microusd=0)
    await world.cards.finish(job, Live())
    (told,) = await world.seen()
    assert "turned down the prompt" in told["embeds"][0]["description"]
    assert "You weren't charged." in told["embeds"][0]["description"]
