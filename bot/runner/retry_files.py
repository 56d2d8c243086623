"""The files of jobs that ended without a video: kept for another try, within bounds, the newest first."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.errors import StorageError
from bot.files.files import Files
from bot.jobs import erasure, queries
from bot.jobs.model import Job
from bot.jobs.places import FileBounds
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
AT_ONCE = 100  # jobs that lose their files when one ends


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryFiles:
    """Bounds the bytes of these files for each member in a server, and for each server.

    They go with all other files after `WANDA_KEEP_DAYS`; those of an uncertain job are not bounded here, because fal
    may have made its video. `clock` is in Unix seconds.
    """

    store: Store
    files: Files
    bounds: FileBounds
    clock: Callable[[], float]

    async def keep(self, job: Job) -> None:
        """Keep the files of a job that has ended, and delete those of its server that are too many now.

        If the database or the files do not answer, the next job that ends without a video goes on.
        """
        if job.result is not None or job.state not in {"failed", "cancelled"} or not job.inputs:
            return
        try:
            for one in await self.store.read(queries.beyond_retries(job.guild_id, self.bounds, limit=AT_ONCE)):
                await self.files.remove_jobs([one.id])
                await self.store.write(erasure.note_files_removed(one.id, at=self.clock()), guild_id=None)
        except StorageError:
            log.warning("files of videos that were not made could not be counted", exc_info=True)
