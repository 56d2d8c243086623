"""Searches fal's past requests for jobs whose submit's reply was lost, and has them go on."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot import metrics
from bot.chunks import chunks
from bot.errors import FalError, StorageError
from bot.fal.platform import ENDPOINTS_MAX, FalPlatform
from bot.fal.wire.platform import PastRequest
from bot.jobs.bills import are_known
from bot.jobs.calls import take_call
from bot.jobs.lost import endpoint_of, found_among, lost_jobs
from bot.jobs.model import Job
from bot.log import job_scope
from bot.settings import BillSettings
from bot.sharding import ShardsNow
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
EARLIER_S = 60.0  # fal's clock may be behind
KNOWN_AT_ONCE = 100


@dataclass(kw_only=True)
class LostSearch:
    """Looks for the lost jobs of this process's servers until their deadline; "not found" before it proves nothing.

    `called` carries on with a job that was found. `clock` is in Unix seconds.
    """

    store: Store
    platform: FalPlatform
    settings: BillSettings
    queue_url: str
    deadline_s: float
    shards: ShardsNow
    called: Callable[[str], None]
    clock: Callable[[], float]

    async def round(self) -> int:
        """Search once; returns how many jobs were found.

        Raises:
            FalError, StorageError: the next round goes on.
        """
        jobs = await self.store.read(lost_jobs(self.shards(), since=self.clock() - self.deadline_s))
        endpoints = sorted({endpoint for job in jobs if (endpoint := endpoint_of(job)) is not None})
        if not endpoints:
            return 0
        requests, is_whole = await self._past_requests(endpoints[:ENDPOINTS_MAX], jobs)
        found = found_among(jobs, await self._unknown(requests), is_whole=is_whole)
        for job_id, request_id in found.items():
            with job_scope(job_id):
                await self._take_up(job_id, request_id)
        return len(found)

    async def _take_up(self, job_id: str, request_id: str) -> None:
        taking = take_call(job_id, request_id, queue_url=self.queue_url, now=self.clock())
        taken = await self.store.write(taking, guild_id=None)  # it locks the row of the job alone
        log.warning("fal has the job whose submit's reply was lost, as request %s: %s", request_id, taken)
        if taken == "stored":
            metrics.LOST_FOUND.inc()
            self.called(job_id)

    async def _past_requests(self, endpoints: Sequence[str], jobs: Sequence[Job]) -> tuple[list[PastRequest], bool]:
        """Return the requests that ended since the first of these jobs, the newest first, and whether these are all."""
        requests: list[PastRequest] = []
        start, end = min(job.created_at for job in jobs) - EARLIER_S, self.clock() + EARLIER_S
        cursor = None
        for _ in range(self.settings.search_pages):
            page = await self.platform.request_page(endpoints, start, end, cursor=cursor)
            requests += page.items
            cursor = page.cursor
            if cursor is None:
                return requests, not page.unreadable
        return requests, False

    async def _unknown(self, requests: Sequence[PastRequest]) -> list[PastRequest]:
        known: set[str] = set()
        for some in chunks(requests, KNOWN_AT_ONCE):
            known |= await self.store.read(are_known({one.request_id for one in some}))
        # Pages may shift while they are read, and bring a request twice.
        return list({one.request_id: one for one in requests if one.request_id not in known}.values())


async def keep_searching(search: LostSearch, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Search for ever; what goes wrong is tried again by the next search."""
    while True:
        try:
            await search.round()
        except (FalError, StorageError) as error:
            log.warning("lost jobs could not be searched for; trying again later: %s", error)
        except Exception:
            log.exception("a defect kept lost jobs from being searched for; trying again later")
        await sleep(search.settings.search_s)
