"""Reads fal's bill and has the books follow it: by the hour, with FAL_ADMIN_KEY."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from bot import metrics
from bot.errors import FalError, FalProtocolError, StorageError
from bot.fal.platform import FalPlatform
from bot.jobs import bills
from bot.jobs.bills import KnownRequest
from bot.jobs.reconciling import Compared, close_silent, compare_bill
from bot.log import job_scope
from bot.settings import BillSettings
from bot.sharding import Shards, ShardsNow
from bot.storage.transaction import Store, Transaction
from bot.units import counted

log = logging.getLogger(__name__)
DAY_S, HOUR_S = 86400.0, 3600.0
SLICE_S = DAY_S  # of the bill that is read whole before it is noted; fal allows 90 days
SILENT_SLICE_S = 3 * HOUR_S  # of requests that are searched at once for those that were never billed
PAGES_MAX = 2000  # of one slice
ROUNDS_MAX = 1000  # searches for open bills in one comparison
RETRY_S = 300.0


@dataclass(kw_only=True)
class Reconciler:
    """Reads the bill where this process has shard 0, and compares what is read with the books of its own servers.

    All of it may be repeated after a crash: what was read is read again, and what was compared changes nothing.
    `clock` is in Unix seconds.
    """

    store: Store
    platform: FalPlatform
    settings: BillSettings
    has_key: bool
    shards: ShardsNow
    clock: Callable[[], float]
    _has_begun: bool = field(default=False, init=False)

    async def round(self) -> Counter[Compared]:
        """Read what is new of the bill, and compare what is open; returns what came of it.

        Raises:
            FalError: fal did not tell the bill; what was read before is compared by the next round.
            StorageError: the database did not answer.
        """
        shards = self.shards()
        if 0 in shards.ids:
            # Without a key requests are noted too.
            await self._forget(self.clock() - self.settings.keep_days * DAY_S)
            if self.has_key:
                await self._read()
        return await self._compare(shards)

    async def _forget(self, before: float) -> None:
        for _ in range(ROUNDS_MAX):
            if not await self.store.write(bills.forget_bills(before=before), guild_id=None):
                return

    async def _read(self) -> None:
        now, keep_s = self.clock(), self.settings.keep_days * DAY_S
        again_s, first_s = self.settings.again_h * HOUR_S, self.settings.first_days * DAY_S
        begin = await self.store.read(bills.read_from(now=now, again_s=again_s, first_s=first_s))
        known, start = await self.store.read(bills.read_times()), max(begin, now - keep_s)
        if not self._has_begun:  # so that a bill that this process never reads is missed in time, too
            self._has_begun = True
            metrics.BILL_READ_AT.set(now if known is None else min(known[1], now))
        while start < now:
            end = min(now, start + SLICE_S)
            await self._read_slice(start, end)
            if known is None or end >= min(known[1], now):
                await self.store.write(bills.note_read(since=begin, until=end), guild_id=None)
                metrics.BILL_READ_AT.set(end)
            start = end
        requests, nano_usd = await self.store.read(bills.strangers())
        metrics.BILL_STRANGERS.set(requests)
        if requests:
            log.warning(
                "fal billed %s that Wanda has no job for, $%.4f together: another program may use this account",
                counted(requests, "request"),
                nano_usd / 1e9,
            )

    async def _read_slice(self, start: float, end: float) -> None:
        cursor, seen = None, set[str]()
        for _ in range(PAGES_MAX):
            page = await self.platform.billing_page(start, end, limit=self.settings.page_events, cursor=cursor)
            if page.unreadable:
                log.warning("%s of fal's bill cannot be read and are left out", counted(page.unreadable, "row"))
                metrics.BILL_UNREADABLE.inc(page.unreadable)
                await self.store.write(bills.note_unreadable(until=end), guild_id=None)
            if page.items:
                await self.store.write(bills.store_events(page.items), guild_id=None)
            cursor = page.cursor
            if cursor is None:
                return
            if cursor in seen:
                break
            seen.add(cursor)
        raise FalProtocolError("fal's bill does not end")

    async def _compare(self, shards: Shards) -> Counter[Compared]:
        results = Counter[Compared]()
        await self._each(results, lambda after: bills.open_bills(shards, after=after), compare_bill)
        if (times := await self.store.read(bills.silence_counts())) is not None:
            kept_since = self.clock() - self.settings.keep_days * DAY_S
            start, until = max(times[0], kept_since), times[1] - self.settings.again_h * HOUR_S
            while start < until:
                end = min(until, start + SILENT_SLICE_S)
                silent = partial(bills.silent_requests, shards, since=start, until=end)
                await self._each(results, lambda after, silent=silent: silent(after=after), close_silent)
                start = end
        return results

    async def _each(
        self,
        results: Counter[Compared],
        search: Callable[[str], Transaction[tuple[KnownRequest, ...]]],
        compare: Callable[..., Transaction[Compared]],
    ) -> None:
        """Compare everything that the search finds, a transaction each, so that a defect keeps no other one away."""
        after = ""
        for _ in range(ROUNDS_MAX):
            found = await self.store.read(search(after))
            for request in found:
                after = request.request_id
                with job_scope(request.job_id):
                    result = await self.store.write(compare(request, now=self.clock()), guild_id=request.guild_id)
                    if result in {"corrected", "free"}:
                        log.info("the books follow fal's bill now")
                results[result] += 1
                metrics.BILLS.labels(result).inc()
            if len(found) < bills.FOUND_MAX:
                return


async def keep_reconciled(reconciler: Reconciler, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Go round for ever; what goes wrong is tried again after `RETRY_S`, or the interval if that is shorter."""
    while True:
        pause_s = reconciler.settings.interval_s
        try:
            results = await reconciler.round()
        except FalError as error:
            log.warning("fal's bill could not be read; trying again later: %s", error)
            pause_s = min(pause_s, RETRY_S)
        except StorageError:
            log.warning("fal's bill could not be compared; trying again later", exc_info=True)
            pause_s = min(pause_s, RETRY_S)
        except Exception:
            log.exception("a defect kept fal's bill from being compared; trying again later")
        else:
            changed = results["corrected"] + results["free"]
            if changed:
                log.warning(
                    "fal's bill changed %s in the books; `python -m bot ledger` lists them", counted(changed, "job")
                )
        await sleep(pause_s)
