"""`/jobs replay`: a recipe file and its files become a video, in any server where Wanda is."""

import logging
from collections.abc import Mapping

import discord

from bot.client import Interaction, Services, answer_privately
from bot.errors import OptionRefused, Refusal
from bot.jobs.recipe import RECIPE_BYTES_MAX, Recipe, read_recipe, replay
from bot.media.intake import Offered
from cogs.ordering.attachments import refuse_too_large, take_files
from cogs.ordering.card_place import public_card
from cogs.ordering.command import attached, order_on, withdrawing
from cogs.ordering.member import check_place, member_of
from cogs.ordering.quote import rule_query

log = logging.getLogger(__name__)


async def replay_video(
    interaction: Interaction, recipe: discord.Attachment, attachments: Mapping[str, discord.Attachment]
) -> None:
    """Make the recipe's video with these files by option, ask for confirmation first, or refuse privately."""
    services = interaction.client.services
    try:
        check_place(interaction)
        who = member_of(interaction)
        if recipe.size > RECIPE_BYTES_MAX:
            raise OptionRefused(
                f"This file is {recipe.size // 1024:,} KB, and a recipe has at most {RECIPE_BYTES_MAX // 1024}. "
                "Attach the JSON file that Wanda gave you; nothing was charged."
            )
    except Refusal as refusal:
        await answer_privately(interaction, str(refusal))
        return
    card = await public_card(interaction)
    async with withdrawing(interaction):
        request = replay(await _read(services, recipe), attached(attachments))
        refuse_too_large(services, request.mode, attachments)
        await order_on(
            card,
            interaction,
            who,
            rule_query(request.mode),
            lambda files: take_files(services, request, attachments, files),
        )


async def _read(services: Services, recipe: discord.Attachment) -> Recipe:
    """Return the recipe in the attachment.

    Raises:
        OptionRefused: it is none.
        MediaRefused: it could not be fetched from Discord.
    """
    offered = Offered(url=recipe.url, file_name=recipe.filename, size_bytes=recipe.size)
    scratch = services.settings.storage.data_dir / "scratch" / services.new_id()
    return read_recipe(await services.intake.small(offered, bytes_max=RECIPE_BYTES_MAX, scratch=scratch))
