"""`/wanda-admin budget …`: sets, clears and explains pools and allowances."""

import discord
from discord import app_commands

from bot.cards.embeds import to_embed
from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger import holds
from bot.ledger import rules as rulebook
from bot.ledger.model import WINDOW_KINDS, Who
from bot.ledger.typed_amount import typed_amount
from bot.texts.budget_cards import member_card, server_card
from cogs.admin.admin_command import AdminCommand, Change, ChannelOption, Reason
from cogs.base.command_group import CommandSpec
from cogs.ordering.checks import channel_id, role_ids

WHOSE = [
    app_commands.Choice(name="the server's pool", value="budget"),
    app_commands.Choice(name="each member's default allowance", value="allowance"),
]
WINDOWS = [
    app_commands.Choice(name="each day", value="day"),
    app_commands.Choice(name="each week", value="week"),
    app_commands.Choice(name="each month", value="month"),
    app_commands.Choice(name="for ever (never renews)", value="ever"),
]


@app_commands.describe(
    whose="The pool for everybody, or what each member can spend of it.",
    window="How often it renews, in the server's own time zone.",
    amount="In dollars: 50, $50 or 12.50; 0 stops it.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.choices(whose=WHOSE, window=WINDOWS)
async def budget_set(interaction: Interaction, whose: str, window: str, amount: str, reason: Reason = None) -> None:
    """Set one budget of the server."""
    command = await AdminCommand.open(interaction)
    await command.change(Change(subject="server", name=f"{whose}:{window}", value=typed_amount(amount)), reason=reason)


@app_commands.describe(
    whose="The server's pool, or the default allowance. Or choose a role, channel or member below.",
    role="Take back this role's pool and allowances.",
    channel="Take back this channel's budgets.",
    member="Take back this member's own allowances, so their roles and the default apply again.",
    window="Only this window; without it, all.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.choices(whose=WHOSE, window=WINDOWS)
async def budget_clear(  # noqa: PLR0917 - a slash command's options are parameters
    interaction: Interaction,
    whose: str | None = None,
    role: discord.Role | None = None,
    channel: app_commands.Transform[discord.Object, ChannelOption] | None = None,
    member: discord.Member | discord.User | None = None,
    window: str | None = None,
    reason: Reason = None,
) -> None:
    """Clear the budgets of one subject: the server, a role, a channel or a member."""
    command = await AdminCommand.open(interaction)
    if sum(given is not None for given in (whose, role, channel, member)) != 1:
        raise OptionRefused(
            "Choose whose budget to take back: just one of whose, role, channel and member. Nothing was changed."
        )
    kinds = ("budget", "allowance")
    subject = "server"
    if whose is not None:
        kinds = (whose,)
    elif role is not None:
        subject = command.subject(command.role(role))
    elif channel is not None:
        subject = f"channel:{command.channel(channel).id}"
    elif member is not None:
        subject = f"member:{command.member(member).id}"
    names = {f"{kind}:{one}" for kind in kinds for one in ((window,) if window else WINDOW_KINDS)}
    await command.clear(subject, names, reason=reason)


@app_commands.describe(member="Whose limits. Without a member, the server's own rules.")
async def budget_show(interaction: Interaction, member: discord.Member | discord.User | None = None) -> None:
    """Show the limits that apply, each with the rule that sets it."""
    command = await AdminCommand.open(interaction)
    rules = await command.read(rulebook.rules_of(command.guild.id, at=command.at))
    known = None if member is None else command.member(member)
    who = Who(
        guild_id=command.guild.id,
        channel_id=channel_id(interaction),
        member_id=0 if known is None else known.id,
        role_ids=() if known is None else role_ids(known),
    )
    view = await command.read(holds.standing(who, at=command.at, shipped=command.services.shipped))
    card = server_card(view, rules, name=command.guild.name) if known is None else member_card(view)
    await command.say(None, embeds=[to_embed(card)])


COMMANDS = (
    CommandSpec("set", "Set the server's pool, or what each member can spend by default.", budget_set),
    CommandSpec(
        "clear", "Take back budgets: the server's, the default, a role's, a channel's or a member's own.", budget_clear
    ),
    CommandSpec("show", "Show the server's rules, or a member's limits and where they come from.", budget_show),
)
