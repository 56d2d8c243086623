"""Options of Wan commands that no mode has: how many variations, a loop, and a preset that fills in the others."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import discord

from bot.catalogue.fields import SEED_27_MAX
from bot.catalogue.mode import Mode
from bot.catalogue.price import PriceTable
from bot.client import Interaction
from bot.errors import OptionRefused
from bot.jobs.best_of import best_of, drafts_of
from bot.jobs.model import Request
from bot.jobs.presets import Preset, preset_named, with_preset
from bot.jobs.variations import as_variations
from bot.texts import presets as words
from bot.texts.form_fields import LOOP, PRESET, VARIATIONS
from cogs.ordering.checks import CHECK_WITHIN_S, interaction_member

EXTRAS = frozenset({VARIATIONS, PRESET, LOOP})


async def mode_options(interaction: Interaction, mode: type[Mode], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mode's own options of a typed command, those that were left out from its preset.

    Raises:
        OptionRefused: there is no such preset for this mode, or it could not be read in time.
        StorageError: the database did not answer.
    """
    own = {name: value for name, value in typed.items() if name not in EXTRAS}
    name = typed.get(PRESET)
    return own if name is None else with_preset(await _preset(interaction, str(name)), mode, own)


async def _preset(interaction: Interaction, name: str) -> Preset:
    who = interaction_member(interaction)
    try:
        async with asyncio.timeout(CHECK_WITHIN_S):
            found = await interaction.client.services.store.read(preset_named(who.guild_id, who.member_id, name))
    except TimeoutError:
        raise OptionRefused(words.NOT_READ) from None
    if found is None:
        raise OptionRefused(words.no_preset(name))
    return found


def with_loop(
    typed: Mapping[str, Any], attachments: Mapping[str, discord.Attachment]
) -> Mapping[str, discord.Attachment]:
    """Return the attachments, with the first picture as the last one too where the command asks for a loop."""
    if not typed.get(LOOP) or "image" not in attachments:
        return attachments
    return {**attachments, "end_image": attachments["image"]}


def with_variations(
    request: Request, typed: Mapping[str, Any], prices: PriceTable, *, is_resolution_chosen: bool
) -> Request:
    """Return the request for as many videos, or as many drafts to pick from, as a typed command asks for.

    Raises:
        OptionRefused: it asks for a number that there is not, or for drafts that save nothing.
        ModeOff: a price is not known.
    """
    chosen = int(typed.get(VARIATIONS) or 1)
    drafts = drafts_of(chosen)
    if drafts is None:
        return several(request, chosen)
    seed = secrets.randbelow(SEED_27_MAX + 1)
    return best_of(request, drafts, prices=prices, is_chosen=is_resolution_chosen, fresh_seed=seed)


def several(request: Request, videos: int) -> Request:
    """Return the request for this many variations, the first with a random seed unless it has one."""
    return as_variations(request, videos, fresh_seed=secrets.randbelow(SEED_27_MAX + 1))
