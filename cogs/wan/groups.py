"""One slash command group for each Wan family, with a command for each of its modes."""

from discord import app_commands

from bot.catalogue.registry import FAMILIES, MODES
from cogs.base.command_group import top_group
from cogs.wan.options import Handler, command_for


def family_groups(handler: Handler) -> list[app_commands.Group]:
    """Return `/wan27`, `/wan25`, `/wan22` and `/wan21`, for servers only; each command awaits `handler`."""
    groups = {family: top_group(family, description) for family, description in FAMILIES.items()}
    for mode in MODES:
        family, _ = mode.command()
        groups[family].add_command(command_for(mode, handler))
    return list(groups.values())
