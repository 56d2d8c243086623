"""The base of all buttons. Their state is in the custom id, so they also work after a restart."""

import re
from collections.abc import Mapping
from typing import Any, Self

import discord

from bot.answers import AnyInteraction, error_boundary
from bot.client import Interaction


class PersistentButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template="(?!)"):
    """A subclass gives its template from `bot.texts.button_ids` and implements `pressed`.

    `parts` are the template's named groups in the pressed button's id.
    """

    def __init__(self, custom_id: str, parts: Mapping[str, str]) -> None:
        super().__init__(discord.ui.Button(custom_id=custom_id))
        self.parts = parts

    @classmethod
    async def from_custom_id(
        cls, interaction: AnyInteraction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Return the pressed button."""
        del interaction, item
        return cls(match.string, match.groupdict())

    async def interaction_check(self, interaction: AnyInteraction, /) -> bool:
        """Return whether the press is to be carried out."""
        return await interaction.client.takes(interaction)

    async def callback(self, interaction: AnyInteraction) -> None:
        """Run `pressed` inside the error boundary."""
        async with error_boundary(interaction):
            await self.pressed(interaction)

    async def pressed(self, interaction: Interaction) -> None:
        """Answer the press. An error raised here becomes a private answer."""
        raise NotImplementedError
