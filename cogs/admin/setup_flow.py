"""What a press on the setup panel comes to: a page as the rules are now, or changes as the subcommands make them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import discord

from bot.errors import OptionRefused
from bot.ledger import holds
from bot.ledger import rules as rulebook
from bot.ledger.model import Rule, View, Who
from bot.ledger.rehearsal import Change
from bot.ledger.rule_values import checked
from bot.texts.can_do import examples
from bot.texts.panel import Panel
from bot.texts.setup_pages import STALE, UNCHANGED, Setup, question_panel, seen, setup_panel, subject_of
from bot.texts.setup_rules import PAGE_TITLES, Page
from cogs.admin.admin_command import AdminCommand, Meanwhile
from cogs.admin.panel_message import show_panel
from cogs.admin.proposals import rehearse
from cogs.base.page import STALE as GONE_PAGE
from cogs.ordering.checks import channel_id, role_ids

PRICED = frozenset({"member", "template"})
OF_ONE = frozenset({"role", "member", "channel"})


class Shown(NamedTuple):
    """A page of the panel, and the role, member or channel that it is about; 0 for none."""

    page: Page
    target: int = 0

    @classmethod
    def read(cls, text: str) -> "Shown":
        """Return the page in a custom id.

        Raises:
            OptionRefused: there is no such page.
        """
        name, _, target = text.partition(".")
        if (name in OF_ONE) != bool(target) or (name not in OF_ONE and name not in PAGE_TITLES):
            raise OptionRefused(GONE_PAGE)
        return cls(cast("Page", name), int(target or 0))

    @property
    def text(self) -> str:
        """The page as a custom id has it."""
        return f"{self.page}.{self.target}" if self.target else self.page

    @property
    def subject(self) -> str:
        """Whose rules the page changes."""
        return subject_of(self.page, self.target)


async def panel_of(command: AdminCommand, shown: Shown, notice: str = "") -> Panel:
    """Return a page as the rules are now.

    Raises:
        OptionRefused: its role, member or channel is gone.
        StorageError: the database did not answer.
    """
    who = await _who(command, shown)
    rules = await command.read(rulebook.rules_of(command.guild.id, at=command.at))
    view: View = await command.read(holds.standing(who, at=command.at, shipped=command.services.shipped))
    setup = Setup(
        name=command.guild.name,
        rules=rules,
        view=view,
        target=shown.target,
        notice=notice,
        examples=examples(command.services.picker) if shown.page in PRICED else (),
    )
    return setup_panel(setup, shown.page)


async def _who(command: AdminCommand, shown: Shown) -> Who:
    member: discord.Member | None = None
    match shown.page:
        case "member":
            member = await fetched(command, shown.target)
        case "role":
            command.role(discord.Object(shown.target))
        case "channel":
            command.channel(discord.Object(shown.target))
        case _:
            pass
    return Who(
        guild_id=command.guild.id,
        channel_id=channel_id(command.interaction),
        member_id=0 if member is None else member.id,
        role_ids=() if member is None else role_ids(member),
    )


async def fetched(command: AdminCommand, member_id: int) -> discord.Member:
    """Return the member as Discord has them now.

    Raises:
        OptionRefused: they left the server, or are a bot.
    """
    try:
        member = await command.guild.fetch_member(member_id)
    except discord.NotFound:
        return command.member(discord.Object(member_id))  # which refuses them
    return command.member(member)


async def show(command: AdminCommand, shown: Shown, notice: str = "") -> None:
    """Show a page in place of the one that was pressed on."""
    await show_panel(command.interaction, await panel_of(command, shown, notice))


async def submit(
    command: AdminCommand, shown: Shown, changes: Sequence[Change], before: Sequence[Any], reason: str | None
) -> None:
    """Make the changes, or ask first if they would have refused past videos; then show the page as it is now.

    `before` are the values that the admin saw: if another admin changed one of them since, nothing is changed.

    Raises:
        OptionRefused: a rule cannot have such a value; nothing was changed.
        StorageError: the database did not answer.
    """
    if not changes:
        await show(command, shown, UNCHANGED)
        return
    for one in changes:
        if one.value is not None:
            checked(one.subject, one.name, one.value)
    rehearsal = await rehearse(command.services, command.guild.id, changes)
    if rehearsal is not None and not rehearsal.is_harmless:
        proposal = command.propose(changes, before, reason, page=shown.text)
        await show_panel(command.interaction, question_panel(command.question(rehearsal, proposal), proposal.id))
        return
    await carry_out(command, shown, changes, before, reason)


async def carry_out(
    command: AdminCommand, shown: Shown, changes: Sequence[Change], before: Sequence[Any], reason: str | None
) -> None:
    """Make the changes unless one of the rules is not as `before` any more; show the page as it is then."""
    try:
        said, rules = await command.carry_out(changes, reason, before=before)
    except Meanwhile:
        await show(command, shown, STALE)
        return
    await show(command, shown, said.private)
    trouble = await command.log(said, rules)
    if trouble:
        await show(command, shown, f"{said.private}\n{trouble}")


async def rules_as_seen(command: AdminCommand, shown: Shown, digest: str) -> Sequence[Rule] | None:
    """Return the server's rules; None if those that the page showed have changed since."""
    rules = await command.read(rulebook.rules_of(command.guild.id, at=command.at))
    return rules if seen(rules, shown.page, shown.target) == digest else None
