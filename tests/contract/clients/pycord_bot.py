"""The bot of `test_foreign_clients`, written with py-cord."""

import io
import os

import discord

discord.http.Route.API_BASE_URL = os.environ["DISCORD_API_URL"]
bot = discord.Bot(intents=discord.Intents(guilds=True, guild_reactions=True))


class Buttons(discord.ui.View):
    """One button."""

    @discord.ui.button(label="Go", custom_id="go")
    async def go(self, _, interaction):
        """Change the message."""
        await interaction.response.edit_message(content="Pressed")


@bot.slash_command(description="Answers with a file.")
async def echo(context, file: discord.Attachment):
    """Defer, then edit and attach."""
    await context.defer()
    made = discord.File(io.BytesIO(b"made"), "made.txt")
    await context.interaction.edit_original_response(content=f"Got {file.filename}", view=Buttons(), file=made)


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
