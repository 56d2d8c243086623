"""What a member's own settings put where they left an option out, before anything is priced."""

import asyncio
import logging
from collections.abc import Mapping

from bot.catalogue.mode import Mode
from bot.client import Interaction
from bot.jobs.preferences import Preferences, own_defaults, preferences_of

log = logging.getLogger(__name__)
READ_WITHIN_S = 0.8  # of the 3 s that Discord waits for the first answer
_abandoned: set[asyncio.Task[Preferences]] = set()  # a strong reference: the loop keeps only weak ones


async def own_preferences(interaction: Interaction) -> Preferences:
    """Return what the member chose here; nothing, if the database takes longer than Discord would wait.

    Raises:
        StorageError: the database did not answer.
    """
    reading = asyncio.create_task(_read(interaction), name="read preferences")
    done, _ = await asyncio.wait({reading}, timeout=READ_WITHIN_S)
    if done:
        return reading.result()
    # The cancelled task is not awaited: while the database is silent, cancelling is slow too.
    log.warning("a member's settings were not read within %.1f s; the mode's own defaults hold", READ_WITHIN_S)
    _abandoned.add(reading)
    reading.add_done_callback(_drop_abandoned)
    reading.cancel()
    return Preferences()


async def _read(interaction: Interaction) -> Preferences:
    return await interaction.client.services.store.read(preferences_of(interaction.guild_id or 0, interaction.user.id))


def _drop_abandoned(reading: asyncio.Task[Preferences]) -> None:
    _abandoned.discard(reading)
    if not reading.cancelled():
        reading.exception()  # mark it as retrieved


async def own_defaults_of(interaction: Interaction, given: Mode) -> Mapping[str, str]:
    """Return what the member's own settings put where this request left an option out.

    Raises:
        StorageError: the database did not answer.
    """
    if "resolution" in given.model_fields_set:
        return {}
    rates = interaction.client.services.picker.rates(type(given))
    return own_defaults(await own_preferences(interaction), rates)
