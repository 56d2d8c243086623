"""Notes what Discord is about to show as under way, so that a crash leaves nothing of it for ever."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from bot.client import Interaction, Services
from bot.errors import StorageError
from bot.jobs import acknowledgements
from bot.jobs.acknowledgements import Acknowledgement, Shows
from bot.storage.transaction import alone

log = logging.getLogger(__name__)
T = TypeVar("T")
NOTED_WITHIN_S = 0.5
STORED_WITHIN_S = 1.5  # Discord waits 3 s for the first answer
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


async def think(interaction: Interaction, *, ephemeral: bool = True) -> None:
    """Defer the answer ("thinking"), and note that until the task that handles the interaction has ended."""
    handling = asyncio.current_task()
    acknowledgement = acknowledgement_of(interaction, "thinking")
    noting = await _note(interaction.client.services, acknowledgement)
    if handling is not None:
        handling.add_done_callback(lambda _: _drop_soon(interaction.client.services, acknowledgement.id, noting))
    await interaction.response.defer(ephemeral=ephemeral, thinking=True)


async def store_first(interaction: Interaction, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, and let Discord be answered only then: no kill loses a press that looked accepted.

    Work that takes longer than `STORED_WITHIN_S` is thought about meanwhile. Raises what `work` raises.
    """
    storing = asyncio.create_task(work, name="store a press")
    try:
        await asyncio.wait({storing}, timeout=STORED_WITHIN_S)
        if not storing.done():
            await think(interaction)
        return await storing
    finally:
        storing.cancel()


@asynccontextmanager
async def under_way(services: Services, acknowledgement: Acknowledgement) -> AsyncGenerator[None]:
    """Keep the acknowledgement while the block answers Discord and places the order, which a stop waits for."""
    services.orders_under_way.begin(acknowledgement.id)
    try:
        noting = await _note(services, acknowledgement)
        try:
            yield
        finally:
            _drop_soon(services, acknowledgement.id, noting)
    finally:
        services.orders_under_way.end(acknowledgement.id)


async def _note(services: Services, acknowledgement: Acknowledgement) -> asyncio.Task[None]:
    """Write the acknowledgement before Discord is answered, so that a crash between the two leaves nothing for ever.

    A database that takes longer than `NOTED_WITHIN_S` is not waited for: Discord gives 3 s for the answer.
    """
    noting = asyncio.create_task(
        services.store.write(alone(acknowledgements.note(acknowledgement)), guild_id=None),
        name="note an acknowledgement",
    )
    await asyncio.wait({noting}, timeout=NOTED_WITHIN_S)
    return noting


def _drop_soon(services: Services, acknowledgement_id: str, noting: asyncio.Task[None]) -> None:
    dropping = asyncio.create_task(_drop(services, acknowledgement_id, noting), name="forget an acknowledgement")
    _dropping.add(dropping)
    dropping.add_done_callback(_dropping.discard)


async def _drop(services: Services, acknowledgement_id: str, noting: asyncio.Task[None]) -> None:
    """Forget the acknowledgement. If that fails, the next start finds that it shows nothing any more."""
    try:
        await noting
        await services.store.write(alone(acknowledgements.drop(acknowledgement_id)), guild_id=None)
    except StorageError:
        log.warning("an acknowledgement could not be stored or deleted", exc_info=True)
