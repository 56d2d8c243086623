"""Converts a card to discord.py's embed and view. The cogs answer the buttons."""

from collections.abc import Iterable
from typing import Any

import discord

from bot.texts.card import Button, Card, Select

_STYLES = {
    "secondary": discord.ButtonStyle.secondary,
    "success": discord.ButtonStyle.success,
    "danger": discord.ButtonStyle.danger,
}


def to_embed(card: Card) -> discord.Embed:
    """Return the card's embed."""
    embed = discord.Embed(title=card.title, description=card.description or None, colour=card.colour)
    for field in card.fields:
        embed.add_field(name=field.name, value=field.value, inline=field.inline)
    if card.footer:
        embed.set_footer(text=card.footer)
    return embed


def to_view(card: Card) -> discord.ui.View | None:
    """Return the card's selects and buttons as a stopped view, which discord.py sends but does not store.

    None without any. discord.py stores every view with buttons that it sends until the message is deleted, unless the
    view is finished: `Webhook.edit_message`, `PartialMessage.edit` and `Messageable.send` all check `is_finished()`. A
    stopped view has the same components and is not stored; a press then finds the cog's `DynamicItem` by its custom id,
    as after a restart. Must be called in a running event loop: without one, a view cannot be stopped.
    """
    return to_buttons(card.buttons, card.selects) if card.buttons or card.selects else None


def to_buttons(buttons: Iterable[Button], selects: Iterable[Select] = ()) -> discord.ui.View:
    """Return selects and buttons as a view that discord.py does not store, as `to_view` does."""
    view = discord.ui.View(timeout=None)
    for select in selects:
        view.add_item(to_select(select))
    for button in buttons:
        view.add_item(to_button(button))
    view.stop()
    return view


def to_button(button: Button) -> discord.ui.Button[Any]:
    """Return the button; whoever sends it sees to it that discord.py does not store its view."""
    return discord.ui.Button(
        label=button.label,
        style=_STYLES[button.style],
        custom_id=button.custom_id,
        disabled=button.disabled,
        emoji=button.emoji,
    )


def to_select(select: Select) -> discord.ui.Select[Any]:
    """Return the select, likewise."""
    options = [
        discord.SelectOption(label=one.label, value=one.value, default=one.chosen, description=one.description or None)
        for one in select.choices
    ]
    return discord.ui.Select(
        custom_id=select.custom_id,
        options=options,
        placeholder=select.placeholder or None,
        disabled=select.disabled,
    )


def to_channel_select(custom_id: str, placeholder: str) -> discord.ui.View:
    """Return a list of the server's text channels and threads as a view that discord.py does not store."""
    kinds = [discord.ChannelType.text, discord.ChannelType.public_thread, discord.ChannelType.private_thread]
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.ChannelSelect(custom_id=custom_id, channel_types=kinds, placeholder=placeholder))
    view.stop()
    return view
