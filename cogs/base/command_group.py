"""Slash command groups from lists of commands, and the payload of a sync."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.client import Interaction
from cogs.base.cog import TreeCommand

SERVERS = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
SERVERS_AND_DMS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False)
BY_SERVER = app_commands.AppInstallationType(guild=True, user=False)
GroupT = TypeVar("GroupT", bound=app_commands.Group)


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command to add to a group; its options are the callback's parameters."""

    name: str
    description: str
    callback: Callable[..., Coroutine[Any, Any, None]]


def add_all(group: GroupT, specs: Iterable[CommandSpec]) -> GroupT:
    """Add a new command for each spec, and return the group. Command objects are never shared between two clients."""
    for spec in specs:
        command = app_commands.Command[Any, ..., Any](
            name=spec.name, description=spec.description, callback=spec.callback
        )
        command.add_check(check_choices)
        group.add_command(command)
    return group


class NotOffered(app_commands.CheckFailure):
    """An option has a value that is not among its choices; the text is for the member."""


async def check_choices(interaction: Interaction) -> bool:
    """Check that each option that offers choices has one of them: a modified client can send any value.

    Raises:
        NotOffered: one has another value.
    """
    command, given = interaction.command, vars(interaction.namespace)
    for option in command.parameters if isinstance(command, app_commands.Command) else ():
        value = given.get(option.display_name)
        if option.choices and value is not None and value not in [choice.value for choice in option.choices]:
            shown = discord.utils.escape_markdown(str(value))[:100]
            raise NotOffered(
                f"“{shown}” is none of the choices for {option.display_name}. Choose one that Discord offers; "
                "nothing was changed."
            )
    return True


def top_group(
    name: str,
    description: str,
    specs: Iterable[CommandSpec] = (),
    *,
    contexts: app_commands.AppCommandContext = SERVERS,
) -> app_commands.Group:
    """Return a new top-level group with these commands."""
    group = app_commands.Group(
        name=name, description=description, allowed_contexts=contexts, allowed_installs=BY_SERVER
    )
    return add_all(group, specs)


def command_payload(commands: Iterable[TreeCommand]) -> list[dict[str, Any]]:
    """Return the JSON that syncing these commands would send, without a connection."""
    tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
    return [command.to_dict(tree) for command in commands]
