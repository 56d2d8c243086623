"""`/wan27`, `/wan25`, `/wan22` and `/wan21`."""

from discord import app_commands

from bot.catalogue.picker import Picker
from cogs.base.cog import FeatureCog
from cogs.ordering.typed_command import make_video
from cogs.wan.groups import family_groups


class WanCommands(FeatureCog):
    """A group for each Wan family, with a command for each of its modes."""

    @classmethod
    def commands_with(cls, picker: Picker) -> list[app_commands.Group]:
        """Return a group for each family that has a price."""
        return family_groups(picker, make_video)
