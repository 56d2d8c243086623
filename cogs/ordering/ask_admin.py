"""Posts a member's request for more money where the server's admins look."""

import asyncio
import logging

import discord

from bot.cards.discord_request import DISCORD_ERRORS
from bot.cards.embeds import to_buttons
from bot.client import Interaction
from bot.errors import Busy
from bot.ids import new_id
from bot.ledger import rules as rulebook
from bot.ledger.money_requests import MoneyRequest, RequestBounds, ask_for_money, withdraw_request
from bot.texts import money_requests as words

log = logging.getLogger(__name__)


async def ask_admins(interaction: Interaction, *, amount_microusd: int, price_microusd: int) -> int:
    """Post the member's request in the server's log channel, else here; return the channel's id.

    Raises:
        Busy: they have asked already, too many members wait, or Wanda cannot post; nothing is left of the request.
        StorageError: the database did not answer; likewise.
    """
    services, settings = interaction.client.services, interaction.client.services.settings.money
    now, guild_id = services.clock(), interaction.guild_id or 0
    request = MoneyRequest(
        id=new_id(at=now),
        guild_id=guild_id,
        member_id=interaction.user.id,
        amount_microusd=amount_microusd,
        channel_id=interaction.channel_id or 0,
        at=now,
        expires_at=now + settings.request_life_s,
    )
    bounds = RequestBounds(open_in_server_max=settings.requests_open_max, wait_s=settings.request_wait_s)
    await services.store.write(ask_for_money(request, bounds), guild_id=guild_id)
    text, buttons = words.request_text(request, price_microusd=price_microusd), words.request_buttons(request)
    for channel in await _channels(interaction):
        try:
            async with asyncio.timeout(services.settings.cards.discord_timeout_s):
                nobody = discord.AllowedMentions.none()
                posted = await channel.send(text, view=to_buttons(buttons), allowed_mentions=nobody)
        except DISCORD_ERRORS as error:
            log.warning("a request for money could not be posted: %s", error)
        else:
            return posted.channel.id
    await services.store.write(withdraw_request(request.id), guild_id=None)
    raise Busy(words.NOT_POSTED)


async def _channels(interaction: Interaction) -> list[discord.abc.Messageable]:
    """Return where to post: the server's log channel if it has one, then the channel where the member asked."""
    services, guild = interaction.client.services, interaction.guild
    rules = await services.store.read(rulebook.rules_of(interaction.guild_id or 0, at=services.clock()))
    channel_id = next((int(r.value) for r in rules if (r.subject, r.name) == ("server", "log_channel")), None)
    log_channel = guild.get_channel_or_thread(channel_id) if guild is not None and channel_id else None
    here = interaction.client.get_partial_messageable(interaction.channel_id or 0, guild_id=interaction.guild_id)
    return [log_channel, here] if isinstance(log_channel, discord.abc.Messageable) else [here]
