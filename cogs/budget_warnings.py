"""Posts budget warnings to the servers' log channels, once each."""

import asyncio
import hashlib
import logging
from contextlib import suppress

import discord

from bot.cards.discord_request import CONNECTION_ERRORS, passes
from bot.errors import StorageError
from bot.ledger import rules as rulebook
from bot.ledger.budget_warnings import pending_warnings, warning_posted
from bot.ledger.model import Warned
from bot.texts.budget_warning import warning
from cogs.base.cog import LoopCog
from cogs.base.log_channel import log_channel

log = logging.getLogger(__name__)
POST_TIMEOUT_S = 30.0


class BudgetWarnings(LoopCog):
    """Posts the warnings that the ledger records; each is pending until posted, or the server has no log channel."""

    async def loop(self) -> None:
        """Post pending warnings after a job crosses a threshold, and every `warning_interval_s`."""
        await self.bot.wait_until_ready()
        services = self.bot.services
        while True:
            services.runner.warned.clear()
            try:
                for warned in await services.store.read(pending_warnings(self.bot.ready_shards())):
                    if await self._post(warned):
                        await services.store.write(warning_posted(warned), guild_id=None)
            except StorageError:
                log.warning("pending warnings could not be read or noted; trying again later", exc_info=True)
            except Exception:
                log.exception("a warning could not be posted; trying again later")
            with suppress(TimeoutError):
                async with asyncio.timeout(services.settings.cards.warning_interval_s):
                    await services.runner.warned.wait()

    async def _post(self, warned: Warned) -> bool:
        """Post the warning; return whether it is done: posted, or without a channel to post to."""
        guild = self.bot.get_guild(warned.guild_id)
        if guild is not None and guild.unavailable:
            return False  # an outage of Discord: the server's channels are unknown
        channel = await self._channel(warned.guild_id)
        if channel is None:
            return True
        try:
            async with asyncio.timeout(POST_TIMEOUT_S):
                # If the process dies before the write, the warning is posted again, and Discord drops it by its nonce.
                await channel.send(
                    warning(warned), nonce=_nonce(warned), allowed_mentions=discord.AllowedMentions.none()
                )
        except CONNECTION_ERRORS:
            return False
        except discord.HTTPException as error:
            log.warning("the log channel of server %d took no warning: %s", warned.guild_id, error)
            return not passes(error.status)
        return True

    async def _channel(self, guild_id: int) -> discord.abc.Messageable | None:
        """Return the server's log channel; None if none is set or it was deleted."""
        services = self.bot.services
        rules = await services.store.read(rulebook.rules_of(guild_id, at=services.clock()))
        return log_channel(self.bot.get_guild(guild_id), rules)


def _nonce(warned: Warned) -> str:
    """Return a digest of the warning; Discord takes 25 characters."""
    told = f"{warned.limit_scope} {warned.starts_at} {warned.ends_at} {warned.threshold}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]
