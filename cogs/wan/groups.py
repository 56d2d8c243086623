"""One slash command group for each Wan family, with the commands of its modes."""

from discord import app_commands

from bot.catalogue.picker import Picker
from bot.catalogue.registry import FAMILIES
from cogs.base.command_group import top_group
from cogs.wan.options import Handler, command_for


def family_groups(picker: Picker, handler: Handler) -> list[app_commands.Group]:
    """Return `/wan27`, `/wan25`, `/wan22` and `/wan21`, for servers only; each command awaits `handler`.

    A mode without a price has no command, and a family without commands no group.
    """
    groups: dict[str, app_commands.Group] = {}
    for mode in picker.modes():
        family = mode.family()
        group = groups.setdefault(family, top_group(family, FAMILIES[family]))
        for command in mode.slash_commands():
            group.add_command(command_for(mode, command, picker, handler))
    return list(groups.values())
