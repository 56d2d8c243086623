"""Reactions on a finished card: 🔁 the same again, 🎲 with a new seed, ❌ delete it, ✉️ send it to me.

They come as raw events, so they work on messages from before a restart and with the message cache off. A reaction
carries no interaction, so its card is a message of Wanda's own that replies to the parent's.
"""

import asyncio
import io
import logging
import re
from dataclasses import dataclass, replace
from typing import Any, Self

import discord
from discord.ext import commands

from bot.cards.embeds import to_embed, to_view
from bot.cards.poster import UPLOAD_BYTES_MAX
from bot.client import FAILED, STORAGE_TROUBLE, Interaction, Wanda, answer_privately
from bot.errors import AlreadyRunning, Busy, NotAllowed, Refusal, StorageError
from bot.jobs.facts import short_id
from bot.jobs.model import Address, Job
from bot.jobs.queries import is_running, job_of_message
from bot.jobs.recipe import recipe_of
from bot.jobs.rerun import rerun
from bot.ledger.model import Who
from bot.media.intake import discard, inputs_folder
from bot.runner.drafts import Draft
from bot.runner.job_files import result_path
from bot.texts import finished
from cogs.ordering.card_place import address_of_own, order_of, own_card
from cogs.ordering.command import check_posting
from cogs.ordering.quote import Weighed, question, weigh
from cogs.ordering.who import asker, role_ids
from cogs.results.buttons import delete_video
from cogs.results.direct_message import mail, naming
from cogs.results.rerun import check_kept, draft_for, wish_for

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


class Reactions(commands.Cog):
    """Answers reactions; each is in hand once at a time for its member, message and emoji."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is registered before `cog_load`."""
        self.bot = bot
        self._busy: set[tuple[int, int, str]] = set()

    async def cog_load(self) -> None:
        """Begin to answer the questions that a costly reaction asks."""
        self.bot.add_dynamic_items(AnswerButton)

    async def cog_unload(self) -> None:
        """Answer them no more."""
        self.bot.remove_dynamic_items(AnswerButton)

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
        except StorageError:
            log.exception("a reaction was left lying: the database did not answer")
        except Exception:
            log.exception("a reaction failed")
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
                await self._tell(reaction, finished.refused_for(reaction.job, str(refusal)))
        except Refusal as refusal:
            await self._tell(reaction, finished.refused_for(reaction.job, str(refusal)))

    async def _rerun(self, reaction: Reaction) -> None:
        """Have it made again on a card of its own, or ask the member first; what fails leaves nothing."""
        services, job = self.bot.services, reaction.job
        check_posting(reaction.wandas, in_thread=reaction.in_thread)
        trigger = f"react:{reaction.emoji}"
        if await services.store.read(is_running(job.id, reaction.member.id, trigger)):
            return  # without a card that would come and go; the acceptance sees to it in any case
        if services.drafts.is_asked(job.id, reaction.member.id, trigger):
            return  # the question stands in the channel; taking the reaction back and forth asks no second one
        await check_kept(services, job)
        again = rerun(job, seed="new" if reaction.emoji == finished.RESEED else "same")
        wish = wish_for(services, job, again, trigger)
        weighed = await weigh(services, reaction.who, again.mode, again.inputs)
        job_id, kept = services.new_id(), False
        try:
            draft = await draft_for(services, wish, reaction.who, job_id)
            if weighed.is_costly:
                await self._ask(reaction, draft, weighed)
            else:
                await self._begin(reaction, draft)
            kept = True
        finally:
            if not kept:
                await discard(inputs_folder(services.settings.data_dir, job_id))

    async def _begin(self, reaction: Reaction, draft: Draft) -> None:
        """Post the card in its turn, and have the job accepted on it.

        Raises:
            Refusal: it was not accepted, and the card is gone.
        """
        card = await self._post(reaction, draft, content=finished.placeholder(reaction.member.id))
        await accept_on(self.bot, draft, card)

    async def _ask(self, reaction: Reaction, draft: Draft, weighed: Weighed) -> None:
        """Ask in the channel, in a message that only this member can answer."""
        services = self.bot.services
        needs = weighed.decision.needs_approval
        card = replace(
            question(services, draft, weighed),
            buttons=finished.answer_buttons(draft.id, reaction.member.id, needs_approval=needs),
        )
        for over in services.drafts.keep(draft):
            await discard(inputs_folder(services.settings.data_dir, over.id))
        try:
            await self._post(
                reaction,
                draft,
                content=finished.asked_in_public(reaction.member.id),
                embed=to_embed(card),
                view=to_view(card) or discord.utils.MISSING,
                allowed_mentions=naming(reaction.member.id),
            )
        except BaseException:
            services.drafts.take(draft.id, member_id=reaction.member.id)
            raise

    async def _post(self, reaction: Reaction, draft: Draft, **message: Any) -> Address:
        """Post a message that replies to the parent's card, once the channel's limit lets it.

        Raises:
            Busy: it had no turn in time, or Wanda may not post there.
        """
        try:
            async with asyncio.timeout(self.bot.services.settings.rerun_patience_s):
                return await own_card(self.bot, reaction.job, draft.id, reaction.channel, **message)
        except TimeoutError:
            raise Busy(finished.NO_TURN) from None
        except discord.HTTPException as error:
            log.warning("a rerun's card could not be posted: %s", error)
            raise Busy(finished.NO_PLACE) from error

    async def _mail(self, reaction: Reaction) -> None:
        """Send the video, or its link where it is too large, and its recipe."""
        job = reaction.job
        video = result_path(job, self.bot.services.settings.data_dir)
        fits = await asyncio.to_thread(lambda: video.is_file() and video.stat().st_size <= UPLOAD_BYTES_MAX)
        name = f"wanda-{job.mode}-{short_id(job.id)}"
        files = [discord.File(io.BytesIO(recipe_of(job).to_file()), filename=f"{name}.json")]
        if fits:
            files.insert(0, discord.File(video, filename=f"{name}.mp4"))
        try:
            async with asyncio.timeout(self.bot.services.settings.upload_timeout_s):
                await mail(self.bot, reaction.member.id, finished.mailed(job, attached=fits), files=files)
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
            async with asyncio.timeout(self.bot.services.settings.discord_timeout_s):
                await mail(self.bot, reaction.member.id, sentence)
        except discord.Forbidden:
            await self._say(reaction, f"<@{reaction.member.id}>, {sentence}")
        except (discord.HTTPException, TimeoutError) as error:
            log.warning("a refusal could not be told: %s", error)

    async def _say(self, reaction: Reaction, sentence: str) -> None:
        """Say it in the channel and take it back after half a minute."""
        only = naming(reaction.member.id)
        try:
            async with asyncio.timeout(self.bot.services.settings.discord_timeout_s):
                await reaction.channel.send(sentence, delete_after=TOLD_FOR_S, allowed_mentions=only)
        except (discord.HTTPException, TimeoutError) as error:
            log.warning("a refusal could not be told in the channel: %s", error)


async def accept_on(bot: Wanda, draft: Draft, card: Address) -> None:
    """Have the draft's job accepted on a message of Wanda's own.

    Raises:
        Refusal: nothing was held, and the message is gone again.
        StorageError: likewise.
    """
    try:
        await bot.services.runner.accept(order_of(draft, card))
    except (Refusal, StorageError):
        await take_back(bot, card)
        raise


async def take_back(bot: Wanda, card: Address) -> None:
    """Delete a message that nothing came of; one that stays is only logged."""
    channel = bot.get_partial_messageable(card.channel_id)
    try:
        async with asyncio.timeout(bot.services.settings.discord_timeout_s):
            async with bot.services.turns.turn(card.channel_id, "delete"):
                await channel.get_partial_message(card.message_id).delete()
    except (discord.HTTPException, TimeoutError) as error:
        log.warning("a card could not be taken back: %s", error)


class AnswerButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=finished.ANSWER_TEMPLATE):
    """Make it, or Cancel, below a question in public that one member was asked."""

    def __init__(self, wish: str, draft_id: str, member_id: int) -> None:
        """Stand for the button that the question shows."""
        super().__init__(discord.ui.Button(label=wish, custom_id=f"wanda:{wish}:{draft_id}:{member_id}"))
        self.wish = wish
        self.draft_id = draft_id
        self.member_id = member_id

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the answer, the draft and whom it was asked from the button's id."""
        return cls(match["wish"], match["draft_id"], int(match["member_id"]))

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Carry the answer out; errors are answered here, because discord.py only logs them."""
        if interaction.user.id != self.member_id:
            await answer_privately(interaction, finished.not_yours(self.member_id))
            return
        draft = interaction.client.services.drafts.take(self.draft_id, member_id=self.member_id)
        if draft is None:
            await interaction.response.edit_message(content=finished.QUESTION_OVER, embed=None, view=None)
            return
        kept = False
        try:
            # Roles count as they are at the press: the question may be a quarter of an hour old.
            draft = replace(draft, who=replace(draft.who, role_ids=asker(interaction).role_ids))
            kept = await self._carry_out(interaction, draft)
        except Exception:
            log.exception("an answer to a question in public failed")
            await answer_privately(interaction, FAILED)
        finally:
            if not kept:
                await discard(inputs_folder(interaction.client.services.settings.data_dir, draft.id))

    async def _carry_out(self, interaction: Interaction, draft: Draft) -> bool:
        """Return whether the draft became a job; the question becomes its card."""
        message = interaction.message
        if self.wish != "yes" or message is None:
            await interaction.response.edit_message(content=finished.DROPPED, embed=None, view=None)
            return False
        await interaction.response.edit_message(content=finished.placeholder(self.member_id), embed=None, view=None)
        try:
            await accept_on(interaction.client, draft, address_of_own(interaction.client, message))
        except Refusal as refusal:
            await answer_privately(interaction, str(refusal))
        except StorageError:
            log.exception("a rerun was refused: the database did not answer")
            await answer_privately(interaction, STORAGE_TROUBLE)
        else:
            return True
        return False


def reactions(bot: Wanda) -> tuple[Reactions]:
    """Make the cog."""
    return (Reactions(bot),)
