"""`/wan27`, `/wan25`, `/wan22` and `/wan21`."""

from discord import app_commands

from cogs.base.cog import FeatureCog
from cogs.ordering.command import make_video
from cogs.wan.groups import family_groups


class WanCommands(FeatureCog):
    """A group for each Wan family, with a command for each of its modes."""

    @staticmethod
    def make_commands() -> list[app_commands.Group]:
        """Return a group for each family."""
        return family_groups(make_video)
