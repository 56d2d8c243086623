"""The base of all forms (Discord's modals)."""

import discord

from bot.answers import AnyInteraction, error_boundary
from bot.client import Interaction


class Form(discord.ui.Modal):
    """A subclass implements `submitted`, and sets a timeout: Discord does not tell when a form is closed."""

    async def on_submit(self, interaction: AnyInteraction, /) -> None:
        """Run `submitted` inside the error boundary."""
        async with error_boundary(interaction):
            await self.submitted(interaction)

    async def submitted(self, interaction: Interaction) -> None:
        """Answer the submission. What this raises is said privately."""
        raise NotImplementedError
