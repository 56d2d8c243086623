"""The bot of `test_foreign_clients`, written with hikari."""

import os

import hikari

bot = hikari.GatewayBot(
    os.environ["DISCORD_TOKEN"],
    rest_url=os.environ["DISCORD_API_URL"],
    intents=hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGE_REACTIONS,
    banner=None,
)


@bot.listen(hikari.StartedEvent)
async def started(_) -> None:
    """Register the command."""
    option = hikari.CommandOption(
        type=hikari.OptionType.ATTACHMENT, name="file", description="A file.", is_required=True
    )
    echo = bot.rest.slash_command_builder("echo", "Answers with a file.").add_option(option)
    application = await bot.rest.fetch_application()
    await bot.rest.set_application_commands(application, [echo])
    print("ready", flush=True)


@bot.listen(hikari.CommandInteractionCreateEvent)
async def echo(event) -> None:
    """Defer, then edit and attach."""
    interaction = event.interaction
    await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
    (file,) = interaction.resolved.attachments.values()
    row = bot.rest.build_message_action_row()
    row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "go", label="Go")
    made = hikari.Bytes(b"made", "made.txt")
    await interaction.edit_initial_response(f"Got {file.filename}", component=row, attachment=made)


@bot.listen(hikari.ComponentInteractionCreateEvent)
async def go(event) -> None:
    """Change the message."""
    await event.interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, "Pressed")


@bot.listen(hikari.GuildReactionAddEvent)
async def react(event) -> None:
    """React as well."""
    if event.user_id != bot.get_me().id:
        await bot.rest.add_reaction(event.channel_id, event.message_id, "👍")


@bot.listen(hikari.ShardResumedEvent)
async def resumed(_) -> None:
    """Say so."""
    print("resumed", flush=True)


@bot.listen(hikari.GuildJoinEvent)
async def joined(event) -> None:
    """Say so."""
    print("joined", event.guild.name, flush=True)


bot.run(check_for_updates=False)
