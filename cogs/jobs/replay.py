"""`/jobs replay`: a recipe file and its files become a video, in any server where Wanda is."""

import logging
from collections.abc import Mapping

import discord

from bot.catalogue.fields import Attached
from bot.client import Interaction, Services, answer_privately
from bot.errors import OptionRefused, Refusal
from bot.jobs.recipe import RECIPE_BYTES_MAX, Recipe, read_recipe, replay
from bot.media.intake import Offered
from bot.runner.drafts import Draft
from cogs.ordering.attachments import refuse_too_large
from cogs.ordering.command import begin, check_place, public_card, taking_back
from cogs.ordering.who import asker

log = logging.getLogger(__name__)


async def replay_video(
    interaction: Interaction, recipe: discord.Attachment, attachments: Mapping[str, discord.Attachment]
) -> None:
    """Make the video of the recipe with these files, by option; asks first if it is costly, refuses privately."""
    services = interaction.client.services
    try:
        check_place(interaction)
        who = asker(interaction)
        if recipe.size > RECIPE_BYTES_MAX:
            raise OptionRefused(
                f"This file is {recipe.size // 1024:,} KB, and a recipe has at most {RECIPE_BYTES_MAX // 1024}. "
                "Attach the JSON file that Wanda gave you; nothing was charged."
            )
    except Refusal as refusal:
        await answer_privately(interaction, str(refusal))
        return
    card = await public_card(interaction)
    async with taking_back(interaction):
        attached = {option: Attached(item.filename, item.size) for option, item in attachments.items()}
        mode, notes = replay(await _read(services, recipe), attached)
        refuse_too_large(services, mode, attachments)
        draft = Draft(
            id=services.new_id(),
            who=who,
            mode=mode,
            inputs=(),
            expires_at=services.clock() + services.settings.draft_life_s,
            notes=notes,
        )
        await begin(interaction, draft, attachments, card, weigh_it=True)


async def _read(services: Services, recipe: discord.Attachment) -> Recipe:
    """Return the recipe in the attachment.

    Raises:
        OptionRefused: it is none.
        MediaRefused: it could not be fetched from Discord.
    """
    offered = Offered(url=recipe.url, file_name=recipe.filename, size_bytes=recipe.size)
    scratch = services.settings.data_dir / "scratch" / services.new_id()
    return read_recipe(await services.intake.small(offered, bytes_max=RECIPE_BYTES_MAX, scratch=scratch))
