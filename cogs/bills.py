"""Loops that compare fal's bill with the books, and search fal for jobs whose submit's reply was lost."""

import asyncio
from contextlib import suppress

from bot.client import Wanda
from bot.runner.lost_search import keep_searching
from bot.runner.reconciler import keep_reconciled
from bot.sharding import Shards
from cogs.base.cog import LoopCog


class _ShardLoop(LoopCog):
    """A loop whose next round begins at once when shards were taken up."""

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._has_more = asyncio.Event()

    async def take_up(self, shards: Shards) -> None:
        """Have the next round begin at once: before, this process had no shards, or not these."""
        del shards
        self._has_more.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._has_more.wait()
        self._has_more.clear()


class Bills(_ShardLoop):
    """Reads fal's bill and has the books follow it."""

    async def loop(self) -> None:
        """Go round every `WANDA_FAL_BILL_S`."""
        await keep_reconciled(self.bot.services.reconciler, self._pause)


class LostJobs(_ShardLoop):
    """Searches fal's past requests for lost jobs."""

    async def loop(self) -> None:
        """Search every `WANDA_FAL_SEARCH_S`."""
        await keep_searching(self.bot.services.lost_search, self._pause)
