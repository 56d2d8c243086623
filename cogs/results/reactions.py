"""Reactions on a finished card: 🔁 the same again, 🎲 with a new seed, ❌ delete it, ✉️ send it to me.

They come as raw events, so they work on messages from before a restart and with the message cache off. A reaction
carries no interaction, so its card is a message of Wanda's own that replies to the parent's.
"""

import asyncio
import io
import logging
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord.ext import commands

from bot.answers import answer_privately
from bot.cards.embeds import to_embed, to_view
from bot.cards.poster import NONCE_CHARS_MAX, UPLOAD_BYTES_MAX, MessageReference
from bot.client import Interaction, Wanda
from bot.errors import AlreadyRunning, Busy, NotAllowed, Refusal, StorageError
from bot.jobs.facts import short_id
from bot.jobs.model import Address, Job
from bot.jobs.order import Order
from bot.jobs.queries import is_running, job_of_message
from bot.jobs.recipe import recipe_of
from bot.jobs.rerun import mark_borrowed, rerun
from bot.ledger.model import Who
from bot.runner.job_files import result_path
from bot.runner.order_files import OrderFiles
from bot.texts import finished
from bot.texts.button_ids import PUBLIC_ANSWER_TEMPLATE
from cogs.base.button import PersistentButton
from cogs.base.cog import FeatureCog
from cogs.ordering.member import check_posting, interaction_member, role_ids
from cogs.ordering.quote import CheckedQuote, check_quote, confirmation_card, rule_query
from cogs.results.buttons import delete_video
from cogs.results.direct_message import mail, naming
from cogs.results.rerun import check_kept

log = logging.getLogger(__name__)
KNOWN = frozenset({finished.RERUN, finished.RESEED, finished.DELETE, finished.MAIL})
BUSY_MAX = 1000  # reactions in hand at once; what comes above is left lying, and can be repeated
TOLD_FOR_S = 30.0
# Rules that say who may: whoever may not gets no answer at all. The others say when or how much, and are told.
QUIETLY = frozenset({"blocked", "channel", "mode", "resolution"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Somebody's reaction on a finished job's card."""

    job: Job
    emoji: str
    member: discord.Member
    channel: discord.abc.Messageable
    permissions: discord.Permissions
    wandas: discord.Permissions
    in_thread: bool

    @property
    def who(self) -> Who:
        """Whose money a rerun is: the reacting member's, by the rules of the card's channel."""
        return Who(
            guild_id=self.job.guild_id,
            channel_id=self.job.rules_channel_id or self.job.address.channel_id,
            member_id=self.member.id,
            role_ids=role_ids(self.member),
        )


def address_of_message(bot: Wanda, message: discord.Message) -> Address:
    """Return the address of a message that Wanda posted with the bot token; no interaction's token can edit it."""
    guild = message.guild
    return Address(
        channel_id=message.channel.id,
        message_id=message.id,
        application_id=bot.application_id or 0,
        token="",
        token_expires_at=0.0,
        size_limit_bytes=guild.filesize_limit if guild is not None else UPLOAD_BYTES_MAX,
        posted_at=bot.services.clock(),
    )


async def accept_on(card: Address, bot: Wanda, order: Order) -> None:
    """Have the order accepted on a message of Wanda's own.

    Raises:
        Refusal: nothing was held, and the message is deleted.
        StorageError: likewise.
    """
    try:
        await bot.services.runner.accept(replace(order, address=card))
    except (Refusal, StorageError):
        await take_back(bot, card)
        raise


async def take_back(bot: Wanda, card: Address) -> None:
    """Delete a message that nothing came of; one that stays is only logged."""
    channel = bot.get_partial_messageable(card.channel_id)
    try:
        async with asyncio.timeout(bot.services.settings.cards.discord_timeout_s):
            async with bot.services.turns.turn(card.channel_id, "delete"):
                await channel.get_partial_message(card.message_id).delete()
    except (discord.HTTPException, TimeoutError) as error:
        log.warning("a card could not be taken back: %s", error)


class PublicAnswerButton(PersistentButton, template=PUBLIC_ANSWER_TEMPLATE):
    """Make it, or Cancel, below a question in public that only one member may answer."""

    async def pressed(self, interaction: Interaction) -> None:
        """Make the video on the question's message, or drop the order."""
        member_id = int(self.parts["member_id"])
        if interaction.user.id != member_id:
            await answer_privately(interaction, finished.not_yours(member_id))
            return
        services = interaction.client.services
        order = services.pending_orders.take(self.parts["order_id"], member_id=member_id)
        if order is None:
            await interaction.response.edit_message(content=finished.QUESTION_OVER, embed=None, view=None)
            return
        async with OrderFiles(services.settings.storage.data_dir, order.id) as files:
            # The question may be a quarter of an hour old: the roles of this moment count.
            order = replace(order, who=replace(order.who, role_ids=interaction_member(interaction).role_ids))
            if await self._carry_out(interaction, order):
                files.keep()

    async def _carry_out(self, interaction: Interaction, order: Order) -> bool:
        """Return whether the order was accepted; the question becomes its card."""
        message = interaction.message
        if self.parts["answer"] != "yes" or message is None:
            await interaction.response.edit_message(content=finished.DROPPED, embed=None, view=None)
            return False
        placeholder = finished.placeholder(interaction.user.id)
        await interaction.response.edit_message(content=placeholder, embed=None, view=None)
        await accept_on(address_of_message(interaction.client, message), interaction.client, order)
        return True


class Reactions(FeatureCog):
    """Answers reactions; each is in hand once at a time for its member, message and emoji."""

    buttons = (PublicAnswerButton,)

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._busy: set[tuple[int, int, str]] = set()

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Do what the reaction asks for; everything that is not ours passes without a word."""
        emoji = (payload.emoji.name or "").removesuffix("\ufe0f")
        key = (payload.message_id, payload.user_id, emoji)
        if emoji not in KNOWN or not self._concerns_us(payload) or key in self._busy or len(self._busy) >= BUSY_MAX:
            return
        self._busy.add(key)
        try:
            reaction = await self._reaction(payload, emoji)
            if reaction is not None:
                await self._answer(reaction)
        except Exception:
            log.exception("a reaction was not answered")  # a reaction has no private answer
        finally:
            self._busy.discard(key)

    def _concerns_us(self, payload: discord.RawReactionActionEvent) -> bool:
        """Whether a person of a server reacted to a message of Wanda's, as far as the event itself tells."""
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
        """Return the reaction if it is on a finished card, by somebody who sees it and may use commands there."""
        job = await self.bot.services.store.read(job_of_message(payload.message_id))
        guild, member = self.bot.get_guild(payload.guild_id or 0), payload.member
        if job is None or job.state != "done" or guild is None or member is None or job.guild_id != guild.id:
            return None
        channel = guild.get_channel_or_thread(payload.channel_id)
        # An archived thread is not in the cache; it has its channel's permissions.
        ruling = channel or guild.get_channel(job.rules_channel_id or 0)
        if ruling is None:
            return None
        permissions = ruling.permissions_for(member)
        if not (permissions.view_channel and permissions.use_application_commands):
            return None
        place = self.bot.get_partial_messageable(payload.channel_id, guild_id=guild.id)
        return Reaction(
            job=job,
            emoji=emoji,
            member=member,
            channel=place,
            permissions=permissions,
            wandas=ruling.permissions_for(guild.me),
            in_thread=isinstance(channel, discord.Thread) or channel is None,
        )

    async def _answer(self, reaction: Reaction) -> None:
        try:
            match reaction.emoji:
                case finished.DELETE:
                    if reaction.member.id == reaction.job.member_id or reaction.permissions.manage_messages:
                        await delete_video(self.bot, reaction.job)
                case finished.MAIL:
                    await self._mail(reaction)
                case _:
                    await self._rerun(reaction)
        except AlreadyRunning:
            return
        except NotAllowed as refusal:
            if refusal.rule not in QUIETLY:
                await self._tell(reaction, finished.refusal_about(reaction.job, str(refusal)))
        except Refusal as refusal:
            await self._tell(reaction, finished.refusal_about(reaction.job, str(refusal)))

    async def _rerun(self, reaction: Reaction) -> None:
        """Have the rerun accepted on a card of its own, or ask the member for confirmation."""
        services, job, who = self.bot.services, reaction.job, reaction.who
        check_posting(reaction.wandas, in_thread=reaction.in_thread)
        trigger = f"react:{reaction.emoji}"
        if await services.store.read(is_running(job.id, who.member_id, trigger)):
            return  # before a card is posted; the acceptance checks it again
        if services.pending_orders.has_rerun(job.id, who.member_id, trigger):
            return  # its question is in the channel already; a reaction that is removed and added asks no second one
        await check_kept(services, job)
        request = rerun(job, seed="new" if reaction.emoji == finished.RESEED else "same")
        request = mark_borrowed(replace(request, trigger=trigger), job, member_id=who.member_id)
        request.check_inputs()
        quote, requested_at = request.quote(services.prices), services.clock()
        checked = await check_quote(services, who, rule_query(request.mode), quote)
        async with OrderFiles(services.settings.storage.data_dir, services.new_id()) as files:
            request = await files.copy_inputs(request)
            order = Order(id=files.order_id, who=who, request=request, quote=quote, requested_at=requested_at)
            if checked.needs_confirmation:
                await self._ask_for_confirmation(reaction, order, checked)
            else:
                card = await self._post(reaction, order.id, content=finished.placeholder(who.member_id))
                await accept_on(card, self.bot, order)
            files.keep()

    async def _ask_for_confirmation(self, reaction: Reaction, order: Order, checked: CheckedQuote) -> None:
        """Ask in the channel, in a message that only this member can answer, and keep the order until they do."""
        pending_orders, member_id = self.bot.services.pending_orders, reaction.member.id
        needs_approval = checked.decision.needs_approval
        card = replace(
            confirmation_card(self.bot.services, order, checked),
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
        """Reply to the parent's card when the channel's rate limit permits, and return the reply's address.

        Nobody is notified unless `message` says so. The nonce makes Discord drop the repeat of a request.

        Raises:
            Busy: it had no turn in time, or Wanda may not post there.
        """
        services, parent = self.bot.services, reaction.job
        quiet = {"mention_author": False, "allowed_mentions": discord.AllowedMentions.none()}
        options: dict[str, Any] = {**quiet, **message, "reference": MessageReference(parent)}
        try:
            async with asyncio.timeout(services.settings.cards.rerun_patience_s):
                async with services.turns.turn(parent.address.channel_id, "send"):
                    posted = await reaction.channel.send(nonce=f"a{order_id}"[:NONCE_CHARS_MAX], **options)
                return address_of_message(self.bot, posted)
        except TimeoutError:
            raise Busy(finished.NO_TURN) from None
        except discord.HTTPException as error:
            log.warning("a rerun's card could not be posted: %s", error)
            raise Busy(finished.NO_PLACE) from error

    async def _mail(self, reaction: Reaction) -> None:
        """Send the video, or its link where it is too large, and its recipe."""
        job = reaction.job
        video = result_path(job, self.bot.services.settings.storage.data_dir)
        fits = await asyncio.to_thread(lambda: video.is_file() and video.stat().st_size <= UPLOAD_BYTES_MAX)
        name = f"wanda-{job.mode}-{short_id(job.id)}"
        files = [discord.File(io.BytesIO(recipe_of(job).to_file()), filename=f"{name}.json")]
        if fits:
            files.insert(0, discord.File(video, filename=f"{name}.mp4"))
        try:
            async with asyncio.timeout(self.bot.services.settings.fal.upload_timeout_s):
                await mail(self.bot, reaction.member.id, finished.mail_text(job, attached=fits), files=files)
        except discord.Forbidden:
            await self._say(reaction, finished.no_mail(reaction.member.id))
        except (discord.HTTPException, TimeoutError) as error:
            log.warning("a video could not be sent by direct message: %s", error)
        finally:
            for file in files:
                file.close()

    async def _tell(self, reaction: Reaction, sentence: str) -> None:
        """Tell the member by direct message, else for a moment in the channel: a reaction has no private answer."""
        try:
            async with asyncio.timeout(self.bot.services.settings.cards.discord_timeout_s):
                await mail(self.bot, reaction.member.id, sentence)
        except discord.Forbidden:
            await self._say(reaction, f"<@{reaction.member.id}>, {sentence}")
        except (discord.HTTPException, TimeoutError) as error:
            log.warning("a refusal could not be told: %s", error)

    async def _say(self, reaction: Reaction, sentence: str) -> None:
        """Say it in the channel and take it back after half a minute."""
        only = naming(reaction.member.id)
        try:
            async with asyncio.timeout(self.bot.services.settings.cards.discord_timeout_s):
                await reaction.channel.send(sentence, delete_after=TOLD_FOR_S, allowed_mentions=only)
        except (discord.HTTPException, TimeoutError) as error:
            log.warning("a refusal could not be told in the channel: %s", error)
