"""The limit of *ack*: a discord.py bot whose command only defers."""

import os

import discord
from discord import app_commands

from tests.bench.places import point_discord_here


class Bare(discord.Client):
    """One command with Wanda's options, whose handler only defers."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True), guild_ready_timeout=0.1, max_messages=None)
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(BareCommands())

    async def setup_hook(self) -> None:
        """Sync the command."""
        await self.tree.sync()

    async def on_ready(self) -> None:
        """Print that the bot is ready."""
        print("bare is ready", flush=True)


class BareCommands(app_commands.Group):
    """/wan27."""

    def __init__(self) -> None:
        super().__init__(name="wan27", description="Wan 2.7")

    @app_commands.command(name="image", description="Make a video of a picture")
    async def image(  # noqa: PLR0917 - discord.py reads the options from the parameters
        self,
        interaction: discord.Interaction[Bare],
        image: discord.Attachment,
        prompt: str,
        resolution: str = "720p",
        duration: int = 5,
        seed: int | None = None,
    ) -> None:
        """Defer."""
        await interaction.response.defer(thinking=True)


async def run_bare() -> None:
    """Run until the process is terminated."""
    point_discord_here()
    async with Bare() as bot:
        await bot.start(os.environ["DISCORD_TOKEN"])
