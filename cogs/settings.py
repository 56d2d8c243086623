"""`/settings`: what a member chose for themself in this server, in one private panel."""

from dataclasses import replace
from typing import Any, cast

import discord
from discord import app_commands

from bot.cards.panels import to_layout
from bot.catalogue.picker import Picker
from bot.client import Interaction
from bot.errors import OptionRefused
from bot.jobs.notices import pings_in
from bot.jobs.preferences import PreferenceBounds, modes_for_pictures, preferences_of, set_preferences
from bot.ledger.asks import AskBounds, clear_ask, set_ask
from bot.ledger.model import Shipped, Who
from bot.ledger.rules import terms_of
from bot.settings import Settings
from bot.storage.transaction import Transaction
from bot.texts import own_settings as words
from bot.texts.button_ids import OWN_SETTING_TEMPLATE, OwnSetting
from bot.texts.own_settings import OwnSettings
from bot.texts.trouble import PAGE_TROUBLE
from cogs.base.acknowledgement import think
from cogs.base.cog import FeatureCog
from cogs.base.command_group import BY_SERVER, SERVERS
from cogs.base.component import PersistentSelect
from cogs.base.page import STALE
from cogs.ordering.checks import interaction_member
from cogs.ordering.posting_rights import check_commands


def _own_settings(who: Who, picker: Picker, *, at: float, shipped: Shipped) -> Transaction[OwnSettings]:
    terms = yield from terms_of(who, at=at, shipped=shipped)
    return OwnSettings(
        chosen=(yield from preferences_of(who.guild_id, who.member_id)),
        pings_here=(yield from pings_in(who.guild_id)),
        ask_above=terms.confirm_above_microusd,
        modes=[(mode.id, mode.title) for mode in modes_for_pictures() if mode in picker.modes()],
    )


def _choose(
    who: Who, picker: Picker, what: OwnSetting, value: str, *, at: float, shipped: Shipped, settings: Settings
) -> Transaction[OwnSettings]:
    """Store the choice, and return what is chosen now.

    Raises:
        OptionRefused: the list has no such choice, or too many members of the server have settings.
    """
    mine = yield from _own_settings(who, picker, at=at, shipped=shipped)
    try:
        chosen = words.checked_choice(mine, what, value)
    except LookupError:
        raise OptionRefused(STALE) from None
    if what != "ask":
        pings = settings.pings
        bounds = PreferenceBounds(kept_max=pings.preferences_max, daily_max=pings.preferences_daily_max)
        now = replace(mine.chosen, **cast("dict[str, Any]", {what: chosen}))
        yield from set_preferences(who.guild_id, who.member_id, now, bounds=bounds, at=at)
    elif chosen is None:
        yield from clear_ask(who.guild_id, who.member_id)
    else:
        money = settings.money
        asks = AskBounds(kept_max=money.asks_max, daily_max=money.asks_daily_max)
        yield from set_ask(who.guild_id, who.member_id, int(chosen), bounds=asks, at=at)
    return (yield from _own_settings(who, picker, at=at, shipped=shipped))


async def show_settings(interaction: Interaction) -> None:
    """Show the member's own settings."""
    who = interaction_member(interaction)
    await think(interaction)
    services = interaction.client.services
    mine = await services.store.read(_own_settings(who, services.picker, at=services.clock(), shipped=services.shipped))
    await _show(interaction, mine)


async def _show(interaction: Interaction, mine: OwnSettings) -> None:
    nobody = discord.AllowedMentions.none()
    await interaction.edit_original_response(view=to_layout(words.own_settings_panel(mine)), allowed_mentions=nobody)


class OwnSettingSelect(PersistentSelect, template=OWN_SETTING_TEMPLATE):
    """One list of the panel; it changes the settings of whoever chooses."""

    trouble = PAGE_TROUBLE

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Store the choice and show the panel as it is now."""
        who = interaction_member(interaction)
        check_commands(interaction)
        await interaction.response.defer()
        services = interaction.client.services
        what = cast("OwnSetting", self.parts["what"])
        place: dict[str, Any] = {"at": services.clock(), "shipped": services.shipped, "settings": services.settings}
        choosing = _choose(who, services.picker, what, value, **place)
        await _show(interaction, await services.store.write(choosing, guild_id=who.guild_id))


class OwnSettingsCog(FeatureCog):
    """`/settings` and the lists of its panel."""

    selects = (OwnSettingSelect,)

    @staticmethod
    def make_commands() -> tuple[app_commands.Command[Any, ..., Any]]:
        """Return `/settings`."""
        return (
            app_commands.Command(
                name="settings",
                description="Choose how you're pinged, when you're asked about a price, and your usual resolution.",
                callback=show_settings,
                allowed_contexts=SERVERS,
                allowed_installs=BY_SERVER,
            ),
        )
