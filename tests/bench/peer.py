"""The peer: the bot that most people would write, done well, with discord.py, fal's client and a dict for quotas.

It answers at once, limits each member to a daily amount, shows progress once a second, and posts the finished file.
Files, quotas and jobs are in memory only.
"""

import io
import logging
import os
import time
from collections import defaultdict
from collections.abc import Mapping

import discord
import fal_client
import httpx
from discord import app_commands

from tests.bench.places import point_discord_here, point_fal_here

log = logging.getLogger(__name__)
ENDPOINT = "fal-ai/wan/v2.7/image-to-video"
USD_PER_SECOND = {"720p": 0.10, "1080p": 0.15}
DAILY_USD = 1_000_000.0
EDIT_EVERY_S = 1.0


class Peer(discord.Client):
    """The whole bot."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default())
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(PeerCommands())
        self.fal = fal_client.AsyncClient()
        self.downloads = httpx.AsyncClient(timeout=120)
        self.spent_usd: defaultdict[int, float] = defaultdict(float)

    async def setup_hook(self) -> None:
        """Sync the command."""
        await self.tree.sync()

    async def on_ready(self) -> None:
        """Print that the bot is ready."""
        print("peer is ready", flush=True)


class PeerCommands(app_commands.Group):
    """/wan27."""

    def __init__(self) -> None:
        super().__init__(name="wan27", description="Wan 2.7")

    @app_commands.command(name="image", description="Make a video of a picture")
    async def image(  # noqa: PLR0917 - discord.py reads the options from the parameters
        self,
        interaction: discord.Interaction[Peer],
        image: discord.Attachment,
        prompt: str,
        resolution: str = "720p",
        duration: int = 5,
        seed: int | None = None,
    ) -> None:
        """Answer, hold the price in the dict, make the video at fal, and post it."""
        bot, cost_usd = interaction.client, USD_PER_SECOND[resolution] * duration
        if bot.spent_usd[interaction.user.id] + cost_usd > DAILY_USD:
            await interaction.response.send_message("You have used up your allowance for today.", ephemeral=True)
            return
        bot.spent_usd[interaction.user.id] += cost_usd
        await interaction.response.defer(thinking=True)
        try:
            url = await bot.fal.upload(await image.read(), image.content_type or "image/png", image.filename)
            wanted = {"image_url": url, "prompt": prompt, "resolution": resolution, "duration": duration, "seed": seed}
            result = await _followed(interaction, {key: value for key, value in wanted.items() if value is not None})
            video = (await bot.downloads.get(result["video"]["url"])).raise_for_status().content
            file = discord.File(io.BytesIO(video), "video.mp4")
            await interaction.edit_original_response(content=f"Done, for ${cost_usd:.2f}", attachments=[file])
        except (fal_client.FalClientError, httpx.HTTPError, discord.HTTPException) as error:
            bot.spent_usd[interaction.user.id] -= cost_usd
            log.exception("a video failed")
            await interaction.edit_original_response(content=f"That did not work: {error}")


async def _followed(
    interaction: discord.Interaction[Peer], arguments: Mapping[str, object]
) -> dict[str, dict[str, str]]:
    """Make the video at fal; edit the answer once a second while the progress changes."""
    shown, edited_at, request_id = "", 0.0, ""

    def enqueued(given: str) -> None:
        nonlocal request_id
        request_id = given

    async def update(status: fal_client.Status) -> None:
        nonlocal shown, edited_at
        match status:
            case fal_client.Queued(position=position):
                text = f"Queued, {position} ahead"
            case fal_client.InProgress(logs=logs):
                text = str(logs[-1]["message"]) if logs else "In progress"
            case _:
                log.info("completed: %s", request_id)
                return
        if text != shown and time.monotonic() - edited_at >= EDIT_EVERY_S:
            shown, edited_at = text, time.monotonic()
            await interaction.edit_original_response(content=text)

    return await interaction.client.fal.subscribe(
        ENDPOINT, dict(arguments), with_logs=True, on_enqueue=enqueued, on_queue_update=update
    )


async def run_peer() -> None:
    """Run until the process is terminated."""
    point_discord_here()
    point_fal_here()
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    async with Peer() as bot:
        await bot.start(os.environ["DISCORD_TOKEN"])
