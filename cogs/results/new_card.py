"""A new message of the bot that becomes a job's card, where there is no interaction whose answer could be it."""

import asyncio
import logging
from typing import Any

import discord

from bot.cards.discord_request import CONNECTION_ERRORS, DISCORD_ERRORS
from bot.cards.poster import NONCE_CHARS_MAX, UPLOAD_BYTES_MAX, MessageReference
from bot.client import Wanda
from bot.errors import Busy
from bot.jobs.model import Address, Job
from bot.texts import finished

log = logging.getLogger(__name__)


def address_of_message(bot: Wanda, message: discord.Message) -> Address:
    """Return the address of a message that was posted with the bot token, and can be edited with it only."""
    guild = message.guild
    return Address(
        channel_id=message.channel.id,
        message_id=message.id,
        application_id=bot.application_id or 0,
        token="",
        token_expires_at=0.0,
        size_limit_bytes=guild.filesize_limit if guild is not None else UPLOAD_BYTES_MAX,
        posted_at=bot.services.clock(),
        style=bot.services.settings.cards.style,
    )


async def delete_card(bot: Wanda, card: Address) -> None:
    """Delete the card of an order that was refused; a failure is only logged."""
    channel = bot.get_partial_messageable(card.channel_id)
    try:
        async with asyncio.timeout(bot.services.settings.cards.discord_timeout_s):
            async with bot.services.channel_queue.turn(card.channel_id, "delete"):
                await channel.get_partial_message(card.message_id).delete()
    except DISCORD_ERRORS as error:
        log.warning("a refused order's card could not be deleted: %s", error)


async def post_card(
    bot: Wanda, parent: Job, channel: discord.abc.Messageable, order_id: str, **message: Any
) -> Address:
    """Reply to the parent's card when the channel's rate limit permits, and return the reply's address.

    Nobody is pinged unless `message` says so. The nonce makes Discord drop a repeated request.

    Raises:
        Busy: the rate limit did not permit it in time, or Discord refused it.
    """
    services = bot.services
    quiet = {"mention_author": False, "allowed_mentions": discord.AllowedMentions.none()}
    options: dict[str, Any] = {**quiet, **message, "reference": MessageReference(parent)}
    try:
        async with asyncio.timeout(services.settings.cards.rerun_patience_s):
            async with services.channel_queue.turn(parent.address.channel_id, "send"):
                posted = await _send_once(channel, nonce=f"a{order_id}"[:NONCE_CHARS_MAX], **options)
            return address_of_message(bot, posted)
    except TimeoutError:
        raise Busy(finished.NO_TURN) from None
    except DISCORD_ERRORS as error:
        log.warning("a new card could not be posted: %s", error or type(error).__name__)
        raise Busy(finished.NO_PLACE) from error


async def _send_once(channel: discord.abc.Messageable, **message: Any) -> discord.Message:
    """Post the message; when the connection breaks it is sent again, and the nonce keeps it from standing there twice.

    A message that came through without its answer would else promise a video that nobody makes.
    """
    try:
        return await channel.send(**message)
    except TimeoutError:
        raise
    except CONNECTION_ERRORS:
        log.warning("the connection broke while a new card was posted; it is repeated", exc_info=True)
        return await channel.send(**message)
