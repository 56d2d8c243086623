"""Begins the final of a picked draft: once, with its card as a reply to the drafts."""

from dataclasses import replace

import discord

from bot.cards.discord_request import discord_request
from bot.client import Wanda
from bot.errors import DiscordBusy, StorageError, WandaError
from bot.ids import new_id
from bot.jobs.acknowledgements import Acknowledgement
from bot.jobs.best_of import final_quote, final_request, spot_of
from bot.jobs.model import Job, Order, Request, job_from
from bot.jobs.picks import Pick
from bot.jobs.queries import get
from bot.jobs.rule_query import rule_query
from bot.ledger.model import Who
from bot.runner.job_files import OrderFiles
from bot.texts import finished
from cogs.base.acknowledgement import under_way
from cogs.ordering.checks import age_restricted, check_kept, check_rules, role_ids
from cogs.ordering.posting_rights import Place, check_order, place_on_card
from cogs.results.new_card import delete_card, post_card


class MemberLeft(WandaError):  # noqa: N818 - reads better at the except
    """Whose video it is has left the server."""


async def begin_final(bot: Wanda, pick: Pick, draft: Job) -> None:
    """Accept the final of this draft on a new card, unless that was done before.

    Everything that an order needs is checked as it stands now, but for the price, which is reserved.

    Raises:
        Refusal: it may not be made as things stand, or (Busy) not yet; it stays reserved.
        NotReserved: its price was released.
        MemberLeft: nobody is there any more for whom it would be made.
        DiscordBusy: Discord did not answer.
        StorageError: the database did not answer.
    """
    services = bot.services
    if await services.store.read(get(pick.final_id)) is not None:
        return
    place = await _place(bot, draft)
    await check_order(place, bot, draft.mode)
    who = Who(
        guild_id=draft.guild_id,
        channel_id=place.channel_id,
        member_id=draft.member_id,
        role_ids=role_ids(place.member),
        age_restricted=age_restricted(place.member.guild, place.channel_id),
    )
    request = final_request(draft, pick)
    await check_rules(services, who, rule_query(request.mode))
    await check_kept(services, draft, reader_id=draft.member_id)
    request.check_inputs()
    await _accept(bot, pick, draft, who, request)


async def _accept(bot: Wanda, pick: Pick, draft: Job, who: Who, request: Request) -> None:
    services, now = bot.services, bot.services.clock()
    channel = bot.get_partial_messageable(draft.address.channel_id, guild_id=draft.guild_id)
    shown = Acknowledgement(
        id=pick.final_id,
        guild_id=draft.guild_id,
        channel_id=draft.address.channel_id,
        shows="placeholder",
        at=now,
    )
    async with OrderFiles(services.order_space, pick.final_id, who.requester) as files:
        request = await files.copy_inputs(request)
        order = Order(id=pick.final_id, who=who, request=request, quote=final_quote(pick), requested_at=now)
        async with under_way(services, shown):
            card = await post_card(bot, draft, channel, new_id(at=now), content=finished.placeholder(draft.member_id))
            final = replace(job_from(replace(order, address=card), now=now), parent_at=spot_of(draft))
            try:
                await services.runner.accept_reserved(final)
            except WandaError as error:
                if isinstance(error, StorageError):
                    files.leave_to_job()  # it may be accepted after all; if it is not, they are copied again
                await delete_card(bot, card)
                raise
        files.leave_to_job()


async def _place(bot: Wanda, draft: Job) -> Place:
    """Return the drafts' member in their channel, as Discord knows them now."""
    guild = bot.get_guild(draft.guild_id)
    if guild is None or guild.unavailable:
        raise DiscordBusy("The server is not there right now.")
    member = guild.get_member(draft.member_id) or await _fetched(bot, guild, draft.member_id)
    place = place_on_card(draft, member, channel_id=draft.address.channel_id)
    if place is None:
        raise MemberLeft("the channel of the drafts is gone")
    return place


async def _fetched(bot: Wanda, guild: discord.Guild, member_id: int) -> discord.Member:
    found: discord.Member | None = None
    async with discord_request(bot.services.settings.cards.discord_timeout_s):
        try:
            found = await guild.fetch_member(member_id)
        except discord.NotFound:
            found = None
    if found is None:
        raise MemberLeft(f"member {member_id} left server {guild.id}")
    return found
