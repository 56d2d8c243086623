"""`/wanda-admin setup`: one private panel with every rule. It changes them by the functions of the subcommands."""

import asyncio
from collections.abc import Sequence

import discord

from bot.client import Interaction, requester_of
from bot.errors import OptionRefused, StorageError
from bot.ledger.model import Rule
from bot.ledger.rehearsal import Change
from bot.texts import rehearsal as words
from bot.texts.button_ids import PROPOSAL_TEMPLATE, SETUP_LIST_TEMPLATE, SETUP_TEMPLATE
from bot.texts.setup_pages import STALE, new_of_template
from bot.texts.setup_rules import BY_KEY
from cogs.admin import server, typed_input
from cogs.admin.admin_command import AdminCommand, Meanwhile, clearing
from cogs.admin.panel_message import PanelButton, PanelList, show_panel
from cogs.admin.proposals import take, values_of
from cogs.admin.role import cleared_names
from cogs.admin.setup_flow import Shown, carry_out, panel_of, rules_as_seen, show, submit
from cogs.admin.setup_forms import form_of
from cogs.base.command_group import CommandSpec
from cogs.base.page import STALE as GONE_PAGE
from cogs.ordering.checks import CHECK_WITHIN_S


async def open_setup(interaction: Interaction) -> None:
    """Show the panel."""
    command = await AdminCommand.open(interaction)
    await show_panel(interaction, await panel_of(command, Shown("home")))


class ProposalButton(PanelButton, template=PROPOSAL_TEMPLATE):
    """Set it or Cancel, below a change that would have refused past videos."""

    async def act(self, interaction: Interaction) -> None:
        """Make the change of the admin who was asked, or forget it."""
        await interaction.response.defer()
        command = AdminCommand.press(interaction)
        is_panel = bool(interaction.message and interaction.message.flags.components_v2)
        proposal = take(command.services, self.parts["proposal_id"], requester_of(interaction))
        if proposal is None or self.parts["answer"] == "no":
            said = words.GONE if proposal is None else words.NOT_SET
            if is_panel:
                await show(command, Shown.read(proposal.page if proposal else "home"), said)
            else:
                await interaction.edit_original_response(content=said, embed=None, view=None)
        elif is_panel:
            shown = Shown.read(proposal.page)
            await carry_out(command, shown, proposal.changes, proposal.before, proposal.reason)
        else:
            await interaction.edit_original_response(view=None)
            try:
                told = await command.carry_out(proposal.changes, proposal.reason, before=proposal.before)
            except Meanwhile as error:
                await command.say(str(error))
                return
            await command.done(*told)


class SetupButton(PanelButton, template=SETUP_TEMPLATE):
    """A button of the panel: it opens a page or a form, or changes a rule by itself."""

    async def act(self, interaction: Interaction) -> None:
        """Do what the button says, unless the page is out of date: then show it anew."""
        command, shown = AdminCommand.press(interaction), Shown.read(self.parts["page"])
        action, arg = self.parts["action"], self.parts["arg"]
        if action == "form":
            await self._open_form(command, shown, arg)
            return
        await interaction.response.defer()
        if action == "go":
            await show(command, Shown.read(arg))
            return
        rules = await rules_as_seen(command, shown, self.parts["seen"])
        if rules is None:
            await show(command, shown, STALE)
            return
        changes = pressed_changes(command, shown, action, arg, rules)
        landing = Shown("home") if action == "apply" else shown
        await submit(command, landing, changes, values_of(rules, changes), None)

    async def _open_form(self, command: AdminCommand, shown: Shown, arg: str) -> None:
        """Open a form with the rules as they are now; Discord waits 3 s for it."""
        interaction = command.interaction
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                rules = await rules_as_seen(command, shown, self.parts["seen"])
        except TimeoutError:
            raise StorageError("the rules were not read in time") from None
        if rules is None:
            await interaction.response.defer()
            await show(command, shown, STALE)
            return
        own = {rule.name: rule.value for rule in rules if rule.subject == shown.subject}
        await form_of(command, shown, arg, own).open(interaction)


def pressed_changes(
    command: AdminCommand, shown: Shown, action: str, arg: str, rules: Sequence[Rule]
) -> Sequence[Change]:
    """Return the changes that a button without a form makes.

    Raises:
        OptionRefused: the button is none of this page.
    """
    subject = shown.subject
    match action:
        case "clear":
            names = cleared_names("everything") if arg == "everything" else {arg}
            return clearing(rules, subject, names)
        case "access" if shown.page == "channel":
            return [Change(subject=subject, name="access", value=None if arg == "none" else arg)]
        case "reset" if shown.page == "member":
            return [Change(subject=subject, name="reset", value=int(command.at))]
        case "apply":
            return new_of_template({rule.name: rule.value for rule in rules if rule.subject == "server"})
        case "switch" if is_switch_of(arg, subject):
            item, values = BY_KEY[arg], {rule.name: rule.value for rule in rules if rule.subject == subject}
            return [Change(subject=subject, name=item.fields[0].name, value=None if item.is_on(values) else item.on)]
        case _:
            raise OptionRefused(GONE_PAGE)


def is_switch_of(key: str, subject: str) -> bool:
    """Return whether there is such a switch among the subject's rules."""
    item = BY_KEY.get(key)
    return item is not None and item.is_switch and subject.partition(":")[0] in item.subjects


class SetupList(PanelList, template=SETUP_LIST_TEMPLATE):
    """A list of the panel: it opens a page, or sets a rule to what was chosen."""

    async def act(self, interaction: Interaction, values: Sequence[str]) -> None:
        """Open or set what was chosen, unless the page is out of date: then show it anew."""
        await interaction.response.defer()
        command, shown = AdminCommand.press(interaction), Shown.read(self.parts["page"])
        action, arg = self.parts["action"], self.parts["arg"]
        if action == "nav":
            await show(command, Shown.read("".join(values[:1])))
        elif action == "open":
            await show(command, _opened(command, arg, values))
        else:
            rules = await rules_as_seen(command, shown, self.parts["seen"])
            if rules is None:
                await show(command, shown, STALE)
                return
            changes = await picked_changes(command, shown.subject, arg, values, rules)
            await submit(command, shown, changes, values_of(rules, changes), None)


def _opened(command: AdminCommand, arg: str, values: Sequence[str]) -> Shown:
    """Return the page of the chosen role, member or channel; @everyone's rules are the server's."""
    if not values or not values[0].isdecimal():
        raise OptionRefused(GONE_PAGE)
    if arg == "role" and int(values[0]) == command.guild.id:
        return Shown("money")
    return Shown.read(f"{arg}.{values[0]}")


async def picked_changes(
    command: AdminCommand, subject: str, arg: str, values: Sequence[str], rules: Sequence[Rule]
) -> Sequence[Change]:
    """Return the changes that make the rules say what was chosen in a list.

    Raises:
        OptionRefused: it cannot be chosen.
    """
    if arg in {"modes", "resolutions"}:
        changes = server.lists(subject, *((",".join(values), None) if arg == "modes" else (None, ",".join(values))))
        known = typed_input.mode_ids() if arg == "modes" else typed_input.typed_resolutions()
        is_all = set(values) == set(known) and subject == "server"
        return [Change(subject=one.subject, name=one.name, value=None) for one in changes] if is_all else changes
    if arg in {"allow", "deny"}:
        return _channel_changes(command, arg, values, rules)
    if not values:
        raise OptionRefused(GONE_PAGE)
    match arg:
        case "log":
            return [server.log_rule(command, discord.Object(int(values[0])))]
        case "zone":
            return [await server.zone_rule(values[0])]
        case "pings":
            return [Change(subject="server", name="pings", value=values[0])]
        case _:
            raise OptionRefused(GONE_PAGE)


def _channel_changes(command: AdminCommand, access: str, values: Sequence[str], rules: Sequence[Rule]) -> list[Change]:
    """Return the changes that give exactly the chosen channels this access."""
    before = {rule.subject for rule in rules if rule.name == "access" and rule.value == access}
    chosen = {f"channel:{command.channel(discord.Object(int(value))).id}" for value in values}
    added = [Change(subject=one, name="access", value=access) for one in sorted(chosen - before)]
    return [*added, *(Change(subject=one, name="access", value=None) for one in sorted(before - chosen))]


COMMANDS = (
    CommandSpec("setup", "See every rule in one panel, change it there, or start with $50 a month.", open_setup),
)
