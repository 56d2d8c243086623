"""The bot of `test_foreign_clients`, written with disnake."""

import io
import os

import disnake
from disnake.ext import commands

disnake.http.Route.BASE = os.environ["DISCORD_API_URL"]
bot = commands.InteractionBot(intents=disnake.Intents(guilds=True, guild_reactions=True))


class Buttons(disnake.ui.View):
    """One button."""

    @disnake.ui.button(label="Go", custom_id="go")
    async def go(self, _, interaction):
        """Change the message."""
        await interaction.response.edit_message(content="Pressed")


@bot.slash_command(description="Answers with a file.")
async def echo(interaction, file: disnake.Attachment):
    """Defer, then edit and attach."""
    await interaction.response.defer()
    made = disnake.File(io.BytesIO(b"made"), "made.txt")
    await interaction.edit_original_response(content=f"Got {file.filename}", view=Buttons(), file=made)


@bot.event
async def on_raw_reaction_add(event):
    """React as well."""
    if event.user_id != bot.user.id:
        await bot.get_channel(event.channel_id).get_partial_message(event.message_id).add_reaction("👍")


@bot.event
async def on_ready():
    """Say so."""
    print("ready", flush=True)


@bot.event
async def on_resumed():
    """Say so."""
    print("resumed", flush=True)


@bot.event
async def on_guild_join(guild):
    """Say so."""
    print("joined", guild.name, flush=True)


bot.run(os.environ["DISCORD_TOKEN"])
