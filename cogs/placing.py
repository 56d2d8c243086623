"""Where a job's card stands: on the command's own answer, or on a message of its own."""

from bot.client import Interaction
from bot.jobs.accepting import Order
from bot.jobs.drafts import Draft
from bot.jobs.model import Address

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
