"""What Wanda keeps, and for how long: files go after a time, a member's or a server's data when they ask or leave.

Everything here may be repeated after a crash, and after an outage of the bucket. Old files are removed first and noted
as gone then. A deleted job's row goes first, and leaves a note until its files are removed too (`removals`).
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.chunks import chunks
from bot.errors import StorageError
from bot.files.files import Files
from bot.files.names import beside
from bot.films import drafts
from bot.films.transactions import note_files_gone, old_films
from bot.jobs import erasure, leaving, queries, removals
from bot.ledger.pseudonyms import unname
from bot.media.rules.preview import preview_name
from bot.runner.orphans import Orphans
from bot.sharding import Shards
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
DAY_S = 86400.0
BATCH = 100  # jobs whose files are removed at once
BATCHES_MAX = 100  # in one round; the next one goes on
RERUNS_AT_ONCE = 5000  # that are searched for copies of deleted files
NAMES_AT_ONCE = 500
NAMES_ROUNDS_MAX = 1000
FORGET_ROUNDS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Removes what is no longer kept. `clock` is in Unix seconds."""

    store: Store
    files: Files
    orphans: Orphans
    keep_s: float
    keep_drafts_s: float = 7 * DAY_S
    clock: Callable[[], float]

    async def forget_member(self, member_id: int) -> int:
        """Delete the member's jobs and files everywhere, and their name in the books; returns how many jobs there were.

        Copies of their files in other members' reruns go too. A rerun whose files are not at fal yet fails, uncharged.

        Raises:
            Busy: a video of theirs is still being made; nothing was deleted.
            StorageError: the database did not answer; nothing was deleted.
        """
        job_ids = await self.store.write(erasure.forget_member(member_id, at=self.clock()), guild_id=None)
        try:
            await self._remove_deleted(job_ids)
            await self._remove_copies()
        except StorageError:
            log.warning("a member's files are removed later", exc_info=True)
        return len(job_ids)

    async def forget_guild(self, guild_id: int) -> bool:
        """Delete the server's jobs, files and rules, and every name in its books; returns whether all is gone.

        What is still being made is deleted by a later round.

        Raises:
            StorageError: the database did not answer; a later round goes on.
        """
        await self.store.write(leaving.mark_guild_left(guild_id, at=self.clock()), guild_id=None)
        for _ in range(NAMES_ROUNDS_MAX):
            names = await self.store.read(erasure.names_in(guild_id, limit=NAMES_AT_ONCE))
            for member_id in names:
                await self.store.write(unname(guild_id, member_id), guild_id=guild_id)
            if not names:
                break
        for _ in range(FORGET_ROUNDS_MAX):
            forgotten = await self.store.write(erasure.forget_guild(guild_id, at=self.clock()), guild_id=guild_id)
            await self._remove_deleted(forgotten.job_ids)
            if not forgotten.goes_on:
                return not forgotten.still_open
        return False

    async def round(self) -> int:
        """Remove files that were kept long enough, and go on with servers that were left; returns how many jobs' files.

        Raises:
            StorageError: the database or the files did not answer; the next round goes on.
        """
        shards = self.orphans.shards()
        await self._remove_deleted()
        for guild_id in await self.store.read(leaving.guilds_to_delete(shards, at=self.clock())):
            await self.forget_guild(guild_id)
        await self._remove_copies()
        await self._remove_films(shards)
        count = 0
        for _ in range(BATCHES_MAX):
            job_ids = await self.store.read(queries.expired_job_ids(self.clock() - self.keep_s, shards, limit=BATCH))
            await self.files.remove_jobs(job_ids)
            for job_id in job_ids:
                await self.store.write(erasure.note_files_removed(job_id, at=self.clock()), guild_id=None)
            count += len(job_ids)
            if len(job_ids) < BATCH:
                break
        await self.orphans.round()
        return count

    async def _remove_films(self, shards: Shards) -> None:
        """Remove drafts of films that nobody touched for long, and the files of old films."""
        before = self.clock() - self.keep_drafts_s
        for draft_id, guild_id in await self.store.read(drafts.old_drafts(before, shards)):
            deleting = drafts.delete_old_draft(draft_id, guild_id, before=before)
            await self.store.write(deleting, guild_id=guild_id)
        for film_id, guild_id in await self.store.read(old_films(self.clock() - self.keep_s, shards)):
            await self.files.remove_jobs([film_id])
            await self.store.write(note_files_gone(film_id, guild_id, at=self.clock()), guild_id=guild_id)
        await self._remove_deleted()

    async def _remove_copies(self) -> None:
        """Remove the copies of files of deleted jobs that other members' reruns have."""
        after: str | None = ""
        while after is not None:
            looking = erasure.jobs_with_deleted_sources(self.orphans.shards(), after=after, among=RERUNS_AT_ONCE)
            jobs, after = await self.store.read(looking)
            for job in jobs:
                borrowed = [item for item in job.inputs if item.is_borrowed]
                previews = [beside(item.path, preview_name(item.option)) for item in borrowed]
                await self.files.remove([*(item.path for item in borrowed), *previews])
                await self.store.write(erasure.note_copies_removed(job.id), guild_id=None)

    async def _remove_deleted(self, job_ids: Sequence[str] = ()) -> None:
        """Remove the files of these deleted jobs, then those that earlier deletions left."""
        for some in chunks(job_ids, BATCH):
            await self._remove_noted(some)
        for _ in range(BATCHES_MAX):
            left = await self.store.read(removals.noted_removals(limit=BATCH))
            if not left:
                return
            await self._remove_noted(left)

    async def _remove_noted(self, noted: Sequence[str]) -> None:
        names = [what for what in noted if "/" in what]
        await self.files.remove(names)
        await self.files.remove_jobs([what for what in noted if what not in names])
        await self.store.write(removals.note_removed(noted), guild_id=None)


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
