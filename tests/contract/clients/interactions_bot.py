"""The bot of `test_foreign_clients`, written with interactions.py."""

import io
import os

import interactions
from interactions.api.events import GuildJoin, MessageReactionAdd, Ready, Resume
from interactions.api.http.route import Route

Route.BASE = os.environ["DISCORD_API_URL"]
wanted = interactions.Intents.GUILDS | interactions.Intents.GUILD_MESSAGE_REACTIONS
bot = interactions.Client(intents=wanted, sync_interactions=True)


@interactions.slash_command("echo", description="Answers with a file.")
@interactions.slash_option("file", "A file.", opt_type=interactions.OptionType.ATTACHMENT, required=True)
async def echo(context, file):
    """Defer, then edit and attach."""
    await context.defer()
    button = interactions.Button(style=interactions.ButtonStyle.PRIMARY, label="Go", custom_id="go")
    made = interactions.File(io.BytesIO(b"made"), file_name="made.txt")
    await context.edit(content=f"Got {file.filename}", components=button, file=made)


@interactions.component_callback("go")
async def go(context):
    """Change the message."""
    await context.edit_origin(content="Pressed")


@interactions.listen(MessageReactionAdd)
async def react(event):
    """React as well."""
    if event.author.id != bot.user.id:
        await event.message.add_reaction("👍")


@interactions.listen(Ready)
async def ready(_):
    """Say so."""
    print("ready", flush=True)


@interactions.listen(Resume)
async def resumed(_):
    """Say so."""
    print("resumed", flush=True)


@interactions.listen(GuildJoin)
async def joined(event):
    """Say so."""
    if bot.is_ready:
        print("joined", event.guild.name, flush=True)


bot.start(os.environ["DISCORD_TOKEN"])
