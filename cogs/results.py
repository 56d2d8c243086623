"""The buttons on a job's card. They are dynamic items, so they answer on cards from before a restart too."""

import logging
import re
from typing import Any, Self

import discord
from discord.ext import commands

from bot.client import Interaction, Wanda
from bot.errors import StorageError

log = logging.getLogger(__name__)


class CancelButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"wanda:cancel:(?P<job_id>[0-9a-f]{32})"):
    """Takes a job back, for its owner only."""

    def __init__(self, job_id: str) -> None:
        """Stand for the button that the card shows."""
        super().__init__(discord.ui.Button(label="Cancel", custom_id=f"wanda:cancel:{job_id}"))
        self.job_id = job_id

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the job from the button's id."""
        return cls(match["job_id"])

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Answer privately what became of the wish; errors are answered here, because discord.py only logs them."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            sentence = await interaction.client.services.runner.cancel(self.job_id, member_id=interaction.user.id)
        except StorageError:
            log.exception("a cancel was refused: the database did not answer")
            sentence = "Wanda's database does not answer, so the video goes on. Try again in a moment."
        except Exception:
            log.exception("a cancel failed")
            sentence = "Something went wrong in Wanda, and the video goes on. Please tell an admin."
        await interaction.edit_original_response(content=sentence)


class Results(commands.Cog):
    """Owns the buttons on results."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is registered before `cog_load`."""
        self.bot = bot

    async def cog_load(self) -> None:
        """Begin to answer the buttons."""
        self.bot.add_dynamic_items(CancelButton)

    async def cog_unload(self) -> None:
        """Answer them no more."""
        self.bot.remove_dynamic_items(CancelButton)


def results(bot: Wanda) -> tuple[Results]:
    """Make the cog."""
    return (Results(bot),)
