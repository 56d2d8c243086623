"""Posts each accepted prompt to the channel that the server's admins chose for them."""

import asyncio
import io
import logging
from collections.abc import Sequence

import discord

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.poster import NONCE_CHARS_MAX
from bot.errors import StorageError
from bot.jobs.model import Job
from bot.jobs.prompt_log import LoggedPrompt, end_prompt, prompts_to_log, put_off_prompt
from bot.ledger import rules as rulebook
from bot.log import job_scope
from bot.texts.prompt_log import prompt_log_file, prompt_log_line
from cogs.base.cog import LoopCog

log = logging.getLogger(__name__)
AT_ONCE = 500  # prompts looked at in one round
FILE_NAME = "prompt.txt"


class PromptLog(LoopCog):
    """Posts what is to be logged, server by server, at most one message of each at a time."""

    async def loop(self) -> None:
        """Post what is to be logged, every `interval_s`."""
        await self.bot.wait_until_ready()
        while True:
            try:
                found = await self.bot.services.store.read(prompts_to_log(self.bot.ready_shards(), limit=AT_ONCE))
                await self._post_all(found)
            except StorageError:
                log.warning("prompts to be logged could not be read or noted; trying again later", exc_info=True)
            except Exception:
                log.exception("prompts could not be logged; trying again later")
            await asyncio.sleep(self.bot.services.settings.pings.interval_s)

    async def _post_all(self, found: Sequence[LoggedPrompt]) -> None:
        by_server: dict[int, list[LoggedPrompt]] = {}
        for one in found:
            by_server.setdefault(0 if one.job is None else one.job.guild_id, []).append(one)
        await asyncio.gather(*(self._post_of(guild_id, prompts) for guild_id, prompts in by_server.items()))

    async def _post_of(self, guild_id: int, prompts: Sequence[LoggedPrompt]) -> None:
        store, channel = self.bot.services.store, await self._channel(guild_id)
        for one in prompts:
            is_over = one.job is None or channel is None or one.tries >= self.bot.services.settings.pings.tries_max
            if not is_over and not await self._is_posted(channel, one.job):
                await store.write(put_off_prompt(one.job_id), guild_id=None)
                return  # the next round goes on, in order
            await store.write(end_prompt(one.job_id), guild_id=None)

    async def _channel(self, guild_id: int) -> discord.abc.Messageable | None:
        services, guild = self.bot.services, self.bot.get_guild(guild_id)
        rules = await services.store.read(rulebook.rules_of(guild_id, at=services.clock()))
        channel_id = next((rule.value for rule in rules if (rule.subject, rule.name) == ("server", "prompt_log")), None)
        channel = None if guild is None or channel_id is None else guild.get_channel_or_thread(int(channel_id))
        return channel if isinstance(channel, discord.abc.Messageable) else None

    async def _is_posted(self, channel: discord.abc.Messageable | None, job: Job | None) -> bool:
        """Post it; return whether it is posted, or never will be."""
        if channel is None or job is None:
            return True
        whole = prompt_log_file(job)
        file = None if whole is None else discord.File(io.BytesIO(whole.encode()), filename=FILE_NAME)
        try:
            async with discord_request(self.bot.services.settings.cards.discord_timeout_s):
                # Discord drops a repeat after a crash by its nonce.
                await channel.send(
                    prompt_log_line(job),
                    file=file or discord.utils.MISSING,
                    nonce=f"p{job.id}"[:NONCE_CHARS_MAX],
                    suppress_embeds=True,
                    allowed_mentions=discord.AllowedMentions.none(),
                )
        except DiscordRefused as refused:
            with job_scope(job.id):
                log.warning("the prompt log of server %d took no message: %s", job.guild_id, refused)
            return refused.trouble != "later"
        return True
