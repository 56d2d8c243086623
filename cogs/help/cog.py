"""`/help`: what each command is for with a picture, how to order, what it costs and what the member's money buys."""

import asyncio
from pathlib import Path
from typing import Any

import discord
from discord import app_commands

from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction
from bot.ledger import holds
from bot.texts.button_ids import HELP_SELECT_TEMPLATE, HELP_TEMPLATE
from bot.texts.help import START, HelpPage, Reader, help_page
from bot.texts.trouble import PAGE_TROUBLE
from cogs.base.acknowledgement import think
from cogs.base.cog import FeatureCog
from cogs.base.command_group import BY_SERVER, SERVERS
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.ordering.checks import interaction_member

PICTURES = Path(__file__).with_name("pictures")


async def show_help(interaction: Interaction) -> None:
    """Show the first page."""
    interaction_member(interaction)
    await think(interaction)
    await _show(interaction, START)


async def _show(interaction: Interaction, page: str) -> None:
    """Show the page, as it is for this member here and now, in a deferred answer."""
    services, who = interaction.client.services, interaction_member(interaction)
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    found = help_page(
        page, Reader(services.picker, view, interaction.client.command_access.mention, services.alarms.off())
    )
    embed, picture = to_embed(found.card), await asyncio.to_thread(_picture, found)
    if picture:
        embed.set_image(url=f"attachment://{found.picture}")
    try:
        await interaction.edit_original_response(embed=embed, view=to_view(found.card), attachments=picture)
    finally:
        for file in picture:
            file.close()


def _picture(page: HelpPage) -> list[discord.File]:
    path = PICTURES / (page.picture or "")
    return [discord.File(path, filename=path.name, description=page.alt)] if path.is_file() else []


class HelpSelect(PersistentSelect, template=HELP_SELECT_TEMPLATE):
    """The list of commands."""

    trouble = PAGE_TROUBLE

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Show the command's page."""
        await interaction.response.defer()
        await _show(interaction, value)


class HelpButton(PersistentButton, template=HELP_TEMPLATE):
    """Opens another page."""

    trouble = PAGE_TROUBLE

    async def pressed(self, interaction: Interaction) -> None:
        """Show the page."""
        await interaction.response.defer()
        await _show(interaction, self.parts["page"])


class Help(FeatureCog):
    """`/help`, its list and its buttons."""

    buttons = (HelpButton,)
    selects = (HelpSelect,)

    @staticmethod
    def make_commands() -> tuple[app_commands.Command[Any, ..., Any]]:
        """Return `/help`."""
        return (
            app_commands.Command(
                name="help",
                description="See what Wanda can make, how to order it, and what it costs.",
                callback=show_help,
                allowed_contexts=SERVERS,
                allowed_installs=BY_SERVER,
            ),
        )
