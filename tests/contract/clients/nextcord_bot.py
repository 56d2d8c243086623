"""The bot of `test_foreign_clients`, written with nextcord."""

import io
import os

import nextcord
from nextcord.ext import commands

nextcord.http.Route.BASE = os.environ["DISCORD_API_URL"]
bot = commands.Bot(intents=nextcord.Intents(guilds=True, guild_reactions=True))


class Buttons(nextcord.ui.View):
    """One button."""

    @nextcord.ui.button(label="Go", custom_id="go")
    async def go(self, _, interaction):
        """Change the message."""
        await interaction.response.edit_message(content="Pressed")


@bot.slash_command(description="Answers with a file.")
async def echo(interaction: nextcord.Interaction, file: nextcord.Attachment):
    """Defer, then edit and attach."""
    await interaction.response.defer()
    made = nextcord.File(io.BytesIO(b"made"), "made.txt")
    await interaction.edit_original_message(content=f"Got {file.filename}", view=Buttons(), file=made)


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
