"""What Wanda keeps, and for how long: files go after a time, a member's or a server's data when they ask or leave.

Everything here may be repeated after a crash: files go from disk first and are noted as gone then, and of a deleted
job's files those that a crash left are found by `sweep` at the next start.
"""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.errors import StorageError
from bot.jobs import erasure, queries
from bot.media.intake import inputs_folder
from bot.media.rules.preview import preview_name
from bot.runner.job_files import result_files
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
BATCH = 100  # jobs whose files go between two breaths of the disk
BATCHES_MAX = 100  # in one round; the next one goes on
NAMES_AT_ONCE = 100
NAMES_ROUNDS_MAX = 1000
DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Removes what is no longer kept. `clock` is in Unix seconds."""

    store: Store
    data_dir: Path
    keep_s: float
    clock: Callable[[], float]

    async def forget_member(self, member_id: int) -> int:
        """Delete the member's jobs and files everywhere, and their name in the books; returns how many jobs there were.

        Copies of their files in other members' reruns go too. A rerun whose files are not at fal yet fails, uncharged.

        Raises:
            Busy: a video of theirs is still being made; nothing was deleted.
            StorageError: the database did not answer; nothing was deleted.
        """
        job_ids = await self.store.write(erasure.forget_member(member_id), guild_id=None)
        await self._remove(job_ids)
        await self._remove_copies()
        return len(job_ids)

    async def forget_guild(self, guild_id: int) -> bool:
        """Delete the server's jobs, files and rules, and every name in its books; returns whether all is gone.

        What is still being made is deleted by a later round.

        Raises:
            StorageError: the database did not answer; a later round goes on.
        """
        await self.store.write(erasure.mark_guild_left(guild_id, at=self.clock()), guild_id=None)
        for _ in range(NAMES_ROUNDS_MAX):
            names = await self.store.read(erasure.names_in(guild_id, limit=NAMES_AT_ONCE))
            for member_id in names:
                await self.store.write(erasure.unname_in(guild_id, member_id), guild_id=guild_id)
            if not names:
                break
        forgotten = await self.store.write(erasure.forget_guild(guild_id, at=self.clock()), guild_id=guild_id)
        await self._remove(forgotten.job_ids)
        return not forgotten.still_open

    async def round(self) -> int:
        """Remove files that were kept long enough, and go on with servers that were left; returns how many jobs' files.

        Raises:
            StorageError: the database did not answer; the next round goes on.
        """
        for guild_id in await self.store.read(erasure.guilds_to_delete(at=self.clock())):
            await self.forget_guild(guild_id)
        await self._remove_copies()
        count = 0
        for _ in range(BATCHES_MAX):
            job_ids = await self.store.read(queries.expired_job_ids(self.clock() - self.keep_s, limit=BATCH))
            await self._remove(job_ids)
            for job_id in job_ids:
                await self.store.write(erasure.note_files_removed(job_id, at=self.clock()), guild_id=None)
            count += len(job_ids)
            if len(job_ids) < BATCH:
                break
        return count

    async def _remove_copies(self) -> None:
        """Remove the copies of files of deleted jobs that other members' reruns have."""
        for _ in range(BATCHES_MAX):
            jobs = await self.store.read(erasure.jobs_with_deleted_sources(limit=BATCH))
            for job in jobs:
                borrowed = [(self.data_dir / item.path, item.option) for item in job.inputs if item.is_borrowed]
                previews = [path.with_name(preview_name(option)) for path, option in borrowed]
                await asyncio.to_thread(_unlink, [*(path for path, _ in borrowed), *previews])
                await self.store.write(erasure.note_copies_removed(job.id), guild_id=None)
            if len(jobs) < BATCH or not any(job.told for job in jobs):
                return

    async def _remove(self, job_ids: Iterable[str]) -> None:
        await asyncio.to_thread(remove_files, self.data_dir, tuple(job_ids))


def remove_files(data_dir: Path, job_ids: Iterable[str]) -> None:
    """Remove the inputs and results of these jobs; it is fine if they are gone.

    Raises:
        OSError: the disk does not let them go.
    """
    for job_id in job_ids:
        with suppress(FileNotFoundError):
            shutil.rmtree(inputs_folder(data_dir, job_id))
        for result in result_files(job_id, data_dir):
            result.unlink(missing_ok=True)


async def forget_files(data_dir: Path, job_id: str) -> None:
    """Remove the inputs and results of one job, as `remove_files`."""
    await asyncio.to_thread(remove_files, data_dir, (job_id,))


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


async def keep_tidy(keeper: Retention, *, every_s: float, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Go round for ever; what goes wrong once is tried again by the next round."""
    while True:
        try:
            count = await keeper.round()
        except (StorageError, OSError):
            log.warning("old files could not be removed; trying again later", exc_info=True)
        except Exception:
            log.exception("a defect kept old files from being removed; trying again later")
        else:
            if count:
                log.info("removed the files of %d old videos", count)
        await sleep(every_s)
