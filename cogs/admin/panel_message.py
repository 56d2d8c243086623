"""The private panels of `/wanda-admin`: every press asks again who presses, and edits the panel in place."""

from collections.abc import Sequence
from typing import Any, ClassVar

import discord

from bot.answers import error_boundary
from bot.cards.panels import to_layout
from bot.client import Interaction
from bot.texts.panel import Panel
from bot.texts.trouble import PAGE_TROUBLE, TroubleTexts
from cogs.admin.permission import check_admin
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.ordering.posting_rights import Place, check_access, check_commands

COMMAND = "wanda-admin"


async def check_press(interaction: Interaction) -> None:
    """Check that this member may use `/wanda-admin` here and now, as Discord checks it for the command itself.

    Raises:
        NotAdmin: they may not manage the server.
        NotAllowed: they may not use commands here, or the server's Integrations keep them from this one.
        Busy: Discord does not say.
    """
    check_admin(interaction)
    check_commands(interaction)
    await check_access(Place.of(interaction), interaction.client, COMMAND)


class PanelButton(PersistentButton, template="(?!)"):
    """A button or select of a panel. A subclass implements `act`, which answers the press of an admin.

    `trouble` is what they read when it cannot be carried out.
    """

    trouble: ClassVar[TroubleTexts] = PAGE_TROUBLE

    async def pressed(self, interaction: Interaction) -> None:
        """Carry out the press of somebody who may use the command."""
        await check_press(interaction)
        async with error_boundary(interaction, self.trouble):
            await self.act(interaction)

    async def act(self, interaction: Interaction) -> None:
        """Answer the press. An error raised here becomes a private answer."""
        raise NotImplementedError


class PanelList(PersistentSelect, template="(?!)"):
    """A list of a panel. A subclass implements `act`, which answers the choice of an admin."""

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Carry out the choice of somebody who may use the command."""
        del value
        await check_press(interaction)
        async with error_boundary(interaction, PAGE_TROUBLE):
            data: Any = interaction.data or {}
            await self.act(interaction, tuple(str(one) for one in data.get("values", ())))

    async def act(self, interaction: Interaction, values: Sequence[str]) -> None:
        """Answer the choice, of which nothing is checked. An error raised here becomes a private answer."""
        raise NotImplementedError


async def show_panel(interaction: Interaction, panel: Panel) -> None:
    """Show the panel in a deferred answer."""
    await interaction.edit_original_response(view=to_layout(panel), allowed_mentions=discord.AllowedMentions.none())
