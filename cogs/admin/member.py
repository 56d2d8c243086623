"""`/wanda-admin member …`: overrides, grants, raises, resets and blocks."""

from collections.abc import Sequence

import discord
from discord import app_commands

from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ids import new_id
from bot.ledger import rules as rulebook
from bot.ledger.grants import add_grant
from bot.ledger.model import Grant, Rule
from bot.ledger.typed_amount import typed_amount
from bot.storage.transaction import Transaction
from bot.texts import rule_changes
from bot.texts.rule_changes import ChangeTexts
from cogs.admin import typed_input
from cogs.admin.admin_command import AdminCommand, Change, NeededReason, Reason
from cogs.admin.budget import WINDOWS
from cogs.base.command_group import CommandSpec

AnyUser = discord.Member | discord.User


async def offer_spans(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Complete a span of time."""
    del interaction
    return [app_commands.Choice(name=span, value=span) for span in typed_input.spans(current)]


@app_commands.describe(
    member="Whose allowance.",
    window="How often it renews, in the server's time zone.",
    amount="In dollars: 5, $5 or 5.50; 0 lets them spend nothing.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.choices(window=WINDOWS)
async def member_set(
    interaction: Interaction, member: AnyUser, window: str, amount: str, reason: Reason = None
) -> None:
    """Set a member's own allowance, which overrides their roles' and the default."""
    command = await AdminCommand.open(interaction)
    subject = f"member:{command.member(member).id}"
    await command.change(Change(subject=subject, name=f"allowance:{window}", value=typed_amount(amount)), reason=reason)


@app_commands.describe(
    member="Who gets it.",
    amount="In dollars, once: 5, $5 or 5.50.",
    reason="Why; the member sees it too.",
    expires_in="How long it can be used: 12h, 3d, 2w. Without it, it doesn't expire.",
)
@app_commands.autocomplete(expires_in=offer_spans)
async def member_grant(
    interaction: Interaction, member: AnyUser, amount: str, reason: NeededReason, expires_in: str | None = None
) -> None:
    """Grant a member money once, beside the allowance."""
    command = await AdminCommand.open(interaction)
    member_id = command.member(member).id
    await command.done(*(await grant(command, member_id, amount, expires_in, reason)))


async def grant(
    command: AdminCommand, member_id: int, amount: str, expires_in: str | None, reason: str
) -> tuple[ChangeTexts, Sequence[Rule]]:
    """Give the grant that these typed values mean; return what is said of it, and the server's rules.

    Raises:
        OptionRefused: the amount or the span cannot be read.
    """
    microusd = _above_zero(amount, "A grant")
    expires_at = None if expires_in is None else command.at + typed_input.seconds(expires_in)
    rules = await command.write(_granted(command, member_id, microusd, expires_at, reason))
    return rule_changes.grant_texts(command.actor_id, member_id, microusd, expires_at, reason), rules


@app_commands.describe(
    member="Whose allowances.",
    amount="In dollars, added to each of their allowances: 5, $5 or 5.50.",
    expires_in="For how long: 12h, 3d, 2w.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.autocomplete(expires_in=offer_spans)
async def member_raise(
    interaction: Interaction, member: AnyUser, amount: str, expires_in: str, reason: Reason = None
) -> None:
    """Raise all of a member's allowances until the given time has passed."""
    command = await AdminCommand.open(interaction)
    await command.change(raise_rule(command, command.member(member).id, amount, expires_in), reason=reason)


def raise_rule(command: AdminCommand, member_id: int, amount: str, expires_in: str) -> Change:
    """Return the raise that these typed values mean.

    Raises:
        OptionRefused: the amount or the span cannot be read.
    """
    value = {"microusd": _above_zero(amount, "A raise")}
    expires_at = command.at + typed_input.seconds(expires_in)
    return Change(subject=f"member:{member_id}", name="raise", value=value, expires_at=expires_at)


@app_commands.describe(member="Whose allowances start fresh now.", reason="Why. It's shown in the audit and the log.")
async def member_reset(interaction: Interaction, member: AnyUser, reason: Reason = None) -> None:
    """Restart a member's current windows with nothing spent."""
    command = await AdminCommand.open(interaction)
    subject = f"member:{command.member(member).id}"
    await command.change(Change(subject=subject, name="reset", value=int(command.at)), reason=reason)


@app_commands.describe(member="Who can't start videos any more.", reason="Why; the member is told it.")
async def member_block(interaction: Interaction, member: AnyUser, reason: NeededReason) -> None:
    """Block a member from making videos until an admin unblocks them."""
    command = await AdminCommand.open(interaction)
    subject = f"member:{command.member(member).id}"
    await command.change(Change(subject=subject, name="blocked", value=reason), reason=reason)


@app_commands.describe(member="Who can make videos again.", reason="Why. It's shown in the audit and the log.")
async def member_unblock(interaction: Interaction, member: AnyUser, reason: Reason = None) -> None:
    """Let a blocked member make videos again."""
    command = await AdminCommand.open(interaction)
    await command.clear(f"member:{command.member(member).id}", {"blocked"}, reason=reason)


def _above_zero(amount: str, what: str) -> int:
    microusd = typed_amount(amount)
    if microusd == 0:
        raise OptionRefused(f"{what} of nothing changes nothing. Type an amount above $0.")
    return microusd


def _granted(
    command: AdminCommand, member_id: int, microusd: int, expires_at: float | None, reason: str
) -> Transaction[tuple[Rule, ...]]:
    """Add the grant with its act, and return the server's rules."""
    grant = Grant(
        id=new_id(at=command.at),
        guild_id=command.guild.id,
        member_id=member_id,
        amount_microusd=microusd,
        expires_at=expires_at,
        reason=reason,
        actor_id=command.actor_id,
        at=command.at,
    )
    yield from add_grant(grant)
    return (yield from rulebook.rules_of(command.guild.id, at=command.at))


COMMANDS = (
    CommandSpec("set", "Set a member's own allowance, which beats their roles' and the default.", member_set),
    CommandSpec("grant", "Give a member extra money, once.", member_grant),
    CommandSpec("raise", "Raise all of a member's allowances for a while.", member_raise),
    CommandSpec("reset", "Start a member's allowances fresh, as if nothing was spent.", member_reset),
    CommandSpec("block", "Block a member from making videos until somebody unblocks them.", member_block),
    CommandSpec("unblock", "Let a blocked member make videos again.", member_unblock),
)
