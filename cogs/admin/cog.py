"""`/wanda-admin`: all commands for a server's admins, in one group."""

import discord

from cogs.admin import budget, channel, content, member, report, role, server, setup, waiting
from cogs.admin.permission import AdminGroup
from cogs.base.cog import FeatureCog
from cogs.base.command_group import BY_SERVER, SERVERS, add_all


def admin_group() -> AdminGroup:
    """Return a new `/wanda-admin`; by default Discord shows it to members with Manage Server only."""
    group = AdminGroup(
        name="wanda-admin",
        description="Decide who can spend how much on videos, and see what was spent.",
        default_permissions=discord.Permissions(manage_guild=True),
        allowed_contexts=SERVERS,
        allowed_installs=BY_SERVER,
    )
    for name, description, specs in (
        ("budget", "The server's pool, and each member's default allowance.", budget.COMMANDS),
        ("role", "What a role's members can spend and use.", role.COMMANDS),
        ("member", "One member's own allowance, grants, raises, resets and blocks.", member.COMMANDS),
        ("content", "What videos may show.", content.COMMANDS),
        ("channel", "Where videos can be made, and for how much.", channel.COMMANDS),
    ):
        group.add_command(add_all(AdminGroup(name=name, description=description), specs))
    return add_all(group, (*setup.COMMANDS, *server.COMMANDS, *waiting.COMMANDS, *report.COMMANDS))


class Admin(FeatureCog):
    """`/wanda-admin`, and the presses on its panels."""

    buttons = (waiting.WaitingButton, setup.SetupButton, setup.ProposalButton)
    selects = (setup.SetupList,)

    @staticmethod
    def make_commands() -> tuple[AdminGroup]:
        """Return `/wanda-admin`."""
        return (admin_group(),)
