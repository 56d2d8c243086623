"""Opens the database of the settings: as its one owner, or only to look.

The owner locks the data folder and the database, migrates it, and refuses a database that is not the folder's. Who only
looks, such as `python -m bot check`, creates, migrates and locks nothing.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable

from bot.errors import NoDatabase, OldDatabase, SettingsRefused, StartRefused, StorageError
from bot.settings import StorageSettings
from bot.sharding import WHOLE, ShardPlan
from bot.storage import program
from bot.storage.data_folder import Mark, make_folder, read_mark, write_mark
from bot.storage.location import database_name, engine_of, is_postgres, is_there, kind_of, make_parent, sqlite_path
from bot.storage.migrate import migrate, migrations, schema_of
from bot.storage.owned_store import Database, EngineStore, Locks, OwnedStore
from bot.storage.sqlite import SQLiteStore
from bot.storage.transaction import One, Store, Transaction


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
    check_plan(settings, plan)
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


def check_plan(settings: StorageSettings, plan: ShardPlan) -> None:
    """Check that the database is one that several processes can share, if there are to be several.

    Raises:
        SettingsRefused: SQLite is to have shards.
    """
    if not (plan.is_whole or is_postgres(settings)):
        raise SettingsRefused(
            "Several processes share a PostgreSQL database, and WANDA_SHARDS is set without one: name it in "
            "DATABASE_URL, or leave WANDA_SHARDS at all."
        )


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
        check_same(settings, mark, database_id)
        has_begun = (mark is not None and mark.begun) or await store.read(program.has_begun())
        is_new = not before or not has_begun
        marked = Mark(database_id, name, begun=not is_new)
        keeps_files = await store.read(_keeps_files())
        write_mark(settings.data_dir, marked)
        await asyncio.to_thread(locks.remember)
        ownership = store.ownership
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


def check_same(settings: StorageSettings, mark: Mark | None, database_id: str) -> None:
    """Check that the database is the one that the data folder belongs to, and not what a move left behind.

    Raises:
        StartRefused: it is another one; the sentence says what to correct.
    """
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


async def look_into(settings: StorageSettings, *, is_patient: bool = False) -> Store:
    """Open the database as it is, beside a running bot or without one; nothing is created, migrated or locked.

    One that `is_patient` waits for each answer as long as it takes, which is minutes for the books of a busy year.

    Raises:
        NoDatabase: there is none yet.
        OldDatabase: it is an older version's.
        StorageError: it cannot be opened, or is a newer version's; the sentence says what to do.
        StartRefused: a start would refuse it, because the data folder belongs to another database.
        SettingsRefused: as `open_store`.
    """
    if not await asyncio.to_thread(is_there, settings):
        raise NoDatabase(f"There is no database yet; `python -m bot run` creates it ({database_name(settings)}).")
    store = await _connect(settings, None, is_patient=is_patient)
    try:
        _check_schema(settings, await schema_of(store, engine_of(settings)))
        check_same(settings, read_mark(settings.data_dir), await store.read(database_id_in()))
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


def _keeps_files() -> Transaction[bool]:
    # The newest first, by the index of ended jobs with files: a year's others are at the beginning of the table.
    row = yield One(
        "SELECT id FROM jobs WHERE told = 1 AND files_gone = 0 AND state = 'done' ORDER BY created_at DESC LIMIT 1"
    )
    return row is not None


def database_id_in() -> Transaction[str]:
    """Return what tells this database from any other; it stays the same in a backup and gives nothing away."""
    row = yield One("SELECT value FROM pseudonym_key WHERE id = 1")
    return hashlib.sha256(f"wanda database {row['value']}".encode()).hexdigest()[:16]


async def _connect(settings: StorageSettings, plan: ShardPlan | None, *, is_patient: bool = False) -> EngineStore:
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
        is_patient=is_patient,
    )


async def _migrate(store: Store, settings: StorageSettings, *, at: float) -> int:
    """Migrate the database; no step has to end within the timeout of an ordinary answer."""
    engine = engine_of(settings)
    if not is_postgres(settings):
        return await migrate(store, engine, at=at)
    from bot.storage.postgres import Unhurried  # noqa: PLC0415 - its driver is optional

    async with Unhurried(settings.database_url, timeout_s=settings.timeout_s) as unhurried:
        return await migrate(unhurried, engine, at=at)
