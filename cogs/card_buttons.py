"""The buttons on a job's card. They are dynamic items, so they answer on cards from before a restart too."""

import logging
import re
from collections.abc import Awaitable
from typing import Any, Self

import discord
from discord.ext import commands

from bot.client import Interaction, Wanda
from bot.errors import StorageError
from cogs.ordering.member import role_ids

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
        """Answer privately what became of the wish."""
        cancel = interaction.client.services.runner.cancel(self.job_id, member_id=interaction.user.id)
        await _answer(interaction, cancel, otherwise="the video goes on")


class DecisionButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"wanda:(?P<verdict>approve|decline):(?P<job_id>[0-9a-f]{32})",
):
    """Lets a waiting job begin, or ends it; for those who may decide."""

    def __init__(self, verdict: str, job_id: str) -> None:
        """Stand for the button that the card shows."""
        super().__init__(discord.ui.Button(label=verdict, custom_id=f"wanda:{verdict}:{job_id}"))
        self.approve = verdict == "approve"
        self.job_id = job_id

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the verdict and the job from the button's id."""
        return cls(match["verdict"], match["job_id"])

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Answer privately what came of it."""
        member = interaction.user
        decide = interaction.client.services.runner.decide(
            self.job_id,
            guild_id=interaction.guild_id,
            member_id=member.id,
            role_ids=role_ids(member) if isinstance(member, discord.Member) else (),
            manages=interaction.permissions.manage_guild,
            approve=self.approve,
        )
        await _answer(interaction, decide, otherwise="the video waits on")


async def _answer(interaction: Interaction, work: Awaitable[str], *, otherwise: str) -> None:
    """Say privately what the work says; errors are answered here, because discord.py only logs them."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    try:
        sentence = await work
    except StorageError:
        log.exception("a button was refused: the database did not answer")
        sentence = f"Wanda's database does not answer, so {otherwise}. Try again in a moment."
    except Exception:
        log.exception("a button failed")
        sentence = f"Something went wrong in Wanda, and {otherwise}. Please tell an admin."
    await interaction.edit_original_response(content=sentence, allowed_mentions=discord.AllowedMentions.none())


class CardButtons(commands.Cog):
    """Owns the buttons on results."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is registered before `cog_load`."""
        self.bot = bot

    async def cog_load(self) -> None:
        """Begin to answer the buttons."""
        self.bot.add_dynamic_items(CancelButton, DecisionButton)

    async def cog_unload(self) -> None:
        """Answer them no more."""
        self.bot.remove_dynamic_items(CancelButton, DecisionButton)


def results(bot: Wanda) -> tuple[CardButtons]:
    """Make the cog."""
    return (CardButtons(bot),)
