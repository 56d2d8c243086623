"""Checks before an order: the member, the parent's files, and the rules and budgets for the quote."""

import asyncio
import logging
from dataclasses import dataclass, replace

import discord

from bot.catalogue.price import Quote
from bot.client import Interaction, Services
from bot.errors import FilesGone, OptionRefused
from bot.jobs.disclosure import as_seen_by
from bot.jobs.model import Job
from bot.ledger import holds
from bot.ledger.decision import decide
from bot.ledger.model import Decision, RuleQuery, View, Who
from bot.runner.job_files import inputs_gone
from bot.texts import finished

log = logging.getLogger(__name__)
NOT_A_SERVER = "Wanda's budgets belong to servers. Use this command in one."
CHECK_WITHIN_S = 1.2  # Discord waits 3 s for the first answer, including the time on the network


def interaction_member(interaction: Interaction) -> Who:
    """Return the member with their current roles, the server and the channel; a thread counts as its parent channel.

    Raises:
        OptionRefused: the interaction is in a direct message.
    """
    if interaction.guild_id is None or not isinstance(interaction.user, discord.Member):
        raise OptionRefused(NOT_A_SERVER)
    return Who(
        guild_id=interaction.guild_id,
        channel_id=channel_id(interaction),
        member_id=interaction.user.id,
        role_ids=role_ids(interaction.user),
        age_restricted=age_restricted(interaction.user.guild, channel_id(interaction)),
    )


def as_of_now(who: Who, interaction: Interaction) -> Who:
    """Return who ordered earlier, with their roles and the channel's age restriction as they are now."""
    now = interaction_member(interaction)
    return replace(who, role_ids=now.role_ids, age_restricted=now.age_restricted)


def role_ids(member: discord.Member) -> tuple[int, ...]:
    """Return the member's roles without @everyone."""
    return tuple(role.id for role in member.roles if not role.is_default())


def channel_id(interaction: Interaction) -> int:
    """Return the channel whose rules apply: of a thread, its parent."""
    if isinstance(interaction.channel, discord.Thread):
        return interaction.channel.parent_id
    return interaction.channel_id or 0


def age_restricted(guild: discord.Guild, channel_id: int) -> bool | None:
    """Return whether the channel is age-restricted; of a thread, give its parent. None for a channel not known."""
    channel = guild.get_channel(channel_id)
    return None if channel is None else bool(getattr(channel, "nsfw", False))


async def check_kept(services: Services, job: Job, *, reader_id: int) -> None:
    """Check that Wanda still has all inputs of the job; `reader_id` is who reads a refusal.

    Raises:
        FilesGone: an input was deleted; the sentence asks for it again.
    """
    gone = await inputs_gone(as_seen_by(job, reader_id), services.files)
    if gone:
        raise FilesGone(finished.inputs_not_kept(job, gone, services.settings.storage.keep_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedQuote:
    """A quote that the rules and budgets allow, and the standings after it."""

    quote: Quote
    view: View
    decision: Decision

    @property
    def needs_confirmation(self) -> bool:
        """Whether it costs more than the price above which the member is asked first."""
        return self.quote.microusd > self.view.terms.confirm_above_microusd.value


_abandoned: set[asyncio.Task[CheckedQuote]] = set()  # a strong reference: the loop keeps only weak ones


async def check_quote(services: Services, who: Who, query: RuleQuery, quote: Quote) -> CheckedQuote:
    """Check the quote against the rules and budgets. Nothing is held.

    Raises:
        Refusal: a rule forbids it, or a budget is short.
        StorageError: the database did not answer.
    """
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    query = replace(query, videos=quote.videos, begun=quote.begun)
    return CheckedQuote(quote=quote, view=view, decision=decide(view, amount_microusd=quote.microusd, query=query))


async def check_rules(services: Services, who: Who, query: RuleQuery) -> None:
    """Check the rules that do not depend on the price.

    Raises:
        NotAllowed: a rule forbids it.
        StorageError: the database did not answer.
    """
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    decide(view, amount_microusd=0, query=query)


async def check_quote_in_time(services: Services, who: Who, query: RuleQuery, quote: Quote) -> CheckedQuote | None:
    """Check the quote, or return None if the database takes longer than Discord would wait.

    Raises:
        Refusal: as `check_quote`.
        StorageError: the database did not answer.
    """
    checking = asyncio.create_task(check_quote(services, who, query, quote), name="check quote")
    done, _ = await asyncio.wait({checking}, timeout=CHECK_WITHIN_S)
    if done:
        return checking.result()
    # The cancelled task is not awaited: while the database is silent, cancelling is slow too.
    log.warning("the budgets were not read within %.1f s; the command is acknowledged first", CHECK_WITHIN_S)
    _abandoned.add(checking)
    checking.add_done_callback(_drop_abandoned)
    checking.cancel()
    return None


def _drop_abandoned(checking: asyncio.Task[CheckedQuote]) -> None:
    _abandoned.discard(checking)
    if not checking.cancelled():
        checking.exception()  # mark it as retrieved; the second check reports the error
