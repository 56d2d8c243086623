"""Deletes files without a job: the process ended before the job was accepted, or after it was deleted.

Call it before the first command can arrive. No other process has orders here: it would have the data folder's lock.
"""

import logging
import shutil
from asyncio import to_thread
from pathlib import Path

from bot.jobs.transactions import known_job_ids
from bot.runner.job_files import results_folder
from bot.storage.transaction import Store

log = logging.getLogger(__name__)


async def sweep(store: Store, data_dir: Path) -> int:
    """Delete input folders, results and scratch files that belong to no job; return the number.

    Raises:
        StorageError: the database did not answer; nothing was deleted.
    """
    known = await store.read(known_job_ids())
    folders = (data_dir / "inputs", results_folder(data_dir), data_dir / "scratch")
    return sum([await to_thread(_sweep, folder, known) for folder in folders])


def _sweep(folder: Path, known: frozenset[str]) -> int:
    if not folder.is_dir():
        return 0
    orphans = [path for path in folder.iterdir() if path.name.partition(".")[0] not in known]
    for path in orphans:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if orphans:
        log.info("removed what belongs to no job from %s: %d", folder.name, len(orphans))
    return len(orphans)
