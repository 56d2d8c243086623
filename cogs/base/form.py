"""The base of all forms (Discord's modals)."""

import discord

from bot.answers import AnyInteraction, error_boundary
from bot.client import Interaction, requester_of


class Form(discord.ui.Modal):
    """A subclass implements `submitted` and sets a timeout, because Discord does not report that a form was closed."""

    async def interaction_check(self, interaction: AnyInteraction, /) -> bool:
        """Return whether the form is to be carried out."""
        return await interaction.client.takes(interaction)

    async def on_submit(self, interaction: AnyInteraction, /) -> None:
        """Run `submitted` inside the error boundary."""
        async with error_boundary(interaction):
            await self.submitted(interaction)

    async def submitted(self, interaction: Interaction) -> None:
        """Answer the submission. An error raised here becomes a private answer."""
        raise NotImplementedError


async def show_form(interaction: Interaction, form: Form) -> None:
    """Show the form to the member; of too many open ones an old one is forgotten."""
    await interaction.response.send_modal(form)
    interaction.client.services.forms.add(form, requester_of(interaction))
