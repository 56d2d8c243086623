"""The private tip after a member's first order in a server."""

import asyncio
import logging

from bot.answers import answer_privately
from bot.cards.discord_request import DISCORD_ERRORS
from bot.client import Interaction
from bot.errors import StorageError
from bot.jobs.model import Job
from bot.jobs.queries import is_first_order
from bot.texts.welcome import first_order_tip

log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
LOOKS_MAX = 30
_telling: set[asyncio.Task[None]] = set()  # a strong reference: the loop keeps only weak ones


def tip_soon(interaction: Interaction, job: Job) -> None:
    """Give the tip once the card is there, if this is the member's first order here."""
    if interaction.client.services.settings.pings.first_order_tip:
        telling = asyncio.create_task(_tell(interaction, job), name=f"tip after job {job.id}")
        _telling.add(telling)
        telling.add_done_callback(_telling.discard)


async def _tell(interaction: Interaction, job: Job) -> None:
    try:
        if await interaction.client.services.store.read(is_first_order(job)) and await _is_there(interaction, job):
            await answer_privately(interaction, first_order_tip(interaction.client.command_access.mention))
    except (StorageError, *DISCORD_ERRORS) as error:
        log.info("no tip was given after a first order: %s", error)


async def _is_there(interaction: Interaction, job: Job) -> bool:
    """Wait until the card is no longer "thinking", which the first follow-up would replace; False if it stays so."""
    for _ in range(LOOKS_MAX):
        if not (await interaction.followup.fetch_message(job.address.message_id)).flags.loading:
            return True
        await asyncio.sleep(LOOK_EVERY_S)
    return False
