"""What every `/wanda-admin` command does: check permission and options, write once, answer, log to the channel."""

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypeVar

import discord
from discord import app_commands

from bot.answers import AnyInteraction
from bot.cards.discord_request import DISCORD_ERRORS
from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction, Services, requester_of
from bot.errors import OptionRefused
from bot.ledger import rules as rulebook
from bot.ledger import scopes, tables
from bot.ledger.model import Limit, Rule, Source, Window
from bot.ledger.rehearsal import Change, Rehearsal
from bot.ledger.rule_values import checked
from bot.ledger.timezones import windows_of
from bot.storage.transaction import Transaction
from bot.texts import rule_changes
from bot.texts.card import MESSAGE_CHARS_MAX, join_within
from bot.texts.rehearsal import MEANWHILE_COMMAND, question, question_card
from bot.texts.rule_changes import ChangeTexts, RuleChange
from cogs.admin.permission import NotAdmin, check_admin
from cogs.admin.proposals import DAY_S, Proposal, propose, rehearse, values_of
from cogs.base.acknowledgement import think
from cogs.base.log_channel import log_channel, log_channel_id
from cogs.ordering.checks import NOT_A_SERVER

log = logging.getLogger(__name__)
T = TypeVar("T")
Reason: TypeAlias = app_commands.Range[str, 1, 200] | None
NeededReason: TypeAlias = app_commands.Range[str, 1, 200]
_NEW_RULE = Source.of("server", "the rule that was just set")
LOG_NEEDS = discord.Permissions(view_channel=True, send_messages=True)


class ChannelOption(app_commands.Transformer):
    """A channel for messages; a deleted one arrives as a plain id, which `AdminCommand.channel` refuses."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """Return the type of the option."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """Return the channel types that Discord offers."""
        kinds = discord.ChannelType
        return [kinds.text, kinds.news, kinds.voice, kinds.stage_voice, kinds.forum]

    async def transform(self, interaction: AnyInteraction, value: Any, /) -> Any:
        """Return the value unchanged."""
        del interaction
        return value


class Meanwhile(OptionRefused):
    """A rule was changed after the admin had seen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCommand:
    """One use of a command by one admin, whose answer is deferred."""

    interaction: Interaction
    guild: discord.Guild
    services: Services
    at: float

    @classmethod
    async def open(cls, interaction: Interaction, *, public: bool = False) -> Self:
        """Check the permission and defer the answer, which can then take up to 15 minutes.

        Raises:
            NotAdmin: this member may not use the command.
        """
        check_admin(interaction)
        if interaction.guild is None:
            raise NotAdmin(NOT_A_SERVER)
        await think(interaction, ephemeral=not public)
        services = interaction.client.services
        return cls(interaction=interaction, guild=interaction.guild, services=services, at=services.clock())

    @classmethod
    def press(cls, interaction: Interaction) -> Self:
        """Return the use of a panel's button by an admin; who presses was checked.

        Raises:
            NotAdmin: as `open`.
        """
        check_admin(interaction)
        if interaction.guild is None:
            raise NotAdmin(NOT_A_SERVER)
        services = interaction.client.services
        return cls(interaction=interaction, guild=interaction.guild, services=services, at=services.clock())

    @property
    def actor_id(self) -> int:
        """Return the admin's id."""
        return self.interaction.user.id

    def member(self, given: discord.Member | discord.User | discord.Object) -> discord.Member:
        """Return the member.

        Raises:
            OptionRefused: they left the server, or are a bot.
        """
        if not isinstance(given, discord.Member):
            raise OptionRefused(
                f"<@{given.id}> isn't in this server, so nothing was changed. Their old rules apply again if they "
                "come back."
            )
        if given.bot:
            raise OptionRefused(
                f"<@{given.id}> is a bot, and bots don't make videos. Choose a member; nothing was changed."
            )
        return given

    def role(self, given: discord.Role | discord.Object) -> discord.Role:
        """Return the role.

        Raises:
            OptionRefused: it was deleted.
        """
        role = self.guild.get_role(given.id)
        if role is None:
            raise OptionRefused("This role is gone, so nothing was changed. Choose another one.")
        return role

    def subject(self, role: discord.Role | None) -> str:
        """Return the subject of a rule for this role; @everyone means the server."""
        return "server" if role is None or role.is_default() else f"role:{role.id}"

    def channel(self, given: discord.abc.Snowflake) -> discord.abc.GuildChannel:
        """Return the channel.

        Raises:
            OptionRefused: it was deleted, or Wanda cannot see it.
        """
        channel = self.guild.get_channel(given.id)
        if channel is None:
            raise OptionRefused(
                "This channel is gone, or Wanda can't see it, so nothing was changed. Choose another one, or let "
                "Wanda see it."
            )
        return channel

    def log_channel(self, given: discord.abc.Snowflake, needed: discord.Permissions) -> discord.abc.GuildChannel:
        """Return the channel, in which Wanda may post.

        Raises:
            OptionRefused: it was deleted, takes no messages, or Wanda lacks one of the `needed` permissions there.
        """
        known = self.channel(given)
        if not isinstance(known, discord.abc.Messageable):
            raise OptionRefused(
                f"Wanda can't post in <#{known.id}> itself. Choose a text channel; nothing was changed."
            )
        missing = discord.Permissions(needed.value & ~known.permissions_for(self.guild.me).value)
        if missing.value:
            names = ", ".join(name.replace("_", " ").title() for name, on in missing if on)
            raise OptionRefused(
                f"Wanda can't post in <#{known.id}> without: {names}. Allow that there, or choose another channel; "
                "nothing was changed."
            )
        return known

    async def write(self, transaction: Transaction[T]) -> T:
        """Run and commit the transaction."""
        return await self.services.store.write(transaction, guild_id=self.guild.id)

    async def read(self, transaction: Transaction[T]) -> T:
        """Run the transaction read-only."""
        return await self.services.store.read(transaction)

    async def say(
        self, text: str | None, *, embeds: Sequence[discord.Embed] = (), files: Sequence[discord.File] = ()
    ) -> None:
        """Answer, privately."""
        await self.interaction.edit_original_response(content=text, embeds=embeds, attachments=files)

    async def change(self, *changes: Change, reason: str | None = None) -> None:
        """Make all changes in one transaction, then report them privately and in the log channel.

        If they would have refused past videos, ask first; nothing is changed before Set it is pressed.
        """
        for one in changes:
            if one.value is not None:
                checked(one.subject, one.name, one.value)
        rehearsal = await rehearse(self.services, self.guild.id, changes)
        if rehearsal is None or rehearsal.is_harmless:
            await self.done(*(await self.carry_out(changes, reason)))
            return
        rules = await self.read(rulebook.rules_of(self.guild.id, at=self.at))
        proposal = self.propose(changes, values_of(rules, changes), reason)
        card = question_card(self.question(rehearsal, proposal), proposal.id)
        await self.interaction.edit_original_response(embed=to_embed(card), view=to_view(card))

    def propose(
        self, changes: Sequence[Change], before: Sequence[Any], reason: str | None, *, page: str = ""
    ) -> Proposal:
        """Keep the changes until this admin says yes to them; `before` are the values that they would replace."""
        return propose(self.services, requester_of(self.interaction), changes, before=before, reason=reason, page=page)

    def question(self, rehearsal: Rehearsal, proposal: Proposal) -> str:
        """Return the question whether to make the changes."""
        money = self.services.settings.money
        is_cut = rehearsal.since > self.at - money.rehearsal_days * DAY_S + 1
        return question(rehearsal, proposal.changes, proposal.before, days=money.rehearsal_days, is_cut=is_cut)

    async def clear(self, subject: str, names: AbstractSet[str], *, reason: str | None = None) -> None:
        """Clear those of these rules that exist, and report it; ask first as `change` does."""
        changes = clearing(await self.read(rulebook.rules_of(self.guild.id, at=self.at)), subject, names)
        if not changes:
            await self.say(rule_changes.nothing_to_clear(subject))
            return
        await self.change(*changes, reason=reason)

    async def carry_out(
        self, changes: Sequence[Change], reason: str | None, *, before: Sequence[Any] | None = None
    ) -> tuple[ChangeTexts, Sequence[Rule]]:
        """Make all changes in one transaction; return what is said of them, and the server's rules now.

        Raises:
            Meanwhile: `before` is given, and one of the rules has another value now; nothing was changed.
        """
        done, rules = await self.write(_carried_out(self, changes, reason or "", before))
        return await self._texts(changes, done, rules, reason), rules

    async def _texts(
        self,
        changes: Sequence[Change],
        done: Sequence[tuple[Any, Any]],
        rules: Sequence[Rule],
        reason: str | None,
    ) -> ChangeTexts:
        windows = await self.read(windows_of(self.guild.id, at=self.at))
        used = await self._used(changes, windows)
        told = [
            RuleChange(
                subject=change.subject,
                name=change.name,
                before=before,
                after=after,
                expires_at=change.expires_at,
                window=windows.get(change.name.partition(":")[2]),
                used_microusd=used.get((change.subject, change.name)),
            )
            for change, (before, after) in zip(changes, done, strict=True)
        ]
        told[-1:] = [rule_changes.with_note(what, rules, self.services.shipped) for what in told[-1:]]
        private = "\n\n".join(rule_changes.change_text(what) for what in told)
        lines = [
            rule_changes.change_log_line(self.actor_id, what, reason) for what in told if rule_changes.is_change(what)
        ]
        return ChangeTexts(private, "\n".join(lines))

    async def _used(self, changes: Sequence[Change], windows: Mapping[str, Window]) -> Mapping[tuple[str, str], int]:
        """Return how much of each pool that was set is already held or spent in its current window."""
        limits = {
            (change.subject, change.name): Limit(scope, windows[kind], change.value, _NEW_RULE)
            for change in changes
            if (kind := change.name.removeprefix("budget:")) in windows
            and change.value is not None
            and (scope := scopes.of_subject(self.guild.id, change.subject))
        }
        standings = await self.read(tables.standings(tuple(limits.values()), at=self.at, keep=False))
        return {key: one.used_microusd for key, one in zip(limits, standings, strict=True)}

    async def done(self, said: ChangeTexts, rules: Sequence[Rule]) -> None:
        """Answer privately, then post to the log channel; if that fails, the answer says so."""
        await self.say(join_within(said.private.split("\n"), MESSAGE_CHARS_MAX))
        trouble = await self.log(said, rules)
        if trouble:
            private = join_within(said.private.split("\n"), MESSAGE_CHARS_MAX - len(trouble) - 2)
            await self.say(f"{private}\n\n{trouble}")

    async def log(self, said: ChangeTexts, rules: Sequence[Rule]) -> str:
        """Post to the log channel, if one is set; return a sentence if that failed, else an empty string."""
        line, channel_id = said.log, log_channel_id(rules)
        if not line or channel_id is None:
            return ""
        channel = log_channel(self.guild, rules)
        if channel is None:
            return rule_changes.LOG_GONE
        try:
            await channel.send(
                join_within(line.split("\n"), MESSAGE_CHARS_MAX), allowed_mentions=discord.AllowedMentions.none()
            )
        except DISCORD_ERRORS as error:
            log.warning("the log channel %s of server %s took no message: %s", channel_id, self.guild.id, error)
            return rule_changes.LOG_SHUT.format(channel=f"<#{channel_id}>")
        return ""


def clearing(rules: Sequence[Rule], subject: str, names: AbstractSet[str]) -> list[Change]:
    """Return the changes that clear the subject's rules with these names; "channel:" means every channel."""
    about = [
        rule for rule in rules if rule.subject == subject or (subject[-1:] == ":" and rule.subject.startswith(subject))
    ]
    return [Change(subject=one.subject, name=one.name, value=None) for one in about if one.name in names]


def _carried_out(
    command: AdminCommand, changes: Sequence[Change], reason: str, before_all: Sequence[Any] | None
) -> Transaction[tuple[list[tuple[Any, Any]], Sequence[Rule]]]:
    """Make the changes; return each one's value before and after, and the server's rules now.

    Raises:
        Meanwhile: `before_all` is given, and is not what the rules say now.
    """
    if before_all is not None:
        yield from tables.lock(command.guild.id)
        now = yield from rulebook.rules_of(command.guild.id, at=command.at)
        if values_of(now, changes) != tuple(before_all):
            raise Meanwhile(MEANWHILE_COMMAND)
    done: list[tuple[Any, Any]] = []
    for change in changes:
        where = (command.guild.id, change.subject, change.name)
        if change.value is None:
            before = yield from rulebook.clear_rule(*where, actor_id=command.actor_id, reason=reason, at=command.at)
            done.append((before, None))
        else:
            done.append(
                (
                    yield from rulebook.set_rule(
                        *where,
                        change.value,
                        expires_at=change.expires_at,
                        actor_id=command.actor_id,
                        reason=reason,
                        at=command.at,
                    )
                )
            )
    return done, (yield from rulebook.rules_of(command.guild.id, at=command.at))
