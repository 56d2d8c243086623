"""Reactions on a finished card: 🔁 rerun, 🎲 rerun with a new seed, ❌ delete, ✉️ send by direct message.

Raw events are used, so they work for messages from before a restart and without the message cache. A reaction has no
interaction, so the card of a rerun is a message of the bot that replies to the parent's card.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import discord
from discord.ext import commands

from bot.answers import answer_privately, count_refusal
from bot.cards.direct_message import mail, naming
from bot.cards.discord_request import DISCORD_ERRORS
from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction, Wanda
from bot.errors import AlreadyRunning, NotAllowed, OptionRefused, Refusal, StorageError
from bot.ids import new_id
from bot.jobs.acknowledgements import Acknowledgement
from bot.jobs.model import Address, Job, Order, Request
from bot.jobs.queries import is_running, job_of_message
from bot.jobs.rerun import mark_borrowed, rerun
from bot.jobs.rule_query import rule_query
from bot.ledger.model import Who
from bot.runner.job_files import OrderFiles
from bot.texts import deletion, film_words, finished
from bot.texts.button_ids import PUBLIC_ANSWER_TEMPLATE
from bot.texts.set_card import is_on_message
from cogs.base.acknowledgement import acknowledgement_of, under_way
from cogs.base.cog import FeatureCog
from cogs.base.component import PersistentButton
from cogs.ordering.checks import CheckedQuote, age_restricted, as_of_now, check_kept, check_quote, role_ids
from cogs.ordering.confirmation import NOT_NOW, Answered, confirmation_card, same_view
from cogs.ordering.posting_rights import Place, check_access, check_order, check_place, place_on_card
from cogs.results.deletion import check_film_is_over, delete_video
from cogs.results.films import film_of
from cogs.results.mailing import RECIPES, mail_video
from cogs.results.new_card import address_of_message, delete_card, post_card
from cogs.results.sets import variations_of

log = logging.getLogger(__name__)
KNOWN = frozenset({finished.RERUN, finished.RESEED, finished.DELETE, finished.MAIL})
HANDLED_MAX = 10_000  # reactions that are known again when they come twice
# Reactions handled at once; more are ignored, and the member can react again.
BUSY_MAX, BUSY_IN_SERVER_MAX, BUSY_OF_MEMBER_MAX = 1000, 250, 10
TOLD_FOR_S = 30.0
TOLD_EVERY_S = 600.0  # at most one message in a channel about a member within this time
TOLD_MAX = 1000  # members about whom there was one within this time; about others there is none
# Refusals by these rules, which say who may use Wanda, are not reported; refusals by other rules are.
QUIETLY = frozenset({"blocked", "channel", "mode", "resolution", "commands", "timeout"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A member's reaction on a finished job's card."""

    job: Job
    emoji: str
    place: Place
    channel: discord.abc.Messageable

    @property
    def member(self) -> discord.Member:
        """Who reacted."""
        return self.place.member

    @property
    def who(self) -> Who:
        """Who pays for a rerun: the member who reacted, by the rules of the card's channel."""
        return Who(
            guild_id=self.job.guild_id,
            channel_id=self.place.channel_id,
            member_id=self.member.id,
            role_ids=role_ids(self.member),
            age_restricted=age_restricted(self.member.guild, self.place.channel_id),
        )


async def accept_on(card: Address, bot: Wanda, order: Order) -> None:
    """Accept the order with a message of the bot as its card.

    Raises:
        Refusal: nothing was held; the message was deleted.
        StorageError: likewise.
    """
    try:
        await bot.services.runner.accept(replace(order, address=card))
    except (Refusal, StorageError):
        await delete_card(bot, card)
        raise


class ReactionKey(NamedTuple):
    """What makes two events the same reaction; `guild_id` is the server of its message."""

    message_id: int
    member_id: int
    emoji: str
    guild_id: int


def has_turn(key: ReactionKey, busy: Collection[ReactionKey]) -> bool:
    """Return whether one more reaction is handled beside the `busy` ones."""
    in_server = sum(other.guild_id == key.guild_id for other in busy)
    own = sum(other.member_id == key.member_id for other in busy)
    return len(busy) < BUSY_MAX and in_server < BUSY_IN_SERVER_MAX and own < BUSY_OF_MEMBER_MAX


class PublicAnswerButton(PersistentButton, template=PUBLIC_ANSWER_TEMPLATE):
    """Make it or Cancel, below a public question that only one member may answer."""

    async def pressed(self, interaction: Interaction) -> None:
        """Make the video, with the question's message as its card, or drop the order."""
        member_id = int(self.parts["member_id"])
        if interaction.user.id != member_id:
            await answer_privately(interaction, finished.not_yours(member_id))
            return
        services = interaction.client.services
        asked = services.pending_orders.find(self.parts["order_id"], member_id=member_id)
        if self.parts["answer"] == "yes" and asked is not None:
            await check_place(interaction, asked.request.mode.id)
        order = services.pending_orders.take(self.parts["order_id"], member_id=member_id)
        if order is None:
            await interaction.response.edit_message(content=finished.QUESTION_OVER, embed=None, view=None)
            return
        async with OrderFiles(services.order_space, order.id, order.who.requester) as files:
            # The question may be 15 minutes old; the member's current roles, and the channel as it is now, count.
            order = replace(order, who=as_of_now(order.who, interaction))
            await self._carry_out(interaction, Answered(order, files))

    async def _carry_out(self, interaction: Interaction, answered: Answered) -> None:
        """Carry out the answer; if there is no room or money for the video now, the question stays."""
        message, services, order = interaction.message, interaction.client.services, answered.order
        if self.parts["answer"] != "yes" or message is None:
            await interaction.response.edit_message(content=finished.DROPPED, embed=None, view=None)
            return
        placeholder = finished.placeholder(interaction.user.id)
        shown = replace(acknowledgement_of(interaction, "placeholder"), id=order.id, message_id=message.id)
        async with under_way(services, shown):
            await interaction.response.edit_message(content=placeholder, embed=None, view=None)
            try:
                await services.runner.accept(replace(order, address=address_of_message(interaction.client, message)))
            except NOT_NOW:
                await answered.keep(services)
                question, view = finished.public_question(interaction.user.id), same_view(message)
                await interaction.edit_original_response(content=question, embeds=message.embeds, view=view)
                raise
            except (Refusal, StorageError):
                await delete_card(interaction.client, address_of_message(interaction.client, message))
                raise
        answered.files.leave_to_job()


def _emoji(payload: discord.RawReactionActionEvent) -> str:
    """Return the emoji without the selector that some clients add."""
    return (payload.emoji.name or "").removesuffix("\ufe0f")


def _key(payload: discord.RawReactionActionEvent) -> ReactionKey:
    return ReactionKey(payload.message_id, payload.user_id, _emoji(payload), payload.guild_id or 0)


def _again(reaction: Reaction, trigger: str) -> Request:
    """Return the request for the same video with the same or a new seed.

    Of several variations it is for as many new ones: with their seeds they would be the same videos once more.
    """
    job = reaction.job
    if job.variation is not None and is_on_message(job):
        return variations_of(job, job.variation.of, trigger=trigger)
    return replace(rerun(job, seed="new" if reaction.emoji == finished.RESEED else "same"), trigger=trigger)


class Reactions(FeatureCog):
    """Handles reactions, one at a time for each message, member and emoji."""

    buttons = (PublicAnswerButton,)

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._busy: set[ReactionKey] = set()
        self._handled: OrderedDict[ReactionKey, None] = OrderedDict()
        self._said_at: dict[int, float] = {}
        self._deleting: dict[ReactionKey, asyncio.Event] = {}  # set when the reaction is taken back

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Handle the reaction; other emoji and other messages are ignored."""
        emoji, key = _emoji(payload), _key(payload)
        if emoji not in KNOWN or not self._concerns_us(payload) or not has_turn(key, self._busy):
            return
        # Discord may send an event twice: https://discord.com/developers/docs/reference#consistency
        if key in self._busy or key in self._handled:
            return
        self._busy.add(key)
        self._handled[key] = None
        if len(self._handled) > HANDLED_MAX:
            self._handled.popitem(last=False)
        try:
            reaction = await self._reaction(payload, emoji)
            if reaction is not None:
                await self._answer(reaction)
        except Exception:
            log.exception("a reaction was not answered")  # there is no private answer that could say it
        finally:
            self._busy.discard(key)

    @commands.Cog.listener()
    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Take the same reaction for a new one when it comes again, and delete no video for it."""
        self._handled.pop(_key(payload), None)
        if _key(payload) in self._deleting:
            self._deleting[_key(payload)].set()

    @commands.Cog.listener()
    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        """Take reactions for new ones on a message that a moderator cleared of them."""
        self._forget(payload.message_id)

    @commands.Cog.listener()
    async def on_raw_reaction_clear_emoji(self, payload: discord.RawReactionClearEmojiEvent) -> None:
        """Likewise for one emoji; a reaction with another one that comes twice then counts as new."""
        self._forget(payload.message_id)

    def _forget(self, message_id: int) -> None:
        for key in [key for key in self._handled if key.message_id == message_id]:
            del self._handled[key]
        for key, taken_back in self._deleting.items():
            if key.message_id == message_id:
                taken_back.set()

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """Take every reaction for a new one: removals were missed while there was no session."""
        del shard_id
        self._handled.clear()
        for taken_back in self._deleting.values():
            taken_back.set()

    def _concerns_us(self, payload: discord.RawReactionActionEvent) -> bool:
        """Return whether a person reacted to a message of Wanda in a server, as far as the event tells."""
        me, member = self.bot.user, payload.member
        if (
            me is None
            or member is None
            or member.bot
            or payload.user_id == me.id
            or not payload.emoji.is_unicode_emoji()
        ):
            return False
        return payload.message_author_id in {me.id, None}

    async def _reaction(self, payload: discord.RawReactionActionEvent, emoji: str) -> Reaction | None:
        """Return the reaction if it is on a finished card and its member may see the channel and use commands there."""
        job = await self.bot.services.store.read(job_of_message(payload.message_id))
        guild, member = self.bot.get_guild(payload.guild_id or 0), payload.member
        if job is None or job.state != "done" or guild is None or member is None or job.guild_id != guild.id:
            return None
        place = place_on_card(job, member, channel_id=payload.channel_id)
        if place is None or not (place.permissions.view_channel and place.permissions.use_application_commands):
            return None
        messages = self.bot.get_partial_messageable(payload.channel_id, guild_id=guild.id)
        return Reaction(job=job, emoji=emoji, place=place, channel=messages)

    async def _answer(self, reaction: Reaction) -> None:
        try:
            match reaction.emoji:
                case finished.DELETE:
                    if reaction.member.id == reaction.job.member_id or reaction.place.permissions.manage_messages:
                        await check_film_is_over(self.bot.services, reaction.job)
                        await self._delete_later(reaction)
                case finished.MAIL:
                    await self._mail(reaction)
                case _:
                    await self._rerun(reaction)
        except AlreadyRunning:
            return
        except NotAllowed as refusal:
            count_refusal(refusal)
            if refusal.rule not in QUIETLY:
                await self._tell(reaction, finished.refusal_about(reaction.job, str(refusal)))
        except Refusal as refusal:
            count_refusal(refusal)
            await self._tell(reaction, finished.refusal_about(reaction.job, str(refusal)))

    async def _delete_later(self, reaction: Reaction) -> None:
        """Delete the video in a while, unless the reaction is taken back; a restart in between leaves it."""
        wait_s, taken_back = self.bot.services.settings.cards.deletion_wait_s, asyncio.Event()
        key = ReactionKey(reaction.job.address.message_id, reaction.member.id, reaction.emoji, reaction.job.guild_id)
        self._deleting[key] = taken_back
        try:
            until = self.bot.services.clock() + wait_s
            told = await self._say_here(reaction, deletion.deleted_soon(reaction.member.id, until), for_s=wait_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await taken_back.wait()
            if not taken_back.is_set():
                await delete_video(self.bot, reaction.job)
            elif told is not None:
                await told.delete(delay=0)  # in a task of its own, which ignores failures
        finally:
            del self._deleting[key]

    async def _rerun(self, reaction: Reaction) -> None:
        """Post a card and accept the rerun on it, or ask the member for confirmation."""
        services, job, who = self.bot.services, reaction.job, reaction.who
        if await film_of(services, job) is not None:
            raise OptionRefused(film_words.NO_RERUN)
        await check_order(reaction.place, self.bot, job.mode)
        trigger = f"react:{reaction.emoji}"
        if await services.store.read(is_running(job.id, who.member_id, trigger)):
            return  # checked before a card is posted, and again at acceptance
        if services.pending_orders.has_rerun(job.id, who.member_id, trigger):
            return  # reacted again: the question is in the channel already
        await check_kept(services, job, reader_id=who.member_id)
        request = mark_borrowed(_again(reaction, trigger), job, member_id=who.member_id)
        request.check_inputs()
        quote, requested_at = request.quote(services.prices), services.clock()
        checked = await check_quote(services, who, rule_query(request.mode), quote)
        async with OrderFiles(services.order_space, new_id(at=requested_at), who.requester) as files:
            request = await files.copy_inputs(request)
            order = Order(id=files.order_id, who=who, request=request, quote=quote, requested_at=requested_at)
            if checked.needs_confirmation:
                await self._ask_for_confirmation(reaction, order, checked)
                files.leave_to_pending_order()
            else:
                await self._accept(reaction, order)
                files.leave_to_job()

    async def _accept(self, reaction: Reaction, order: Order) -> None:
        """Post a card and accept the order on it."""
        shown = Acknowledgement(
            id=order.id,
            guild_id=order.who.guild_id,
            channel_id=reaction.job.address.channel_id,
            shows="placeholder",
            at=self.bot.services.clock(),
        )
        async with under_way(self.bot.services, shown):
            card = await self._post(reaction, order.id, content=finished.placeholder(order.who.member_id))
            await accept_on(card, self.bot, order)

    async def _ask_for_confirmation(self, reaction: Reaction, order: Order, checked: CheckedQuote) -> None:
        """Ask in the channel, with buttons that only this member can use, and keep the order until they answer."""
        pending_orders, member_id = self.bot.services.pending_orders, reaction.member.id
        needs_approval = checked.decision.needs_approval
        card = replace(
            confirmation_card(self.bot.services, order, checked),
            selects=(),
            buttons=finished.answer_buttons(order.id, member_id, needs_approval=needs_approval),
        )
        await pending_orders.keep(order)
        try:
            await self._post(
                reaction,
                order.id,
                content=finished.public_question(member_id),
                embed=to_embed(card),
                view=to_view(card) or discord.utils.MISSING,
                allowed_mentions=naming(member_id),
            )
        except BaseException:
            pending_orders.take(order.id, member_id=member_id)
            raise

    async def _post(self, reaction: Reaction, order_id: str, **message: Any) -> Address:
        """Reply to the parent's card, and return the reply's address; raises as `post_card`."""
        return await post_card(self.bot, reaction.job, reaction.channel, order_id, **message)

    async def _mail(self, reaction: Reaction) -> None:
        """Send the video, or its link if it is too large, and the recipe by direct message."""
        job = reaction.job
        await check_access(reaction.place, self.bot, RECIPES)
        try:
            await mail_video(self.bot, job, reaction.member.id)
        except discord.Forbidden:
            await self._say_unreachable(reaction)
        except DISCORD_ERRORS as error:
            log.warning("a video could not be sent by direct message: %s", error)

    async def _tell(self, reaction: Reaction, sentence: str) -> None:
        """Send the sentence by direct message; if the member accepts none, say only that in the channel."""
        try:
            async with asyncio.timeout(self.bot.services.settings.cards.discord_timeout_s):
                await mail(self.bot, reaction.member.id, sentence)
        except discord.Forbidden:
            await self._say_unreachable(reaction)
        except DISCORD_ERRORS as error:
            log.warning("a refusal could not be told: %s", error)

    async def _say_unreachable(self, reaction: Reaction) -> None:
        """Post in the channel that the member accepts no direct messages; it is deleted after `TOLD_FOR_S`.

        It holds nothing else about the member, and is posted once in `TOLD_EVERY_S` for a member, in all channels.
        """
        member_id, now = reaction.member.id, self.bot.services.clock()
        self._said_at = {one: at for one, at in self._said_at.items() if now - at < TOLD_EVERY_S}
        if member_id in self._said_at or len(self._said_at) >= TOLD_MAX:
            return
        self._said_at[member_id] = now
        await self._say_here(reaction, finished.no_mail(member_id), for_s=TOLD_FOR_S)

    async def _say_here(self, reaction: Reaction, sentence: str, *, for_s: float) -> discord.Message | None:
        """Post the sentence, which may ping its member only, in the channel for some seconds; failures are logged."""
        only = naming(reaction.member.id)
        try:
            async with asyncio.timeout(self.bot.services.settings.cards.discord_timeout_s):
                return await reaction.channel.send(sentence, delete_after=for_s, allowed_mentions=only)
        except DISCORD_ERRORS as error:
            log.warning("a sentence could not be posted in the channel: %s", error)
            return None
