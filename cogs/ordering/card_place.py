"""Where a job's card stands: on the command's own answer, or on a message of its own."""

from typing import Any

import discord

from bot.cards.poster import NONCE_CHARS_MAX, UPLOAD_BYTES_MAX, MessageReference
from bot.client import Interaction, Wanda
from bot.jobs.model import Address, Job
from bot.jobs.order import Order
from bot.runner.drafts import Draft

TOKEN_LIFE_S = 15 * 60  # an interaction's token, by Discord's documentation
PLACEHOLDER = "Wanda is getting a video ready…"


def address_of(interaction: Interaction, message_id: int, *, received_at: float) -> Address:
    """Return where a message of this interaction stands, and for how long its token edits it."""
    return Address(
        channel_id=interaction.channel_id or 0,
        message_id=message_id,
        application_id=interaction.application_id,
        token=interaction.token,
        token_expires_at=received_at + TOKEN_LIFE_S,
        size_limit_bytes=interaction.filesize_limit,
        posted_at=received_at,
    )


def address_of_own(bot: Wanda, message: discord.Message) -> Address:
    """Return where a message stands that Wanda posted with her own token: no interaction's token edits it."""
    guild = message.guild
    return Address(
        channel_id=message.channel.id,
        message_id=message.id,
        application_id=bot.application_id or 0,
        token="",
        token_expires_at=0.0,
        size_limit_bytes=guild.filesize_limit if guild is not None else UPLOAD_BYTES_MAX,
        posted_at=bot.services.clock(),
    )


async def own_card(bot: Wanda, parent: Job, job_id: str, channel: discord.abc.Messageable, **message: Any) -> Address:
    """Post a message that replies to the parent's card and notifies nobody unless `message` says so; return where.

    Discord takes the same job's message once only, should the request be repeated.
    """
    quiet = {"mention_author": False, "allowed_mentions": discord.AllowedMentions.none()}
    options: dict[str, Any] = {**quiet, **message, "reference": MessageReference(parent)}
    async with bot.services.turns.turn(parent.address.channel_id, "send"):
        posted: discord.Message = await channel.send(nonce=f"a{job_id}"[:NONCE_CHARS_MAX], **options)
    return address_of_own(bot, posted)


async def second_card(interaction: Interaction) -> Address:
    """Post a message for everyone to see beside a private answer, and return where: it becomes the card."""
    received_at = interaction.client.services.clock()
    message = await interaction.followup.send(PLACEHOLDER, wait=True)
    return address_of(interaction, message.id, received_at=received_at)


def order_of(draft: Draft, card: Address) -> Order:
    """Return the order that the draft becomes on this card."""
    return Order(
        job_id=draft.id,
        who=draft.who,
        mode=draft.mode,
        inputs=draft.inputs,
        address=card,
        parent_id=draft.parent_id,
        trigger=draft.trigger,
        notes=draft.notes,
    )
