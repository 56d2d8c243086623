"""What is kept, and for how long: one loop that removes old files, and a server that Wanda was removed from."""

import asyncio
import logging

import discord
from discord.ext import commands

from bot.client import Wanda
from bot.errors import StorageError
from bot.jobs.erasure import guilds_present, stay_in_guild
from bot.runner.retention import keep_tidy
from bot.tasks import end

log = logging.getLogger(__name__)
# A server that was left while Wanda was away may also be one that another bot's token cannot see.
MISSED_GRACE_S = 7 * 86400.0


class RetentionLoop(commands.Cog):
    """Removes what is no longer kept, while it is loaded."""

    def __init__(self, bot: Wanda) -> None:
        """The loop begins with `cog_load`."""
        self.bot = bot
        self._loop: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        """Begin to look."""
        every_s = self.bot.services.settings.storage.cleanup_interval_s
        self._loop = asyncio.create_task(
            keep_tidy(self.bot.services.keeper, every_s=every_s, sleep=asyncio.sleep), name="old files"
        )

    async def cog_unload(self) -> None:
        """End the loop and wait for its end."""
        await end(self._loop)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Note the servers that Wanda was removed from while she was away; their data is deleted a week later."""
        services, shards = self.bot.services, set(self.bot.shards)
        count = self.bot.shard_count or 1

        def mine(guild_id: int) -> bool:
            return (guild_id >> 22) % count in shards

        present = {guild.id for guild in self.bot.guilds}
        try:
            await services.store.write(guilds_present(present, mine, at=services.clock() + MISSED_GRACE_S))
        except StorageError:
            log.warning("the servers that Wanda is in could not be noted", exc_info=True)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Delete everything of the server but the money entries, which lose the names; an outage removes nothing."""
        try:
            gone = await self.bot.services.keeper.forget_guild(guild.id)
        except StorageError:
            log.warning("the data of server %d is deleted later", guild.id, exc_info=True)
        else:
            log.info("Wanda was removed from server %d; its data is %s", guild.id, "deleted" if gone else "going")

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Keep what was not deleted yet of a server that Wanda is in again."""
        try:
            await self.bot.services.store.write(stay_in_guild(guild.id))
        except StorageError:
            log.warning("it could not be noted that Wanda is in server %d again", guild.id, exc_info=True)


def keeping(bot: Wanda) -> tuple[RetentionLoop]:
    """Make the cog."""
    return (RetentionLoop(bot),)
