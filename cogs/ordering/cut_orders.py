"""Answers what the last process left acknowledged and could not finish: no order of these holds anything."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import discord

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.client import Wanda
from bot.errors import StorageError
from bot.jobs import acknowledgements
from bot.jobs.acknowledgements import Acknowledgement
from bot.jobs.chip_in_rows import is_card, is_known
from bot.jobs.queries import get, job_of_message
from bot.sharding import Shards
from bot.texts.finished import GETTING_READY
from cogs.base.cog import LoopCog
from cogs.ordering.card_place import TOKEN_LIFE_S

log = logging.getLogger(__name__)
CUT = "Wanda restarted before your video began, so you weren't charged. Please ask for it again."
CUT_ANSWER = "Wanda restarted before answering. If it hasn't happened, please ask again."
SEARCH_WITHIN_S = 10.0
SEARCHED_MAX = 200  # messages of a channel
SEARCHES_AT_ONCE = 8  # channels; the shards do not answer before
CLOCKS_APART_S = 5.0  # at most, Discord's and this machine's
MARGIN_S = 30.0  # of a token's life


class CutOrders(LoopCog):
    """Once for each shard: "thinking" and placeholders without a job are removed, and their members told so."""

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._left: asyncio.Queue[Acknowledgement] = asyncio.Queue()
        self._queued_ids: set[str] = set()
        self._found: dict[int, set[int]] = defaultdict(set)
        self._cleared: set[int] = set()

    async def take_up(self, shards: Shards) -> None:
        """Find what the last process left, before the sessions begin: later there are messages of this one.

        It may be called again, if something else kept the shards from being taken up.
        """
        try:
            found = await self.bot.services.store.read(acknowledgements.left_over(shards))
            left = [one for one in found if one.id not in self._queued_ids]
            with suppress(TimeoutError):
                async with asyncio.timeout(SEARCH_WITHIN_S):
                    await self._search([one for one in left if not self._is_answerable(one)])
        except StorageError:
            log.warning("orders that were cut short could not be read; the next start looks again", exc_info=True)
        else:
            self._queued_ids |= {one.id for one in left}
            for one in left:
                self._left.put_nowait(one)

    async def loop(self) -> None:
        """Answer each order, and forget it unless Discord says "later" until the tries are used up."""
        settings, store = self.bot.services.settings.cards, self.bot.services.store
        while True:
            one = await self._left.get()
            for attempt in range(settings.discord_tries):
                try:
                    await self._answer(one)
                except DiscordRefused as refused:
                    log.info("order %s was cut short and could not be answered: %s", one.id, refused)
                    if refused.trouble == "later":
                        await asyncio.sleep(settings.discord_wait_s * 2**attempt)
                        continue
                except StorageError:
                    log.warning("an order that was cut short is answered at the next start", exc_info=True)
                    break
                except Exception:
                    log.exception("a defect kept an order that was cut short from being answered")
                    break
                with suppress(StorageError):
                    await store.write(acknowledgements.drop(one.id), guild_id=None)
                break
            self._queued_ids.discard(one.id)

    def _has_token(self, one: Acknowledgement) -> bool:
        return bool(one.token) and self.bot.services.clock() < one.at + TOKEN_LIFE_S - MARGIN_S

    def _is_answerable(self, one: Acknowledgement) -> bool:
        """Return whether the message is found by the interaction's token, and need not be searched for."""
        return one.shows == "thinking" and self._has_token(one)

    async def _search(self, cut: Sequence[Acknowledgement]) -> None:
        """Find the messages that these orders show, in several channels at once."""
        in_channels: defaultdict[int, list[Acknowledgement]] = defaultdict(list)
        for one in cut:
            in_channels[one.channel_id].append(one)
        places = asyncio.Semaphore(SEARCHES_AT_ONCE)

        async def search(channel_id: int, orders: Sequence[Acknowledgement]) -> None:
            async with places:
                await self._search_channel(channel_id, orders)

        await asyncio.gather(*(search(channel_id, orders) for channel_id, orders in in_channels.items()))

    async def _search_channel(self, channel_id: int, orders: Sequence[Acknowledgement]) -> None:
        after = datetime.fromtimestamp(min(one.at for one in orders) - CLOCKS_APART_S, tz=UTC)
        channel = self.bot.get_partial_messageable(channel_id)
        try:
            async with discord_request(SEARCH_WITHIN_S):
                messages = [m async for m in channel.history(after=after, limit=SEARCHED_MAX, oldest_first=True)]
            for message_id in (one.message_id for one in orders if one.message_id):
                messages += await message_if_there(channel, message_id)
        except DiscordRefused as refused:
            log.info("orders that were cut short in channel %d could not be looked for: %s", channel_id, refused)
        else:
            self._found[channel_id] |= {message.id for message in messages if self._is_left(message)}

    def _is_left(self, message: discord.Message) -> bool:
        """Return whether the message is Wanda's and shows nothing but that she is at it."""
        is_placeholder = message.content.startswith(GETTING_READY)
        return message.author == self.bot.user and (message.flags.loading or is_placeholder)

    async def _answer(self, one: Acknowledgement) -> None:
        """Remove what the order shows, unless it is a job's card, and tell its member if that is still possible.

        Raises:
            DiscordRefused: a request failed.
            StorageError: the database did not answer.
        """
        read = self.bot.services.store.read
        if await read(get(one.id)) is not None or await read(is_known(one.id)):
            return
        hook = discord.Webhook.partial(one.application_id, one.token or "none", client=self.bot)
        hook.type = discord.WebhookType.application  # which alone may send private messages
        if self._is_answerable(one):
            await self._answer_thinking(hook, one)
        elif await self._remove_found(one.channel_id, one.guild_id) and self._has_token(one):
            await self._tell(hook)

    async def _answer_thinking(self, hook: discord.Webhook, one: Acknowledgement) -> None:
        original = "@original"
        try:
            async with discord_request(self._timeout_s):
                message = await hook.fetch_message(original)  # pyright: ignore[reportArgumentType] - it becomes a path
        except DiscordRefused as refused:
            if refused.trouble == "message_gone":
                return  # it was answered
            raise
        if not message.flags.loading or await self._is_card(message.id, one.guild_id):
            return
        async with discord_request(self._timeout_s):
            if message.flags.ephemeral:
                await hook.edit_message(message.id, content=CUT_ANSWER)
                return
            await hook.delete_message(message.id)
        await self._tell(hook)

    async def _remove_found(self, channel_id: int, guild_id: int) -> bool:
        """Delete the channel's messages that were found; return whether there were any."""
        for message_id in tuple(self._found[channel_id]):
            if not await self._is_card(message_id, guild_id):
                try:
                    turn = self.bot.services.channel_queue.turn(channel_id, "delete")
                    async with turn, discord_request(self._timeout_s):
                        await self.bot.get_partial_messageable(channel_id).get_partial_message(message_id).delete()
                except DiscordRefused as refused:
                    if refused.trouble != "message_gone":
                        raise
                else:
                    self._cleared.add(channel_id)
            self._found[channel_id].discard(message_id)
        return channel_id in self._cleared

    async def _is_card(self, message_id: int, guild_id: int) -> bool:
        read = self.bot.services.store.read
        return await read(job_of_message(message_id)) is not None or await read(is_card(message_id, guild_id))

    async def _tell(self, hook: discord.Webhook) -> None:
        async with discord_request(self._timeout_s):
            await hook.send(CUT, ephemeral=True, wait=True)

    @property
    def _timeout_s(self) -> float:
        return self.bot.services.settings.cards.discord_timeout_s


async def message_if_there(channel: discord.abc.Messageable, message_id: int) -> list[discord.Message]:
    """Return the message, or nothing if it was deleted meanwhile: the others of its channel are still to be found.

    Raises:
        DiscordRefused: as any request.
    """
    try:
        async with discord_request(SEARCH_WITHIN_S):
            return [await channel.fetch_message(message_id)]
    except DiscordRefused as refused:
        if refused.trouble == "message_gone":
            return []
        raise
