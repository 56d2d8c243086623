"""Tells whoever runs Wanda what is wrong with fal, once, and when it is over: in the log, and in their channel."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress

import discord

from bot.cards.discord_request import DISCORD_ERRORS
from bot.client import Wanda
from bot.errors import StorageError
from bot.jobs.alarms import Alarm, note_told, tell_in, to_tell
from bot.texts.operator_news import fitting, line, news
from bot.trouble import Trouble
from cogs.base.cog import LoopCog

log = logging.getLogger(__name__)
POST_TIMEOUT_S = 30.0
LOGGED_MAX = 1000


class OperatorNews(LoopCog):
    """The process with shard 0 tells, whichever process found it; what is due at the same time is one message.

    What does not fit into it comes with the next one.
    """

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._logged: set[str] = set()
        self._trouble = Trouble("the operators' channel")
        self._is_channel_noted = False

    async def loop(self) -> None:
        """Tell what is new, at once or `news_pause_s` after the last message."""
        await self.bot.wait_until_ready()
        alarms, settings = self.bot.services.alarms, self.bot.services.settings.watch
        while True:
            alarms.changed.clear()
            pause_s = settings.alarms_every_s
            try:
                if self.bot.held_shards().owns(None) and await self._tell():
                    pause_s = settings.news_pause_s
            except StorageError:
                log.warning("what is to be told to the operator could not be read or noted; it is tried again")
            except Exception:
                log.exception("a defect kept Wanda from telling the operator something")
            if pause_s > settings.alarms_every_s:
                await asyncio.sleep(pause_s)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await alarms.changed.wait()

    async def _tell(self) -> bool:
        """Tell what is due; return whether a message was sent, or tried in vain.

        Raises:
            StorageError: the database did not answer.
        """
        services = self.bot.services
        watch = services.settings.watch
        if not self._is_channel_noted:
            await services.store.write(tell_in(watch.operator_channel_id), guild_id=None)
            self._is_channel_noted = True
        due = await services.store.read(to_tell(ended_before=services.clock() - watch.news_calm_s))
        if not due:
            return False
        self._log(due)
        if watch.operator_channel_id is None:
            await services.store.write(note_told(due), guild_id=None)
            return False
        some = fitting(due)
        if await self._post(watch.operator_channel_id, some):
            await services.store.write(note_told(some), guild_id=None)
        return True

    def _log(self, due: Sequence[Alarm]) -> None:
        """Log each once, also while the channel does not take it."""
        for one in due:
            key = _digest([one])
            if key not in self._logged:
                log.log(logging.ERROR if one.ended_at is None else logging.WARNING, "%s", line(one))
                self._logged.add(key)
        if len(self._logged) > LOGGED_MAX:
            self._logged.clear()

    async def _post(self, channel_id: int, due: Sequence[Alarm]) -> bool:
        """Post them; return whether Discord took the message. One that was posted twice is dropped by its nonce."""
        try:
            async with asyncio.timeout(POST_TIMEOUT_S):
                await self.bot.get_partial_messageable(channel_id).send(
                    news(due), nonce=_digest(due), allowed_mentions=discord.AllowedMentions.none(), suppress_embeds=True
                )
        except DISCORD_ERRORS as error:
            self._trouble.failed(
                f"it takes no message ({error or type(error).__name__}); see WANDA_OPERATOR_CHANNEL_ID"
            )
            return False
        self._trouble.worked()
        return True


def _digest(alarms: Sequence[Alarm]) -> str:
    """Return a digest of what is told; as a nonce Discord takes 25 characters."""
    told = [f"{one.kind} {one.mode} {one.what} {one.since} {one.ended_at}" for one in alarms]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:24]
