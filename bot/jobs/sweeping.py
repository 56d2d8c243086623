"""Removing the files of commands that never became a job, because the process died in between."""

import logging
import shutil
from asyncio import to_thread
from collections.abc import Callable
from pathlib import Path

from bot.jobs.transactions import known_ids
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
LEFT_ALONE_S = 3600.0  # a younger folder may belong to a command that is under way in another process


async def sweep(store: Store, data_dir: Path, *, clock: Callable[[], float]) -> int:
    """Remove every input folder that no job owns and that is over an hour old; returns how many.

    Raises:
        StorageError: the database did not answer; nothing was removed.
    """
    known = await store.read(known_ids())
    return await to_thread(_sweep, data_dir / "inputs", known, clock() - LEFT_ALONE_S)


def _sweep(inputs: Path, known: frozenset[str], older_than: float) -> int:
    if not inputs.is_dir():
        return 0
    orphans = [
        folder for folder in inputs.iterdir() if folder.name not in known and folder.stat().st_mtime < older_than
    ]
    for folder in orphans:
        shutil.rmtree(folder, ignore_errors=True)
    if orphans:
        log.info("removed the files of %d commands that never became a job", len(orphans))
    return len(orphans)
