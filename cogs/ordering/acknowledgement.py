"""Notes an order before Discord shows it as under way, until it is accepted or refused."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.client import Interaction, Services
from bot.errors import StorageError
from bot.jobs import acknowledgements
from bot.jobs.acknowledgements import Acknowledgement, Shows

log = logging.getLogger(__name__)
_dropping: set[asyncio.Task[None]] = set()  # a strong reference: the loop keeps only weak ones


def acknowledgement_of(interaction: Interaction, shows: Shows) -> Acknowledgement:
    """Return the acknowledgement of an interaction that is about to be answered."""
    return Acknowledgement(
        id=str(interaction.id),
        guild_id=interaction.guild_id or 0,
        channel_id=interaction.channel_id or 0,
        application_id=interaction.application_id,
        token=interaction.token,
        shows=shows,
        at=interaction.client.services.clock(),
    )


@asynccontextmanager
async def under_way(services: Services, acknowledgement: Acknowledgement) -> AsyncGenerator[None]:
    """Keep the acknowledgement while the block answers Discord and places the order.

    It is written beside the answer and not before: Discord waits 3 s for that, and the database may take longer.
    """
    services.orders_under_way.begin(acknowledgement.id)
    noting = asyncio.create_task(services.store.write(acknowledgements.note(acknowledgement)), name="note an order")
    try:
        yield
    finally:
        services.orders_under_way.end(acknowledgement.id)
        dropping = asyncio.create_task(_drop(services, acknowledgement.id, noting), name="forget an order")
        _dropping.add(dropping)
        dropping.add_done_callback(_dropping.discard)


async def _drop(services: Services, acknowledgement_id: str, noting: asyncio.Task[None]) -> None:
    """Forget the order. If that fails, the next start finds that it shows nothing any more."""
    try:
        await noting
        await services.store.write(acknowledgements.drop(acknowledgement_id))
    except StorageError:
        log.warning("an order's acknowledgement could not be stored or deleted", exc_info=True)
