"""Opens the database of the settings: as its one owner, or only to look.

The owner locks the data folder and the database, migrates it, and refuses a database that is not the folder's. Who only
looks, such as `python -m bot check`, creates, migrates and locks nothing.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from bot.errors import NoDatabase, OldDatabase, OwnershipLost, SettingsRefused, StartRefused, StorageError
from bot.metrics import STORAGE_ERRORS, STORAGE_SECONDS
from bot.settings import POSTGRES_SCHEMES, SQLITE_SCHEME, StorageSettings
from bot.sharding import WHOLE, ShardPlan
from bot.storage import program
from bot.storage.data_folder import (
    FileLock,
    Mark,
    check_writable,
    is_same_file,
    make_folder,
    read_mark,
    why_not,
    write_mark,
)
from bot.storage.migrate import Engine, migrate, migrations, schema_of
from bot.storage.sqlite import SQLiteStore
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


class OwnedStore:
    """A store whose data folder and database, or some shards of it, belong to this process until it is closed.

    `ownership` is what this process has of a PostgreSQL database; an SQLite file has one process, which has all.
    """

    def __init__(
        self, store: Store, locks: "Locks", database: Database, mark: Mark, ownership: "Ownership | None" = None
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


async def open_store(
    settings: StorageSettings,
    plan: ShardPlan = WHOLE,
    *,
    begin_anew: bool = False,
    clock: Callable[[], float] = time.time,
) -> OwnedStore:
    """Open the database as its owner, create it if there was none, and migrate it.

    With a `plan` for some shards it has none of them yet: `ownership.claim` takes them. `begin_anew` accepts a data
    folder that belongs to another database, or to one that is gone.

    Raises:
        StartRefused: the database of this data folder is missing, or is another one.
        SettingsRefused: PostgreSQL's driver is not installed, DATABASE_URL cannot be read, or SQLite is to have shards.
        StorageUnreachable: the server cannot be reached; it may come up yet.
        StorageError: the folder or the database cannot be used, is newer than this code, or is another process's.
    """
    if not (plan.is_whole or is_postgres(settings)):
        raise SettingsRefused(
            "Several processes share a PostgreSQL database, and WANDA_SHARDS is set without one: name it in "
            "DATABASE_URL, or leave WANDA_SHARDS at all."
        )
    await asyncio.to_thread(make_folder, settings.data_dir)
    path = None if is_postgres(settings) else sqlite_path(settings)
    if path is not None:
        await asyncio.to_thread(make_parent, path)
    locks = Locks(settings.data_dir, path)
    try:
        mark = None if begin_anew else read_mark(settings.data_dir)
        return await _own(settings, plan, locks, mark, clock)
    except BaseException:
        locks.free()
        raise


async def _own(
    settings: StorageSettings, plan: ShardPlan, locks: Locks, mark: Mark | None, clock: Callable[[], float]
) -> OwnedStore:
    name = database_name(settings)
    _check_found(settings, mark, is_found=await asyncio.to_thread(is_there, settings))
    store = await _connect(settings, plan)
    try:
        before = await schema_of(store, engine_of(settings))
        _check_found(settings, mark, is_found=bool(before))
        schema = await _migrate(store, settings, at=clock())
        database_id = await store.read(database_id_in())
        _check_same(settings, mark, database_id)
        has_begun = (mark is not None and mark.begun) or await store.read(program.has_begun())
        is_new = not before or not has_begun
        marked = Mark(database_id, name, begun=not is_new)
        keeps_files = await store.read(_keeps_files())
        write_mark(settings.data_dir, marked)
        await asyncio.to_thread(locks.remember)
        ownership: Ownership | None = getattr(store, "ownership", None)
        if ownership is not None and plan.is_whole:
            await ownership.claim(most=0)
    except BaseException:
        await store.close()
        raise
    return OwnedStore(store, locks, Database(name, is_new, before, schema, database_id, keeps_files), marked, ownership)


def _check_found(settings: StorageSettings, mark: Mark | None, *, is_found: bool) -> None:
    if mark is not None and mark.begun and not is_found:
        raise StartRefused(
            f"The database {database_name(settings)} is missing or empty, although the data folder "
            f"{settings.data_dir.absolute()} was used with {mark.name}. Mount or restore it, or correct DATABASE_URL; "
            "`python -m bot run --begin-anew` makes a new one, in which nobody has spent anything yet."
        )


def _check_same(settings: StorageSettings, mark: Mark | None, database_id: str) -> None:
    if mark is None or not mark.begun:
        return
    name = database_name(settings)
    if mark.database_id != database_id:
        raise StartRefused(
            f"The data folder {settings.data_dir.absolute()} belongs to another database ({mark.name}) than "
            f"{name}. Correct DATABASE_URL or WANDA_DATA_DIR; `python -m bot run --begin-anew` "
            "takes this database, and in time removes the files of the other one's videos."
        )
    if kind_of(mark.name) != kind_of(name):
        raise StartRefused(
            f"The database of the data folder {settings.data_dir.absolute()} was moved to {mark.name}; {name} is what "
            "it was before, without all that happened since. Correct DATABASE_URL; `python -m bot run --begin-anew` "
            "takes the old one."
        )


def kind_of(name: str) -> str:
    """Return the engine's name in a name that `database_name` made."""
    return name.partition(" ")[0]


async def look_into(settings: StorageSettings) -> Store:
    """Open the database as it is, beside a running bot or without one; nothing is created, migrated or locked.

    Raises:
        NoDatabase: there is none yet.
        OldDatabase: it is an older version's.
        StorageError: it cannot be opened, or is a newer version's; the sentence says what to do.
        SettingsRefused: as `open_store`.
    """
    if not await asyncio.to_thread(is_there, settings):
        raise NoDatabase(f"There is no database yet; `python -m bot run` creates it ({database_name(settings)}).")
    store = await _connect(settings, None)
    try:
        _check_schema(settings, await schema_of(store, engine_of(settings)))
    except BaseException:
        await store.close()
        raise
    return store


def _check_schema(settings: StorageSettings, schema: int) -> None:
    known = len(migrations(engine_of(settings)))
    name = database_name(settings)
    if not schema:
        raise NoDatabase(f"The database is empty; `python -m bot run` creates its tables ({name}).")
    if schema < known:
        raise OldDatabase(
            f"{name} has schema {schema}; `python -m bot run` updates it to {known}, after which older versions cannot "
            "open it."
        )
    refuse_newer(settings, schema)


def refuse_newer(settings: StorageSettings, schema: int) -> None:
    """Refuse a database with tables that this version does not know.

    Raises:
        StorageError: it is a newer version's; the sentence says what to do.
    """
    known = len(migrations(engine_of(settings)))
    if schema > known:
        raise StorageError(
            f"{database_name(settings)} has schema {schema}, but this version of Wanda knows only {known}: it was "
            "opened by a newer version. Use that one."
        )


def write_nothing() -> Transaction[None]:
    """Write a row and remove it in the same transaction, and take the locks that a job's transactions take.

    A rolled-back transaction would write nothing to the disk, and an update that changes nothing writes no page.
    """
    for table in _TABLES_OF_JOBS:
        yield Many(f"DELETE FROM {table} WHERE 1 = 0")  # noqa: S608 - a name of ours
    yield One("INSERT INTO schema_version (version, applied_at) VALUES (-1, 0)")
    yield One("DELETE FROM schema_version WHERE version = -1")


def _keeps_files() -> Transaction[bool]:
    row = yield One("SELECT id FROM jobs WHERE state = 'done' AND files_gone = 0 LIMIT 1")
    return row is not None


def database_id_in() -> Transaction[str]:
    """Return what tells this database from any other; it stays the same in a backup and gives nothing away."""
    row = yield One("SELECT value FROM pseudonym_key WHERE id = 1")
    return hashlib.sha256(f"wanda database {row['value']}".encode()).hexdigest()[:16]


def is_postgres(settings: StorageSettings) -> bool:
    """Return whether the settings name a PostgreSQL database."""
    return settings.database_url.startswith(POSTGRES_SCHEMES)


def database_name(settings: StorageSettings) -> str:
    """Return the database's name for people, without user and password."""
    if not is_postgres(settings):
        return f"SQLite {sqlite_path(settings)}"
    try:
        parts = urlsplit(settings.database_url)
        place = f"{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        place = "by DATABASE_URL"
    return f"PostgreSQL {place}"


def sqlite_path(settings: StorageSettings) -> Path:
    """Return the file that `DATABASE_URL` names: `sqlite:///wanda.db` is relative, `sqlite:////var/wanda.db` absolute.

    Links are followed, so that all names of one file lead to one lock.
    """
    url = settings.database_url
    return Path(os.path.realpath(url.removeprefix(SQLITE_SCHEME) if url else settings.data_dir / "wanda.db"))


def engine_of(settings: StorageSettings) -> Engine:
    """Return the engine that the settings name."""
    return "postgres" if is_postgres(settings) else "sqlite"


def is_there(settings: StorageSettings) -> bool:
    """Return whether an SQLite database exists; whether a PostgreSQL one has tables is seen once it is open."""
    if is_postgres(settings):
        return True
    try:
        return sqlite_path(settings).stat().st_size > 0
    except OSError:
        return False


def make_parent(path: Path) -> None:
    """Make the folder of an SQLite file, for its owner alone.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The database's folder {path.parent} cannot be made: {why_not(path.parent.parent, error)}."
        ) from error


async def _connect(settings: StorageSettings, plan: ShardPlan | None) -> Store:
    if not is_postgres(settings):
        return await SQLiteStore.open(
            sqlite_path(settings),
            batch_max=settings.batch_max,
            queue_max=settings.queue_max,
            timeout_s=settings.timeout_s,
            create=plan is not None,
        )
    try:
        # Imported here because asyncpg is an optional dependency.
        from bot.storage.postgres import PostgresStore  # noqa: PLC0415 - see the line above
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise SettingsRefused(
            "DATABASE_URL names PostgreSQL, but its driver is not installed: pip install 'wanda[postgres]'."
        ) from error
    return await PostgresStore.open(
        settings.database_url,
        pool_size=settings.postgres_pool_size,
        timeout_s=settings.timeout_s,
        plan=plan,
    )


async def _migrate(store: Store, settings: StorageSettings, *, at: float) -> int:
    """Migrate the database; no step has to end within the timeout of an ordinary answer."""
    engine = engine_of(settings)
    if not is_postgres(settings):
        return await migrate(store, engine, at=at)
    from bot.storage.postgres import Unhurried  # noqa: PLC0415 - its driver is optional

    async with Unhurried(settings.database_url, timeout_s=settings.timeout_s) as unhurried:
        return await migrate(unhurried, engine, at=at)
