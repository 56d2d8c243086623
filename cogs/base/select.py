"""The base of all selects in messages. Their state is in the custom id, so they also work after a restart."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import discord

from bot.answers import AnyInteraction, error_boundary
from bot.client import Interaction
from bot.texts.trouble import ORDER_TROUBLE, TroubleTexts


class PersistentSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template="(?!)"):
    """A subclass gives its template from `bot.texts.button_ids` and implements `chosen`.

    `parts` are the template's named groups in the select's id. What was chosen is not checked: anybody can send any
    value. `trouble` is what they read when the choice cannot be carried out.
    """

    trouble: ClassVar[TroubleTexts] = ORDER_TROUBLE

    def __init__(self, custom_id: str, parts: Mapping[str, str]) -> None:
        super().__init__(discord.ui.Select(custom_id=custom_id))
        self.parts = parts

    @classmethod
    async def from_custom_id(
        cls, interaction: AnyInteraction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Return the select that was used."""
        del interaction, item
        return cls(match.string, match.groupdict())

    async def interaction_check(self, interaction: AnyInteraction, /) -> bool:
        """Return whether the choice is to be carried out."""
        return await interaction.client.takes(interaction)

    async def callback(self, interaction: AnyInteraction) -> None:
        """Run `chosen` inside the error boundary."""
        async with error_boundary(interaction, self.trouble):
            values = self.item.values
            await self.chosen(interaction, str(values[0]) if values else "")

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Answer the choice. An error raised here becomes a private answer."""
        raise NotImplementedError
