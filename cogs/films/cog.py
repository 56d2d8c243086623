"""`/film`: opens the panel of the member's film, or begins one from a recipe."""

import secrets
from typing import Any

import discord
from discord import app_commands

from bot.client import Interaction, requester_of
from bot.films import drafts
from bot.films.recipe import draft_from, read_film_recipe
from bot.ids import new_id
from bot.jobs.recipe import RECIPE_BYTES_MAX, check_recipe_size
from bot.media.intake import Offered
from cogs.base.acknowledgement import think
from cogs.base.cog import FeatureCog
from cogs.base.command_group import BY_SERVER, SERVERS
from cogs.films.drafts import keep_draft, show_draft
from cogs.films.film_buttons import FilmButton, FilmSelect, RedoButton
from cogs.films.panel import DraftButton, DraftSelect, new_draft
from cogs.ordering.checks import interaction_member


@app_commands.describe(recipe="A film's recipe (JSON), to begin a new film like it.")
async def open_film(interaction: Interaction, recipe: discord.Attachment | None = None) -> None:
    """Open the film that the member wrote last, else a new one; or a new one from a recipe."""
    who = interaction_member(interaction)
    await think(interaction)
    services = interaction.client.services
    if recipe is not None:
        await _open_recipe(interaction, recipe)
        return
    there = await services.store.read(drafts.drafts_of(who.guild_id, who.member_id))
    await show_draft(interaction, there[0] if there else await new_draft(interaction))


async def _open_recipe(interaction: Interaction, recipe: discord.Attachment) -> None:
    """Show a new draft that is filled in with a recipe; raises Refusal for a file that is none."""
    services, who = interaction.client.services, interaction_member(interaction)
    check_recipe_size(recipe.size)
    offered = Offered(url=recipe.url, file_name=recipe.filename, size_bytes=recipe.size)
    scratch = services.settings.storage.data_dir / "scratch" / new_id(at=services.clock())
    content = await services.intake.small(
        offered, bytes_max=RECIPE_BYTES_MAX, scratch=scratch, requester=requester_of(interaction)
    )
    empty = services.films.new_draft(who, interaction.channel_id or 0)
    filled, missing = draft_from(read_film_recipe(content), empty, random_hex=secrets.token_hex)
    await show_draft(interaction, await keep_draft(services, filled), missing)


class FilmCog(FeatureCog):
    """`/film`, its panel, and the buttons of films."""

    buttons = (DraftButton, FilmButton, RedoButton)
    selects = (DraftSelect, FilmSelect)

    @staticmethod
    def make_commands() -> tuple[app_commands.Command[Any, ..., Any]]:
        """Return `/film`."""
        return (
            app_commands.Command(
                name="film",
                description="Write a film of two to eight shots, see its price, and have them joined into one video.",
                callback=open_film,
                allowed_contexts=SERVERS,
                allowed_installs=BY_SERVER,
            ),
        )
