"""The bot of `test_foreign_clients`, written with a library that began as discord.py; its module is the argument."""

import importlib
import io
import os
import sys

lib = importlib.import_module({"pycord": "discord"}.get(sys.argv[1], sys.argv[1]))
commands = importlib.import_module(f"{lib.__name__}.ext.commands")
base_url, make_bot, edit = {
    "disnake": ("BASE", commands.__dict__.get("InteractionBot"), "edit_original_response"),
    "nextcord": ("BASE", commands.Bot, "edit_original_message"),
    "pycord": ("API_BASE_URL", lib.__dict__.get("Bot"), "edit_original_response"),
}[sys.argv[1]]
setattr(lib.http.Route, base_url, os.environ["DISCORD_API_URL"])
bot = make_bot(intents=lib.Intents(guilds=True, guild_reactions=True))


class Buttons(lib.ui.View):
    """One button."""

    @lib.ui.button(label="Go", custom_id="go")
    async def go(self, *arguments):
        """Change the message; the libraries pass the interaction before or after the button."""
        interaction = next(one for one in arguments if isinstance(one, lib.Interaction))
        await interaction.response.edit_message(content="Pressed")


@bot.slash_command(description="Answers with a file.")
async def echo(context, file: lib.Attachment):
    """Defer, then edit and attach."""
    interaction = context.interaction if sys.argv[1] == "pycord" else context
    await interaction.response.defer()
    made = lib.File(io.BytesIO(b"made"), "made.txt")
    await getattr(interaction, edit)(content=f"Got {file.filename}", view=Buttons(), file=made)


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
