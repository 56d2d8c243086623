"""Greets a server that Wanda joins, once: in its system channel, if she may write there."""

import asyncio
import hashlib
import logging

import discord
from discord.ext import commands

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.client import Wanda
from bot.errors import StorageError
from bot.jobs.greetings import LIFE_S, begin_greeting, due_greetings, end_greeting, try_greeting
from bot.texts.welcome import server_greeting
from cogs.base.cog import LoopCog

log = logging.getLogger(__name__)
LOOK_EVERY_S = 300.0
LOOK_THROUGH_MAX = 20
NONCE_CHARS_MAX = 25  # Discord's limit


class Welcome(LoopCog):
    """Posts the greetings; a restart neither repeats nor forgets one, and a server that adds Wanda again gets none."""

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._joined = asyncio.Event()

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Look for servers to greet."""
        del guild
        self._joined.set()

    async def loop(self) -> None:
        """Greet servers that Wanda joined, also those that she joined while she was not running."""
        await self.bot.wait_until_ready()
        begun: set[int] = set()
        while True:
            self._joined.clear()
            try:
                await self._begin(begun)
                await self._greet_due()
            except StorageError:
                log.warning("servers could not be greeted; this is tried again", exc_info=True)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._joined.wait()
            except TimeoutError:
                continue

    async def _begin(self, begun: set[int]) -> None:
        """Note the servers that were joined within a greeting's life; `begun` are those that were noted already."""
        services = self.bot.services
        since, allowed = services.clock() - LIFE_S, services.shipped.allowed_servers
        for guild in list(self.bot.guilds):
            joined_at = guild.me.joined_at if guild.me else None
            is_new = joined_at is not None and joined_at.timestamp() > since and guild.id not in begun
            if is_new and (not allowed or guild.id in allowed):
                await services.store.write(begin_greeting(guild.id, at=services.clock()), guild_id=None)
                begun.add(guild.id)

    async def _greet_due(self) -> None:
        services = self.bot.services
        due = await services.store.read(due_greetings(self.bot.ready_shards(), now=services.clock()))
        for guild_id, tries in due.items():
            guild = self.bot.get_guild(guild_id)
            if guild is None:
                continue
            try:
                await self._greet(guild, tries)
            except DiscordRefused as refused:
                log.info("server %d was not greeted: %s", guild_id, refused)
                if refused.trouble == "later":
                    continue
            await services.store.write(end_greeting(guild_id), guild_id=None)

    async def _greet(self, guild: discord.Guild, tries: int) -> None:
        services, channel = self.bot.services, guild.system_channel
        if channel is None or not _may_write(channel):
            return
        words = server_greeting(services.shipped, self.bot.command_access.mention)
        timeout_s = services.settings.cards.discord_timeout_s
        if tries and await self._was_said(channel, words, timeout_s=timeout_s):
            return
        await services.store.write(try_greeting(guild.id), guild_id=None)
        nonce = hashlib.sha256(f"greeting {guild.id}".encode()).hexdigest()[:NONCE_CHARS_MAX]
        async with services.channel_queue.turn(channel.id, "send"), discord_request(timeout_s):
            await channel.send(words, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())

    async def _was_said(self, channel: discord.TextChannel, words: str, *, timeout_s: float) -> bool:
        """Return whether an earlier try posted it: Discord itself remembers a nonce for minutes only."""
        async with discord_request(timeout_s):
            async for message in channel.history(limit=LOOK_THROUGH_MAX):
                if message.author == self.bot.user and message.content.partition("\n")[0] == words.partition("\n")[0]:
                    return True
        return False


def _may_write(channel: discord.TextChannel) -> bool:
    mine = channel.permissions_for(channel.guild.me)
    return mine.view_channel and mine.send_messages and mine.read_message_history
