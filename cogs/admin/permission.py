"""Who may use `/wanda-admin`: members with Manage Server, whatever Discord's own settings offer to others."""

from discord import app_commands

from bot.answers import AnyInteraction

NOT_ADMIN = (
    "Only members who may manage this server can use /wanda-admin. Ask one of them to change a rule; "
    "`/quota show` tells what you have left."
)
NOT_A_SERVER = "Wanda's budgets belong to servers. Use this command in one."


class NotAdmin(app_commands.CheckFailure):
    """This member may not use the command, or not here; `str()` is the sentence."""


def check_admin(interaction: AnyInteraction) -> None:
    """Check that this member may administer Wanda here: the one place where that is decided.

    Raises:
        NotAdmin: they may not, or this is no server.
    """
    if interaction.guild_id is None or interaction.guild is None:
        raise NotAdmin(NOT_A_SERVER)
    if not interaction.permissions.manage_guild:
        raise NotAdmin(NOT_ADMIN)


class AdminGroup(app_commands.Group):
    """A group whose commands are for admins only."""

    async def interaction_check(self, interaction: AnyInteraction, /) -> bool:
        """Refuse everybody else."""
        check_admin(interaction)
        return True
