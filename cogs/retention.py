"""Retention: a loop that deletes old files, and listeners for servers that Wanda leaves or joins again."""

import logging

import discord
from discord.ext import commands

from bot.errors import StorageError
from bot.jobs.leaving import keep_guild, note_guilds
from bot.runner.retention import keep_tidy
from bot.sharding import Shards
from cogs.base.cog import ShardLoopCog

log = logging.getLogger(__name__)
# If Wanda is started with another bot's token by mistake, all its servers are missing; a week is enough to notice.
MISSED_GRACE_S = 7 * 86400.0


class RetentionLoop(ShardLoopCog):
    """Deletes files after `keep_days`, and the data of servers that Wanda was removed from."""

    async def loop(self) -> None:
        """Delete old files, every `cleanup_interval_s` and when shards were taken up."""
        services = self.bot.services
        await keep_tidy(services.keeper, every_s=services.settings.storage.cleanup_interval_s, sleep=self._pause)

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """Mark the shard's servers that removed Wanda while it was offline; their data is deleted a week later.

        What waits there for approval ends at once, and its hold with it.
        """
        services, present = self.bot.services, {guild.id for guild in self.bot.guilds}
        shards = Shards(self.bot.held.count, frozenset({shard_id}))
        try:
            noting = note_guilds(present, shards, at=services.clock() + MISSED_GRACE_S)
            await services.store.write(noting, guild_id=None)
        except StorageError:
            log.warning("the servers that Wanda is in could not be noted", exc_info=True)
        else:
            await services.runner.sweep()

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Delete the server's data; entries of money stay under pseudonyms. Not called for an outage.

        Jobs that fal was not asked for yet end at once, and their holds with them.
        """
        try:
            gone = await self.bot.services.keeper.forget_guild(guild.id)
        except StorageError:
            log.warning("the data of server %d is deleted later", guild.id, exc_info=True)
        else:
            log.info("Wanda was removed from server %d; its data is %s", guild.id, "deleted" if gone else "going")
        await self.bot.services.runner.sweep()

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Cancel the deletion of a server's data when it adds Wanda again."""
        try:
            await self.bot.services.store.write(keep_guild(guild.id), guild_id=None)
        except StorageError:
            log.warning("it could not be noted that Wanda is in server %d again", guild.id, exc_info=True)
