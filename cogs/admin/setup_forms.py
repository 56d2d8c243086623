"""The forms of the setup panel. What is typed is read as the subcommands read it."""

from collections.abc import Sequence
from typing import Any

import discord

from bot.answers import error_boundary
from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger.rehearsal import Change
from bot.ledger.rule_values import REASON_MAX
from bot.ledger.typed_amount import typed_amount
from bot.texts.plain import cut, span
from bot.texts.rules import POLICIES
from bot.texts.setup_rules import BY_KEY, RuleField, RuleItem, Values, field_text
from bot.texts.trouble import PAGE_TROUBLE
from cogs.admin import member, server
from cogs.admin.admin_command import AdminCommand
from cogs.admin.panel_message import check_press
from cogs.admin.setup_flow import Shown, show, submit
from cogs.base.form import Form, show_form
from cogs.base.page import STALE as GONE_PAGE

VALUE_CHARS_MAX = 200
TITLE_CHARS_MAX = 45


class SetupForm(Form):
    """A form about one subject's rules, with the values that they had when it was opened.

    A subclass adds its fields and implements `changes`. The form times out, because Discord does not report that one
    was closed.
    """

    def __init__(self, command: AdminCommand, shown: Shown, title: str, values: Values) -> None:
        super().__init__(title=cut(title, TITLE_CHARS_MAX), timeout=command.services.settings.jobs.pending_order_life_s)
        self.shown = shown
        self.values = dict(values)

    async def open(self, interaction: Interaction) -> None:
        """Show the form."""
        await show_form(interaction, self)

    def ask(self, label: str, hint: str, value: str = "", *, needed: bool = False, most: int = VALUE_CHARS_MAX) -> Any:
        """Add a field for a text, and return it."""
        item = discord.ui.TextInput[Any](default=value or None, required=needed, max_length=most)
        self.add_item(discord.ui.Label(text=label, description=hint, component=item))
        return item

    def ask_reason(self, *, needed: bool = False, hint: str = "Why, for the audit and the log") -> Any:
        """Add the field for the reason, and return it."""
        return self.ask("Reason", hint, needed=needed)

    async def submitted(self, interaction: Interaction) -> None:
        """Make the changes, and show the page as it is then."""
        await check_press(interaction)
        await interaction.response.defer()
        async with error_boundary(interaction, PAGE_TROUBLE):
            await self.carry_out(AdminCommand.press(interaction))

    async def carry_out(self, command: AdminCommand) -> None:
        """Submit the changes that were typed."""
        changes = [one for one in await self.changes(command) if one.value != self.values.get(one.name)]
        before = tuple(self.values.get(one.name) for one in changes)
        await submit(command, self.shown, changes, before, self.reason())

    async def changes(self, command: AdminCommand) -> Sequence[Change]:
        """Return what was typed, also where nothing changed.

        Raises:
            OptionRefused: something cannot be read.
        """
        raise NotImplementedError

    def reason(self) -> str | None:
        """Return the reason, or None."""
        return None

    def change(self, name: str, value: Any) -> Change:
        """Return the change of one of the subject's rules."""
        return Change(subject=self.shown.subject, name=name, value=value)


class ItemForm(SetupForm):
    """The fields of one item of the registry; an empty one takes its rule back."""

    def __init__(self, command: AdminCommand, shown: Shown, item: RuleItem, values: Values) -> None:
        super().__init__(command, shown, item.title, values)
        self._fields = [(field, self.ask(field.label, field.hint, field_text(field, values))) for field in item.fields]
        self._reason = self.ask_reason()

    async def changes(self, command: AdminCommand) -> Sequence[Change]:
        """Return every field's value."""
        del command
        return [self.change(field.name, read_field(field, item.value)) for field, item in self._fields]

    def reason(self) -> str | None:
        """Return the reason, or None."""
        return self._reason.value.strip() or None


def read_field(field: RuleField, text: str) -> Any:
    """Return the rule's value that was typed; None for an empty field.

    Raises:
        OptionRefused: it cannot be read.
    """
    text = text.strip()
    if not text:
        return None
    match field.kind:
        case "amount":
            return typed_amount(text)
        case "count":
            if not (text.isascii() and text.isdigit()):
                raise OptionRefused(f"{field.label} takes a whole number, such as 2. Nothing was changed.")
            return int(text)
        case "names":
            return sorted({part.strip() for part in text.split(",") if part.strip()})
        case "text":
            return text


class FailedForm(SetupForm):
    """Who pays for a failed video that fal may have billed."""

    def __init__(self, command: AdminCommand, shown: Shown, values: Values) -> None:
        super().__init__(command, shown, "Failed videos", values)
        now = values.get("policy", "absorb")
        options = [
            discord.SelectOption(label=label, value=value, default=value == now) for value, label in POLICIES.items()
        ]
        self._policy = discord.ui.Select[Any](options=options)
        self.add_item(
            discord.ui.Label(text="Paid by", description="When fal may have billed it", component=self._policy)
        )
        absorbed = field_text(RuleField("absorbed", "", ""), values)
        self._absorbed = self.ask(
            "At most for each member in 24 h ($)", "The rest is charged to the member; empty for the default", absorbed
        )
        self._reason = self.ask_reason()

    async def changes(self, command: AdminCommand) -> Sequence[Change]:
        """Return both rules; the default stays a default."""
        del command
        policy = self._policy.values[0] if self._policy.values else None
        is_default = "policy" not in self.values and policy == "absorb"
        absorbed = read_field(RuleField("absorbed", "", ""), self._absorbed.value)
        return [self.change("policy", None if is_default else policy), self.change("absorbed", absorbed)]

    def reason(self) -> str | None:
        """Return the reason, or None."""
        return self._reason.value.strip() or None


class ApprovalForm(SetupForm):
    """The price above which a video waits for approval, by whom, and for how long."""

    def __init__(self, command: AdminCommand, shown: Shown, values: Values) -> None:
        super().__init__(command, shown, "Approval", values)
        rule: dict[str, Any] = values.get("approval") or {}
        above = field_text(RuleField("above_microusd", "", ""), rule)
        self._above = self.ask("Above which price ($)", "2 or 2.50; empty lets no video wait", above)
        role_id = rule.get("role_id")
        known = [] if role_id is None else [discord.SelectDefaultValue.from_role(discord.Object(role_id))]
        self._role = discord.ui.RoleSelect[Any](required=False, min_values=0, default_values=known)
        self.add_item(
            discord.ui.Label(text="Role that may approve", description="Admins always may", component=self._role)
        )
        wait = span(float(rule["wait_s"])) if rule else ""
        self._wait = self.ask("How long it waits", "12h, 1d or 3d; a day if empty", wait.replace(" ", ""))
        own = bool(rule.get("own"))
        options = [
            discord.SelectOption(label=label, value=value, default=own == (value == "yes"))
            for value, label in (("no", "No, somebody else has to"), ("yes", "Yes"))
        ]
        self._own = discord.ui.Select[Any](options=options)
        self.add_item(discord.ui.Label(text="May they approve their own videos?", component=self._own))
        self._reason = self.ask_reason()

    async def changes(self, command: AdminCommand) -> Sequence[Change]:
        """Return the rule."""
        if not self._above.value.strip():
            return [self.change("approval", None)]
        role = self._role.values[0] if self._role.values else None
        wait = self._wait.value.strip() or None
        own = self._own.values[:1] == ["yes"]
        return [server.approval_rule(command, self._above.value, role, wait, own=own)]

    def reason(self) -> str | None:
        """Return the reason, or None."""
        return self._reason.value.strip() or None


class ZoneForm(SetupForm):
    """A city whose timezone is the server's."""

    def __init__(self, command: AdminCommand, shown: Shown, values: Values) -> None:
        super().__init__(command, shown, "Time zone", values)
        self._city = self.ask("City", "Such as Berlin, or Europe/Berlin", needed=True)

    async def changes(self, command: AdminCommand) -> Sequence[Change]:
        """Return the rule."""
        del command
        return [await server.zone_rule(self._city.value)]


class ReasonForm(SetupForm):
    """A pause or a block: a rule whose value is the reason that members are told."""

    def __init__(self, command: AdminCommand, shown: Shown, name: str, title: str, values: Values) -> None:
        super().__init__(command, shown, title, values)
        self._name = name
        self._reason = self.ask_reason(needed=True, hint="Members are told this")

    async def changes(self, command: AdminCommand) -> Sequence[Change]:
        """Return the rule."""
        del command
        return [self.change(self._name, self._reason.value.strip()[:REASON_MAX])]

    def reason(self) -> str | None:
        """Return the reason."""
        return self._reason.value.strip() or None


class MoneyForm(SetupForm):
    """A grant, or a raise of a member's allowances."""

    def __init__(self, command: AdminCommand, shown: Shown, values: Values, *, is_grant: bool) -> None:
        super().__init__(command, shown, "A grant, given once" if is_grant else "A raise for a while", values)
        self._is_grant = is_grant
        self._amount = self.ask("Amount ($)", "5 or 5.50", needed=True)
        hint = "12h, 3d or 2w; empty for no end" if is_grant else "12h, 3d or 2w"
        self._expires_in = self.ask("For how long", hint, needed=not is_grant)
        self._reason = self.ask_reason(needed=is_grant)

    async def carry_out(self, command: AdminCommand) -> None:
        """Give the grant, or set the raise."""
        if not self._is_grant:
            await super().carry_out(command)
            return
        expires_in = self._expires_in.value.strip() or None
        said, rules = await member.grant(
            command, self.shown.target, self._amount.value, expires_in, self._reason.value.strip()
        )
        await show(command, self.shown, said.private)
        await command.log(said, rules)

    async def changes(self, command: AdminCommand) -> Sequence[Change]:
        """Return the raise."""
        return [member.raise_rule(command, self.shown.target, self._amount.value, self._expires_in.value)]

    def reason(self) -> str | None:
        """Return the reason, or None."""
        return self._reason.value.strip() or None


def form_of(command: AdminCommand, shown: Shown, arg: str, values: Values) -> SetupForm:
    """Return the form of a button; `values` are the subject's rules by name.

    Raises:
        OptionRefused: there is no such form on this page.
    """
    kind = shown.subject.partition(":")[0]
    item = BY_KEY.get(arg)
    if item is not None and kind in item.subjects and not item.is_switch:
        return ItemForm(command, shown, item, values)
    match arg, kind:
        case "failed", "server":
            return FailedForm(command, shown, values)
        case "approval", "server":
            return ApprovalForm(command, shown, values)
        case "zone", "server":
            return ZoneForm(command, shown, values)
        case "pause", "server":
            return ReasonForm(command, shown, "paused", "Pause Wanda", values)
        case "block", "member":
            return ReasonForm(command, shown, "blocked", "Block this member", values)
        case (("grant" | "raise"), "member"):
            return MoneyForm(command, shown, values, is_grant=arg == "grant")
        case _:
            raise OptionRefused(GONE_PAGE)
