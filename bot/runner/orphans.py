"""Finds files without a job: the process ended before the job was accepted, or after it was deleted.

Parts of downloads that a process did not finish are found as well, also a job's: each try has its own.

An order's files are kept before its job is accepted, so that no job is ever without them. Where other processes may
keep files at the same time, what is young is left alone: an order takes minutes, and `young_s` is at least twice that.
"""

import logging
import shutil
from asyncio import to_thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.chunks import chunks
from bot.files.files import Files, KeptFile
from bot.files.names import FOLDERS, job_ids_in
from bot.jobs.queries import known_ids
from bot.net.download import is_part
from bot.sharding import ShardsNow
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
AT_ONCE = 500  # ids in one question to the database
CACHE_YOUNG_S = 3600.0


@dataclass(slots=True, kw_only=True)
class Orphans:
    """Removes them: at the start from a folder of this process alone, from any other place every `every_s`.

    A shared place is looked through by the process that holds shard 0, and every process looks through its own cache.
    `clock` is in Unix seconds.
    """

    store: Store
    files: Files
    shards: ShardsNow
    young_s: float
    every_s: float
    clock: Callable[[], float]
    _due_at: float = field(default=0.0, init=False)

    async def at_start(self) -> int:
        """Remove what the last process left, before the first command can arrive; returns how many orders' and jobs'.

        Raises:
            StorageError: the database or the files did not answer; a later start goes on.
        """
        return 0 if self.files.is_shared else await sweep(self.store, self.files, before=None)

    async def round(self) -> None:
        """Look where it is due; raises StorageError, and the next round goes on."""
        if self.files.cache is not None:
            await sweep(self.store, self.files.cache, before=self.clock() - CACHE_YOUNG_S)
            await self.files.trim()
        if self.files.is_shared and self.shards().owns(None) and self.clock() >= self._due_at:
            await sweep(self.store, self.files, before=self.clock() - self.young_s)
            self._due_at = self.clock() + self.every_s


async def sweep(store: Store, files: Files, *, before: float | None) -> int:
    """Remove files that belong to no job and were kept before a moment (None: ever); return how many orders' and jobs'.

    Raises:
        StorageError: the database or the files did not answer; what is left is found again.
    """
    removed: set[str] = set()
    for folder in FOLDERS:
        async for page in files.pages(folder):
            for some in chunks(page, AT_ONCE):
                removed |= await _sweep(store, files, some, before)
    if removed:
        log.info("removed what belongs to no job from %s: %d", files.name, len(removed))
    return len(removed)


async def _sweep(store: Store, files: Files, page: Sequence[KeptFile], before: float | None) -> frozenset[str]:
    young = job_ids_in(one.name for one in page if before is not None and one.changed_at >= before)
    found = job_ids_in(one.name for one in page) - young
    orphans = found - await store.read(known_ids(found)) if found else frozenset[str]()
    if orphans:
        await files.remove_jobs(orphans)
    if parts := [one.name for one in page if is_part(one.name) and (before is None or one.changed_at < before)]:
        await files.remove(parts)
    return orphans


async def empty_scratch(folder: Path) -> None:
    """Remove all that the last process left in its folder for temporary files."""

    def empty() -> None:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    await to_thread(empty)
