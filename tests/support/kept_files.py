"""Kept files, and what removes them, for tests."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeAlias

from bot.errors import FilesUnavailable
from bot.files.files import Files
from bot.files.folder import FolderFiles
from bot.requester import Requester
from bot.runner.orphans import Orphans
from bot.runner.retention import Retention
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Store

DAY_S = 86400.0
Machine: TypeAlias = Callable[[str], Files]  # the files as the machine of this name has them


class LostFiles(FolderFiles):
    """Files in a folder that does not do what is in `away`; `refused` counts how often.

    What is `arriving` lies elsewhere, as with a bucket, until it is fetched. `kept` has the names of what was kept.
    """

    def __init__(self, root: Path, *, is_shared: bool = False) -> None:
        super().__init__(root, is_shared=is_shared)
        self.away: set[str] = set()
        self.refused = 0
        self.kept: list[str] = []
        self.arriving: dict[str, Path] = {}

    def _ask(self, what: str) -> None:
        if what in self.away:
            self.refused += 1
            raise FilesUnavailable(f"The disk of the files does not {what}.")

    async def keep(self, name: str, requester: Requester) -> None:
        """Keep the file, unless that is away."""
        self._ask("keep")
        await super().keep(name, requester)
        self.kept.append(name)

    async def fetch(self, name: str, requester: Requester) -> Path:
        """Return the file, unless that is away."""
        self._ask("fetch")
        if name in self.arriving:
            await self.adopt(self.arriving.pop(name), name)
        return await super().fetch(name, requester)

    async def remove_jobs(self, job_ids: Collection[str]) -> None:
        """Remove the files, unless that is away."""
        self._ask("remove")
        await super().remove_jobs(job_ids)


def a_retention(
    store: Store, files: Files, *, at: float, shards: Shards = EVERY_SHARD, young_s: float = DAY_S
) -> Retention:
    """Return one that keeps files for 30 days, at this moment."""
    orphans = Orphans(store=store, files=files, shards=lambda: shards, young_s=young_s, every_s=DAY_S, clock=lambda: at)
    return Retention(store=store, files=files, orphans=orphans, keep_s=30 * DAY_S, clock=lambda: at)
