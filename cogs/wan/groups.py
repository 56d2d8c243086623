"""The Wan families: one slash command group for each, with a command for each of its modes."""

from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands

from bot.catalogue.registry import FAMILIES, MODES
from cogs.wan.options import Handler, command_for


def family_groups(handler: Handler) -> list[app_commands.Group]:
    """Return `/wan27`, `/wan25`, `/wan22` and `/wan21`, for servers only; each command awaits `handler`."""
    groups = {family: _group(family, description) for family, description in FAMILIES.items()}
    for mode in MODES:
        family, _ = mode.command()
        groups[family].add_command(command_for(mode, handler))
    return list(groups.values())


def _group(family: str, description: str) -> app_commands.Group:
    return app_commands.Group(
        name=family,
        description=description,
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    )


def command_payload(
    commands: Iterable[app_commands.Group | app_commands.Command[Any, ..., Any] | app_commands.ContextMenu],
) -> list[dict[str, Any]]:
    """Return the JSON that syncing `commands` would send, without a connection."""
    client = discord.Client(intents=discord.Intents.none())
    tree = app_commands.CommandTree(client)
    return [command.to_dict(tree) for command in commands]
