"""All routes of the API. Fixed paths come before the patterns that would match them."""

from sandbox.discord.rest import channels, commands, guilds, interactions, login, messages, reactions, threads, webhooks

ROUTES = (
    *login.ROUTES,
    *commands.ROUTES,
    *interactions.ROUTES,
    *webhooks.ROUTES,
    *reactions.ROUTES,
    *threads.ROUTES,
    *messages.ROUTES,
    *channels.ROUTES,
    *guilds.ROUTES,
)
