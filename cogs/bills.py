"""Loops that compare fal's bill with the books, and search fal for jobs whose submit's reply was lost."""

from bot.runner.lost_search import keep_searching
from bot.runner.reconciler import keep_reconciled
from cogs.base.cog import ShardLoopCog


class Bills(ShardLoopCog):
    """Reads fal's bill and has the books follow it."""

    async def loop(self) -> None:
        """Go round every `WANDA_FAL_BILL_S`."""
        await keep_reconciled(self.bot.services.reconciler, self._pause)


class LostJobs(ShardLoopCog):
    """Searches fal's past requests for lost jobs."""

    async def loop(self) -> None:
        """Search every `WANDA_FAL_SEARCH_S`."""
        await keep_searching(self.bot.services.lost_search, self._pause)
