"""One loop over one table: warnings that a pool runs low go to the server's log channel, once each."""

import asyncio
import hashlib
import logging
from contextlib import suppress

import discord
from discord.ext import commands

from bot.client import Wanda
from bot.errors import StorageError
from bot.ledger import rules as rulebook
from bot.ledger.budget_warnings import pending_warnings, warning_posted
from bot.ledger.model import Warned
from bot.tasks import end
from bot.texts.budget_warning import warning

log = logging.getLogger(__name__)
POST_TIMEOUT_S = 30.0
FOR_NOW = frozenset({500, 502, 503, 504, 429})


class BudgetWarnings(commands.Cog):
    """Posts what the ledger has recorded; a warning stays recorded until it was posted or nobody wants it."""

    def __init__(self, bot: Wanda) -> None:
        """The loop begins with `cog_load`."""
        self.bot = bot
        self._loop: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        """Begin to watch."""
        self._loop = asyncio.create_task(self._watch(), name="warnings")

    async def cog_unload(self) -> None:
        """End the loop and wait for its end."""
        await end(self._loop)

    async def _watch(self) -> None:
        """Post what is pending whenever a job has crossed a threshold, and from time to time."""
        await self.bot.wait_until_ready()
        services = self.bot.services
        while True:
            services.runner.warned.clear()
            try:
                for warned in await services.store.read(pending_warnings()):
                    if await self._post(warned):
                        await services.store.write(warning_posted(warned))
            except StorageError:
                log.warning("pending warnings could not be read or noted; trying again later", exc_info=True)
            except Exception:
                log.exception("a warning could not be posted; trying again later")
            with suppress(TimeoutError):
                async with asyncio.timeout(services.settings.cards.warning_interval_s):
                    await services.runner.warned.wait()

    async def _post(self, warned: Warned) -> bool:
        """Post it; returns whether it is over with: posted, or without a channel that would take it."""
        guild = self.bot.get_guild(warned.guild_id)
        if guild is not None and guild.unavailable:
            return False  # Discord has an outage there: its channels are not known for now
        channel = await self._channel(warned.guild_id)
        if channel is None:
            return True
        try:
            async with asyncio.timeout(POST_TIMEOUT_S):
                # Should the process die before this is noted, Discord takes the same nonce once only.
                await channel.send(
                    warning(warned), nonce=_nonce(warned), allowed_mentions=discord.AllowedMentions.none()
                )
        except TimeoutError:
            return False
        except discord.HTTPException as error:
            log.warning("the log channel of server %d took no warning: %s", warned.guild_id, error)
            return error.status not in FOR_NOW
        return True

    async def _channel(self, guild_id: int) -> discord.abc.Messageable | None:
        """Return the server's log channel, if it has set one that is still there."""
        services = self.bot.services
        rules = await services.store.read(rulebook.rules_of(guild_id, at=services.clock()))
        channel_id = next((int(r.value) for r in rules if (r.subject, r.name) == ("server", "log_channel")), None)
        guild = self.bot.get_guild(guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild and channel_id else None
        return channel if isinstance(channel, discord.abc.Messageable) else None


def _nonce(warned: Warned) -> str:
    """Return what is the same for the same warning and for no other; Discord takes 25 characters."""
    told = f"{warned.limit_scope} {warned.starts_at} {warned.ends_at} {warned.threshold}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def watch(bot: Wanda) -> tuple[BudgetWarnings]:
    """Make the cog."""
    return (BudgetWarnings(bot),)
