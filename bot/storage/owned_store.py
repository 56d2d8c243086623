"""A store that belongs to this process with its data folder, and the locks by which it does."""

import asyncio
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from bot.errors import OwnershipLost, StorageError
from bot.metrics import STORAGE_ERRORS, STORAGE_SECONDS
from bot.storage import program
from bot.storage.data_folder import FileLock, Mark, check_writable, is_same_file, write_mark
from bot.storage.transaction import Many, One, Store, Transaction

if TYPE_CHECKING:  # asyncpg is an optional dependency
    from bot.storage.ownership import Ownership

T = TypeVar("T")
# A table that is locked keeps the writes of jobs waiting; these are the tables that each job needs.
_TABLES_OF_JOBS = ("jobs", "draws", "entries", "budgets")


@dataclass(frozen=True, slots=True)
class Database:
    """What was opened: its name without a password, whether it was new, and its schema before and now.

    `id` tells it from any other and gives nothing away. `keeps_files` says that it knows videos with files.
    """

    name: str
    is_new: bool
    schema_before: int
    schema: int
    id: str = ""
    keeps_files: bool = False

    def __str__(self) -> str:
        if self.is_new:
            return f"{self.name}, new"
        if self.schema_before < self.schema:
            return f"{self.name}, found, its schema brought from {self.schema_before} to {self.schema}"
        return f"{self.name}, found, schema {self.schema}"


class EngineStore(Store, Protocol):
    """A store on a database of either engine."""

    @property
    def ownership(self) -> "Ownership | None":
        """See `OwnedStore`; an SQLite file has none."""
        ...

    async def warm(self, warming: Callable[[int], Transaction[None]]) -> None:
        """Prepare the connections for the first orders; see `OwnedStore.warm`."""
        ...


class OwnedStore:
    """A store whose data folder and database, or some shards of it, belong to this process until it is closed.

    `ownership` is what this process has of a PostgreSQL database; an SQLite file has one process, which has all.
    """

    def __init__(
        self, store: EngineStore, locks: "Locks", database: Database, mark: Mark, ownership: "Ownership | None" = None
    ) -> None:
        self.database = database
        self.ownership = ownership
        self._store = store
        self._locks = locks
        self._mark = mark
        self._closed = False

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """See `Store.write`."""
        with _measured("write"):
            return await self._store.write(transaction, guild_id=guild_id)

    async def read(self, transaction: Transaction[T]) -> T:
        """See `Store.read`."""
        with _measured("read"):
            return await self._store.read(transaction)

    async def warm(self, warming: Callable[[int], Transaction[None]]) -> None:
        """Prepare a PostgreSQL's connections for the first orders: each runs `warming`, which is rolled back.

        Each is given a number that no other one has. An SQLite file has nothing to prepare.
        """
        await self._store.warm(warming)

    async def check(self) -> None:
        """Check that the database takes a write of the kind that jobs make.

        Raises:
            OwnershipLost: another process has it.
            StorageError: it cannot be written; the sentence says why.
        """
        await self._store.write(write_nothing(), guild_id=None)

    async def check_files(self) -> None:
        """Check that the data folder can be written, and that neither it nor an SQLite file was taken away.

        Raises:
            OwnershipLost: one of them is gone, or another one.
            StorageError: the folder cannot be written; the sentence says why.
        """
        await asyncio.to_thread(self._locks.check)

    async def begun(self) -> None:
        """Remember in the database and in the data folder that the bot has logged in with this database.

        Raises:
            StorageError: the database did not answer, or the folder cannot be written.
        """
        await self._store.write(program.remember(program.BEGUN, "1"), guild_id=None)
        if not self._mark.begun:
            self._mark = replace(self._mark, begun=True)
            write_mark(self._locks.folder, self._mark)

    async def close(self) -> None:
        """Close the store, then release the locks."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._store.close()
        finally:
            self._locks.free()


@contextmanager
def _measured(kind: str) -> Generator[None]:
    """Measure a transaction for /metrics, and count it if the database did not carry it out."""
    begun_at = time.perf_counter()
    try:
        yield
    except StorageError:
        STORAGE_ERRORS.labels(kind).inc()
        raise
    finally:
        STORAGE_SECONDS.labels(kind).observe(time.perf_counter() - begun_at)


class Locks:
    """The locks of the data folder and of an SQLite file; PostgreSQL has its own, in the driver."""

    def __init__(self, folder: Path, database: Path | None) -> None:
        self.folder = folder
        self._database = database
        self._opened: os.stat_result | None = None
        self._held = [FileLock(folder / "wanda.lock", guards=f"the data in {folder.absolute()}")]
        if database is not None:
            beside = database.with_name(f"{database.name}.lock")
            try:
                self._held.append(FileLock(beside, guards=f"the database {database}"))
            except BaseException:
                self.free()
                raise

    def remember(self) -> None:
        """Remember which file the database is, once it is open."""
        self._opened = None if self._database is None else self._database.stat()

    def check(self) -> None:
        """Check that no lock and no database was removed, and that the data folder can be written.

        Raises:
            OwnershipLost, StorageError: as `OwnedStore.check_files`.
        """
        for lock in self._held:
            lock.check()
        if self._database is not None and self._opened is not None and not is_same_file(self._database, self._opened):
            raise OwnershipLost(f"The database {self._database} was removed or replaced while Wanda worked with it.")
        # Asked by name: opening and closing the file would end SQLite's locks on it.
        if self._database is not None and not os.access(self._database, os.W_OK):
            raise StorageError(
                f"The database {self._database} is read-only; its permissions or attributes forbid writing."
            )
        check_writable(self.folder)

    def free(self) -> None:
        """Release them."""
        for lock in self._held:
            lock.free()


def write_nothing() -> Transaction[None]:
    """Write a row and remove it in the same transaction, and take the locks that a job's transactions take.

    A rolled-back transaction would write nothing to the disk, and an update that changes nothing writes no page.
    """
    for table in _TABLES_OF_JOBS:
        yield Many(f"DELETE FROM {table} WHERE 1 = 0")  # noqa: S608 - a name of ours
    yield One("INSERT INTO schema_version (version, applied_at) VALUES (-1, 0)")
    yield One("DELETE FROM schema_version WHERE version = -1")
