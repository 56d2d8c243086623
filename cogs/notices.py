"""Tells whoever waits for a video that it is ready, did not come about, or needs their approval; once each."""

import asyncio
import logging
from contextlib import suppress

from bot.cards.notice_poster import NoticePoster, bounds_of
from bot.client import Wanda
from bot.errors import StorageError
from bot.jobs import notices
from bot.jobs.notices import Notice, NoticeKind
from bot.log import job_scope
from bot.requester import Requester
from bot.turns import FairTurns
from cogs.base.cog import LoopCog

log = logging.getLogger(__name__)
AT_ONCE = 16
UNDER_WAY_MAX = 500  # the others are looked for again


class Notices(LoopCog):
    """Posts the notices that jobs leave in the database; none is posted twice, and none is tried for ever."""

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._turns = FairTurns(AT_ONCE, name="notice")
        self._tries: dict[tuple[str, NoticeKind], asyncio.Task[None]] = {}

    async def loop(self) -> None:
        """Post what is due: at once after a job left a notice, and what was put off every `interval_s`."""
        await self.bot.wait_until_ready()
        services = self.bot.services
        poster = NoticePoster(self.bot, services.settings.cards, services.channel_queue)
        try:
            while True:
                services.runner.noted.clear()
                await self._begin_due(poster)
                try:
                    async with asyncio.timeout(services.settings.pings.interval_s):
                        await services.runner.noted.wait()
                except TimeoutError:
                    await self._forget_old()
        finally:
            tries = list(self._tries.values())
            for task in tries:
                task.cancel()
            await asyncio.gather(*tries, return_exceptions=True)

    async def _forget_old(self) -> None:
        with suppress(StorageError):
            await self.bot.services.store.write(notices.forget_old(now=self.bot.services.clock()), guild_id=None)

    async def _begin_due(self, poster: NoticePoster) -> None:
        services = self.bot.services
        try:
            shards = self.bot.held_shards()
            due = await services.store.read(notices.due_notices(services.clock(), shards, limit=UNDER_WAY_MAX))
        except StorageError as error:
            log.warning("due notices could not be read; this is tried again: %s", error)
            return
        for notice in due:
            key = (notice.job_id, notice.kind)
            if key not in self._tries and len(self._tries) < UNDER_WAY_MAX:
                self._tries[key] = task = asyncio.create_task(self._try(poster, notice), name=f"notice {key}")
                task.add_done_callback(lambda _, key=key: self._tries.pop(key, None))

    async def _try(self, poster: NoticePoster, notice: Notice) -> None:
        with job_scope(notice.job_id):
            await self._try_in_turn(poster, notice)

    async def _try_in_turn(self, poster: NoticePoster, notice: Notice) -> None:
        try:
            async with self._turns.turn(Requester(notice.guild_id, notice.member_id)):
                await self._post(poster, notice)
        except StorageError as error:
            log.warning("what became of a notice could not be stored; it is looked at again: %s", error)
        except Exception:
            log.exception("a defect kept a notice about job %s from being posted", notice.job_id)

    async def _post(self, poster: NoticePoster, notice: Notice) -> None:
        services = self.bot.services
        beginning = notices.begin(notice, bounds_of(services.settings.pings), now=services.clock())
        told = await services.store.write(beginning, guild_id=None)
        outcome = None if told is None else await poster.post(told)
        if outcome in {"posted", "refused"}:
            await services.store.write(notices.end(notice, pinged=outcome == "posted"), guild_id=None)
