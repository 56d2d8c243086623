"""The messages of an interaction that become a job's card."""

import logging

import discord

from bot.cards.discord_request import CONNECTION_ERRORS, DISCORD_ERRORS
from bot.client import Interaction
from bot.jobs.model import Address
from bot.texts.finished import GETTING_READY

log = logging.getLogger(__name__)
# https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
TOKEN_LIFE_S = 15 * 60
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
ALREADY_ANSWERED = 40060
PLACEHOLDER = f"{GETTING_READY}…"


def address_of(interaction: Interaction, message_id: int, *, received_at: float) -> Address:
    """Return the address of a message of this interaction; the token can edit it for 15 minutes."""
    return Address(
        channel_id=interaction.channel_id or 0,
        message_id=message_id,
        application_id=interaction.application_id,
        token=interaction.token,
        token_expires_at=received_at + TOKEN_LIFE_S,
        size_limit_bytes=interaction.filesize_limit,
        posted_at=received_at,
        style=interaction.client.services.settings.cards.style,
    )


async def public_card(interaction: Interaction) -> Address:
    """Defer the answer publicly ("thinking"), and return the address of that message: it becomes the card."""
    received_at = interaction.client.services.clock()
    return address_of(interaction, await _defer(interaction), received_at=received_at)


async def _defer(interaction: Interaction) -> int:
    """Defer the answer and return its message's id; a network error is retried once."""
    try:
        callback = await interaction.response.defer(thinking=True)
    except CONNECTION_ERRORS:
        log.warning("the connection broke during the first answer; it is repeated", exc_info=True)
        try:
            callback = await interaction.response.defer(thinking=True)
        except discord.HTTPException as error:
            # After a network error, our first try has answered already; otherwise another Wanda process has.
            if error.code != ALREADY_ANSWERED:
                raise
            callback = None
    message_id = callback.message_id if callback else None
    return message_id or (await interaction.original_response()).id


async def second_card(interaction: Interaction) -> Address:
    """Post a public message after a private answer, and return its address: it becomes the card."""
    received_at = interaction.client.services.clock()
    message = await interaction.followup.send(PLACEHOLDER, wait=True)
    return address_of(interaction, message.id, received_at=received_at)


async def delete_second_card(interaction: Interaction, card: Address) -> None:
    """Delete a second card that becomes no job's; a failure is logged, so that its member still reads why.

    A moderator may have deleted it already.
    """
    try:
        await interaction.followup.delete_message(card.message_id)
    except DISCORD_ERRORS as error:
        log.warning("a refused order's card could not be deleted: %s", error)
