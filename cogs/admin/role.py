"""`/wanda-admin role …`: a role's pool, allowance and other limits; @everyone means the server's default."""

from typing import Literal

import discord
from discord import app_commands

from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger.model import WINDOW_KINDS
from bot.ledger.typed_amount import typed_amount
from cogs.admin.admin_command import AdminCommand, Change, Reason
from cogs.admin.budget import WINDOWS
from cogs.admin.server import lists, offer_modes, offer_resolutions
from cogs.base.command_group import CommandSpec

Clearable = Literal["pool", "allowance", "ceiling", "modes", "resolutions", "at_once", "everything"]


@app_commands.describe(
    role="Who it's for. @everyone is every member's default.",
    allowance="What each member with the role can spend in the window: 5, $5 or 5.50.",
    pool="What all members with the role together can spend in the window.",
    window="The window of the allowance and the pool. A month when not chosen.",
    ceiling="The most one video can cost.",
    at_once="How many videos each can have going.",
    modes="The modes they can use, such as “wan27-image, wan21-image”, or “all”.",
    resolutions="The resolutions they can use, such as “480p, 720p”, or “all”.",
    clear="Take one of these back.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.choices(window=WINDOWS)
@app_commands.autocomplete(modes=offer_modes, resolutions=offer_resolutions)
async def role_set(  # noqa: PLR0917 - a slash command's options are parameters
    interaction: Interaction,
    role: discord.Role,
    allowance: str | None = None,
    pool: str | None = None,
    window: str = "month",
    ceiling: str | None = None,
    at_once: app_commands.Range[int, 1, 100] | None = None,
    modes: str | None = None,
    resolutions: str | None = None,
    clear: Clearable | None = None,
    reason: Reason = None,
) -> None:
    """Set or clear a role's rules, several at once if several are given."""
    command = await AdminCommand.open(interaction)
    subject = command.subject(command.role(role))
    given = (
        (f"allowance:{window}", None if allowance is None else typed_amount(allowance)),
        (f"budget:{window}", None if pool is None else typed_amount(pool)),
        ("ceiling", None if ceiling is None else typed_amount(ceiling)),
        ("at_once", at_once),
    )
    changes = [Change(subject=subject, name=name, value=value) for name, value in given if value is not None]
    changes += lists(subject, modes, resolutions)
    if (clear is None) == (not changes):
        raise OptionRefused(
            "Choose what to set (allowance, pool, ceiling, at_once, modes, resolutions), or only what to clear. "
            "Nothing was changed."
        )
    if clear is not None:
        await command.clear(subject, cleared_names(clear), reason=reason)
    else:
        await command.change(*changes, reason=reason)


def cleared_names(what: str) -> set[str]:
    """Return the names of the rules that a choice of the `clear` option stands for."""
    budgets = {"pool": "budget", "allowance": "allowance"}
    if what in budgets:
        return {f"{budgets[what]}:{kind}" for kind in WINDOW_KINDS}
    alone = {"ceiling", "modes", "resolutions", "at_once"}
    return {what} if what in alone else alone | cleared_names("pool") | cleared_names("allowance")


COMMANDS = (
    CommandSpec("set", "Set what a role's members can spend and use. @everyone is the default for all.", role_set),
)
