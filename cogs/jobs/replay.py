"""`/jobs replay`: makes a video from a recipe file and its inputs, in any server with Wanda."""

from collections.abc import Mapping
from dataclasses import replace

import discord

from bot.answers import error_boundary, withdraw
from bot.client import Interaction, requester_of
from bot.errors import OptionRefused
from bot.films.recipe import is_film_recipe
from bot.ids import new_id
from bot.jobs.model import Address
from bot.jobs.recipe import RECIPE_BYTES_MAX, Recipe, check_recipe_size, read_recipe, replay
from bot.jobs.rule_query import rule_query
from bot.media.intake import Offered
from cogs.base.acknowledgement import acknowledgement_of, under_way
from cogs.ordering.attachments import refuse_too_large, take_files
from cogs.ordering.card_place import public_card
from cogs.ordering.checks import interaction_member
from cogs.ordering.command import attached, order_on
from cogs.ordering.posting_rights import Place, check_member_may_order, check_order, check_posting


async def replay_video(
    interaction: Interaction, recipe: discord.Attachment, attachments: Mapping[str, discord.Attachment]
) -> None:
    """Make the recipe's video with these attachments (by option), or ask for confirmation first.

    Raises:
        OptionRefused: the interaction was not answered; refusals after the first answer are said here.
    """
    services = interaction.client.services
    place = Place.of(interaction)
    check_posting(place)
    check_member_may_order(place)
    check_recipe_size(recipe.size)
    async with under_way(services, acknowledgement_of(interaction, "thinking")):
        card = await public_card(interaction)
        await _order_on(card, interaction, place, recipe, attachments)


async def _order_on(
    card: Address,
    interaction: Interaction,
    place: Place,
    recipe: discord.Attachment,
    attachments: Mapping[str, discord.Attachment],
) -> None:
    """Place the recipe's order on its card; a refusal is said privately."""
    services, who = interaction.client.services, interaction_member(interaction)
    async with error_boundary(interaction, say=withdraw):
        request = replay(await _read(interaction, recipe), attached(attachments))
        request = replace(request, mode=services.picker.completed(request.mode))
        await check_order(place, interaction.client, request.mode.id)
        refuse_too_large(services, request.mode, attachments)
        await order_on(
            card,
            interaction,
            who,
            rule_query(request.mode),
            lambda files: take_files(interaction, request, attachments, files),
        )


async def _read(interaction: Interaction, recipe: discord.Attachment) -> Recipe:
    """Return the recipe in the attachment.

    Raises:
        OptionRefused: the file is no recipe, or that of a film.
        MediaRefused: the file could not be downloaded from Discord.
    """
    services = interaction.client.services
    offered = Offered(url=recipe.url, file_name=recipe.filename, size_bytes=recipe.size)
    scratch = services.settings.storage.data_dir / "scratch" / new_id(at=services.clock())
    content = await services.intake.small(
        offered, bytes_max=RECIPE_BYTES_MAX, scratch=scratch, requester=requester_of(interaction)
    )
    if is_film_recipe(content):
        raise OptionRefused("This is the recipe of a film. Attach it to `/film`, and add its pictures there.")
    return read_recipe(content)
