"""The base of all forms (Discord's modals), and their fields."""

from typing import Any, TypeAlias

import discord

from bot.answers import AnyInteraction, error_boundary
from bot.client import Interaction, requester_of
from bot.texts.menus import Part

FormItem: TypeAlias = discord.ui.TextInput[Any] | discord.ui.Select[Any] | discord.ui.FileUpload[Any]


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


def form_item(part: Part) -> FormItem:
    """Return the field for a part of a form."""
    if part.is_file:
        least = 1 if part.required else 0
        return discord.ui.FileUpload(custom_id=part.name, required=part.required, min_values=least, max_values=1)
    if part.choices:
        offered = [discord.SelectOption(label=one.label, value=one.value, default=one.chosen) for one in part.choices]
        if part.takes_several:
            return discord.ui.Select(
                custom_id=part.name, options=offered[:25], required=False, min_values=0, max_values=len(offered[:25])
            )
        return discord.ui.Select(custom_id=part.name, options=offered[:25], required=True)
    return discord.ui.TextInput(
        custom_id=part.name,
        style=discord.TextStyle.paragraph if part.is_long else discord.TextStyle.short,
        default=part.value or None,
        required=part.required,
        min_length=part.length_min,
        max_length=part.length_max,
    )
