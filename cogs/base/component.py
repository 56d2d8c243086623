"""The bases of all buttons and selects in messages. Their state is in the custom id, so they work after a restart."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

import discord

from bot.answers import AnyInteraction, error_boundary
from bot.client import Interaction
from bot.texts.trouble import ORDER_TROUBLE, TroubleTexts

ItemT = TypeVar("ItemT", bound=discord.ui.Item[Any])


class PersistentComponent(discord.ui.DynamicItem[ItemT], template="(?!)"):
    """What buttons and selects have in common. A subclass gives its template from `bot.texts.button_ids`.

    `parts` are the template's named groups in the used component's id. `trouble` is what the person who used it reads
    when it cannot be carried out.
    """

    trouble: ClassVar[TroubleTexts] = ORDER_TROUBLE

    def __init__(self, custom_id: str, parts: Mapping[str, str]) -> None:
        super().__init__(self.make_item(custom_id))
        self.parts = parts

    @classmethod
    def make_item(cls, custom_id: str) -> ItemT:
        """Return discord.py's component with this id."""
        raise NotImplementedError

    @classmethod
    async def from_custom_id(
        cls, interaction: AnyInteraction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Return the component that was used."""
        del interaction, item
        return cls(match.string, match.groupdict())

    async def interaction_check(self, interaction: AnyInteraction, /) -> bool:
        """Return whether its use is to be carried out."""
        return await interaction.client.takes(interaction)

    async def callback(self, interaction: AnyInteraction) -> None:
        """Run `used` inside the error boundary."""
        async with error_boundary(interaction, self.trouble):
            await self.used(interaction)

    async def used(self, interaction: Interaction) -> None:
        """Answer its use. An error raised here becomes a private answer."""
        raise NotImplementedError


class PersistentButton(PersistentComponent[discord.ui.Button[Any]], template="(?!)"):
    """A subclass implements `pressed`."""

    @classmethod
    def make_item(cls, custom_id: str) -> discord.ui.Button[Any]:
        """Return a button with this id."""
        return discord.ui.Button(custom_id=custom_id)

    async def used(self, interaction: Interaction) -> None:
        """Answer the press."""
        await self.pressed(interaction)

    async def pressed(self, interaction: Interaction) -> None:
        """Answer the press. An error raised here becomes a private answer."""
        raise NotImplementedError


class PersistentSelect(PersistentComponent[discord.ui.Select[Any]], template="(?!)"):
    """A subclass implements `chosen`. What was chosen is not checked: anybody can send any value."""

    @classmethod
    def make_item(cls, custom_id: str) -> discord.ui.Select[Any]:
        """Return a select with this id."""
        return discord.ui.Select(custom_id=custom_id)

    async def used(self, interaction: Interaction) -> None:
        """Answer the first value that was chosen."""
        values = self.item.values
        await self.chosen(interaction, str(values[0]) if values else "")

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Answer the choice. An error raised here becomes a private answer."""
        raise NotImplementedError
