"""Where processes with one database tell each other of jobs: fal called, or somebody cancelled."""

from bot.runner.runner import Runner
from bot.storage.owned_store import OwnedStore
from bot.storage.transaction import JOBS_CHANNEL


async def hear(store: OwnedStore, runner: Runner) -> None:
    """Have the runner carry on with jobs that other processes tell of; SQLite has no other processes.

    Raises:
        StorageError: the database did not answer.
    """
    if store.ownership is not None:
        await store.ownership.listen(JOBS_CHANNEL, runner.heard)
