"""Converts a panel to discord.py's layout view. The cogs answer its buttons and selects."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import discord

from bot.texts.card import Button, Style
from bot.texts.panel import Block, Buttons, Divider, Entry, Link, List, Panel, Text

_Item: TypeAlias = discord.ui.Item[discord.ui.LayoutView]
_STYLES: dict[Style, discord.ButtonStyle] = {
    "secondary": discord.ButtonStyle.secondary,
    "success": discord.ButtonStyle.success,
    "danger": discord.ButtonStyle.danger,
}
_CHANNELS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
]


def to_layout(panel: Panel) -> discord.ui.LayoutView:
    """Return the panel as a stopped view, which discord.py sends but does not store; see `bot.cards.embeds.to_view`."""
    view = discord.ui.LayoutView(timeout=None)
    container = discord.ui.Container[discord.ui.LayoutView](accent_colour=panel.colour)
    for block in panel.blocks:
        container.add_item(_item(block))
    view.add_item(container)
    view.stop()
    return view


def _item(block: Block) -> _Item:
    match block:
        case Text():
            return discord.ui.TextDisplay(block.text)
        case Entry():
            return discord.ui.Section(discord.ui.TextDisplay(block.text), accessory=_button(block.button))
        case Buttons():
            return discord.ui.ActionRow(*(_button(one) for one in block.buttons))
        case List():
            return discord.ui.ActionRow(_select(block))
        case Divider():
            return discord.ui.Separator()


def _button(button: Button | Link) -> discord.ui.Button[Any]:
    if isinstance(button, Link):
        return discord.ui.Button(label=button.label, url=button.url)
    return discord.ui.Button(
        label=button.label,
        style=_STYLES[button.style],
        custom_id=button.custom_id,
        disabled=button.disabled,
        emoji=button.emoji,
    )


def _select(select: List) -> discord.ui.Item[Any]:
    common: dict[str, Any] = {
        "custom_id": select.custom_id,
        "placeholder": select.placeholder,
        "min_values": select.least,
        "max_values": select.most,
    }
    match select.kind:
        case "roles":
            return discord.ui.RoleSelect(default_values=_chosen(select.chosen, discord.Role), **common)
        case "members":
            return discord.ui.UserSelect(default_values=_chosen(select.chosen, discord.User), **common)
        case "channels":
            known = _chosen(select.chosen, discord.abc.GuildChannel)
            return discord.ui.ChannelSelect(default_values=known, channel_types=_CHANNELS, **common)
        case "words":
            options = [
                discord.SelectOption(
                    value=one.value, label=one.label, description=one.description or None, default=one.chosen
                )
                for one in select.choices
            ]
            return discord.ui.Select(options=options, **common)


def _chosen(ids: Sequence[int], kind: Any) -> list[discord.SelectDefaultValue]:
    types = {
        discord.Role: discord.SelectDefaultValueType.role,
        discord.User: discord.SelectDefaultValueType.user,
        discord.abc.GuildChannel: discord.SelectDefaultValueType.channel,
    }
    return [discord.SelectDefaultValue(id=one, type=types[kind]) for one in ids]
