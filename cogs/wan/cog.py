"""One cog for each Wan family; each owns its slash command group while it is loaded."""

from collections.abc import Iterator

from discord import app_commands
from discord.ext import commands

from bot.client import Wanda
from cogs.ordering.command import make_video
from cogs.wan.groups import family_groups


class WanFamily(commands.Cog):
    """`/wan27`, for example, with a command for each of its modes."""

    def __init__(self, bot: Wanda, group: app_commands.Group) -> None:
        """Nothing is in the tree before `cog_load`."""
        self.__cog_name__ = group.name
        self.bot = bot
        self.group = group

    async def cog_load(self) -> None:
        """Begin to answer the family's commands."""
        self.bot.tree.add_command(self.group)

    async def cog_unload(self) -> None:
        """Answer them no more."""
        self.bot.tree.remove_command(self.group.name)


def offered() -> list[app_commands.Group]:
    """Return every family's group, as a sync would send it."""
    return family_groups(make_video)


def families(bot: Wanda) -> Iterator[WanFamily]:
    """Make every family's cog."""
    for group in offered():
        yield WanFamily(bot, group)
