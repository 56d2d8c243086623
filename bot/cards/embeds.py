"""A card as discord.py's objects. Cogs register what answers the buttons; nothing here does."""

import discord

from bot.texts.card import Button, Card

_STYLES = {
    "secondary": discord.ButtonStyle.secondary,
    "success": discord.ButtonStyle.success,
    "danger": discord.ButtonStyle.danger,
}


def to_embed(card: Card) -> discord.Embed:
    """Return the card's panel."""
    embed = discord.Embed(title=card.title, description=card.description or None, colour=card.colour)
    for field in card.fields:
        embed.add_field(name=field.name, value=field.value, inline=field.inline)
    if card.footer:
        embed.set_footer(text=card.footer)
    return embed


def to_view(card: Card) -> discord.ui.View | None:
    """Return the card's buttons as a view that is only sent and never stored; None when there are none.

    discord.py keeps every view with buttons that it sends until its message's end, one a card, unless the view is
    finished (`Webhook.edit_message`, `PartialMessage.edit` and `Messageable.send` all ask `is_finished()`). A view
    that was stopped before it is sent carries the same components and is forgotten at once; a press then finds the
    cog's `DynamicItem` by its custom id, as it does after a restart. Must be called in a running event loop, because
    only there has a view anything to stop.
    """
    if not card.buttons:
        return None
    view = discord.ui.View(timeout=None)
    for button in card.buttons:
        view.add_item(_button(button))
    view.stop()
    return view


def _button(button: Button) -> discord.ui.Button[discord.ui.View]:
    return discord.ui.Button(
        label=button.label, style=_STYLES[button.style], custom_id=button.custom_id, disabled=button.disabled
    )
