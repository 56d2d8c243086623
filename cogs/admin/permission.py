"""Who may use `/wanda-admin`: members with Manage Server, even if Discord's settings offer it to others."""

from discord import app_commands

from bot.answers import AnyInteraction
from cogs.ordering.checks import NOT_A_SERVER

NOT_ADMIN = "Only people who manage this server can use `/wanda-admin`. `/quota show` tells you what you have left."


class NotAdmin(app_commands.CheckFailure):
    """This member may not use the command, or not here; `str()` is the sentence."""


def check_admin(interaction: AnyInteraction) -> None:
    """Check that this member may administer Wanda in this server. Nothing else decides that.

    Raises:
        NotAdmin: they may not, or the interaction is in a direct message.
    """
    if interaction.guild_id is None or interaction.guild is None:
        raise NotAdmin(NOT_A_SERVER)
    if not interaction.permissions.manage_guild:
        raise NotAdmin(NOT_ADMIN)


class AdminGroup(app_commands.Group):
    """A command group for admins only."""

    async def interaction_check(self, interaction: AnyInteraction, /) -> bool:
        """Check the permission.

        Raises:
            NotAdmin: this member is no admin.
        """
        check_admin(interaction)
        return True
