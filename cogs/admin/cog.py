"""`/wanda-admin`: everything a server's admins decide, in one top-level group, for those who manage the server."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Wanda
from cogs.admin import budget, channel, member, report, role, server
from cogs.admin.desk import AdminGroup, add_all


def offered() -> AdminGroup:
    """Return the whole group, made anew, as a sync would send it."""
    group = AdminGroup(
        name="wanda-admin",
        description="Decide who may spend how much on videos, and see what was spent.",
        default_permissions=discord.Permissions(manage_guild=True),
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    )
    for name, description, listed in (
        ("budget", "The server's pool, and each member's default allowance.", budget.COMMANDS),
        ("role", "What a role's members may spend and use.", role.COMMANDS),
        ("member", "One member's own allowance, grants, raises, resets and blocks.", member.COMMANDS),
        ("channel", "Where videos may be made, and for how much.", channel.COMMANDS),
    ):
        group.add_command(add_all(AdminGroup(name=name, description=description), listed))
    return add_all(group, (*server.COMMANDS, *report.COMMANDS))


class Admin(commands.Cog):
    """Owns `/wanda-admin` while it is loaded."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is in the tree before `cog_load`."""
        self.bot = bot
        self.group = offered()

    async def cog_load(self) -> None:
        """Begin to answer the commands."""
        self.bot.tree.add_command(self.group)

    async def cog_unload(self) -> None:
        """Answer them no more."""
        self.bot.tree.remove_command(self.group.name)


def admin(bot: Wanda) -> tuple[Admin]:
    """Make the cog."""
    return (Admin(bot),)
