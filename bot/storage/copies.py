"""Opens the database of the settings to be copied, or an empty one that a copy is to fill."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.errors import NoDatabase
from bot.settings import StorageSettings
from bot.storage.copying import EmptyDatabase, Snapshot
from bot.storage.database import refuse_newer
from bot.storage.location import database_name, is_postgres, is_there, make_parent, sqlite_path
from bot.storage.owned_store import Locks
from bot.storage.sqlite_copy import new_sqlite, sqlite_snapshot

LAST_OWNER_S = 2.0  # PostgreSQL frees the locks of a session a moment after its process has ended


@asynccontextmanager
async def snapshot_of(settings: StorageSettings) -> AsyncGenerator[Snapshot, None]:
    """Open a snapshot of the database, beside a running bot or without one, also of an older version's.

    Raises:
        NoDatabase: there is none, or none of Wanda's.
        StorageError: it cannot be opened or read, or is a newer version's.
        SettingsRefused: PostgreSQL's driver is not installed, or DATABASE_URL cannot be read.
    """
    await check_there(settings)
    async with AsyncExitStack() as stack:
        if is_postgres(settings):
            from bot.storage.postgres_copy import postgres_snapshot  # noqa: PLC0415 - its driver is optional

            opened = postgres_snapshot(settings.database_url, timeout_s=settings.timeout_s)
        else:
            opened = sqlite_snapshot(sqlite_path(settings), timeout_s=settings.timeout_s)
        snapshot: Snapshot = await stack.enter_async_context(opened)
        if not snapshot.schema:
            raise NoDatabase(f"{database_name(settings)} has no tables of Wanda.")
        refuse_newer(settings, snapshot.schema)
        yield snapshot


async def check_there(settings: StorageSettings) -> None:
    """Check that an SQLite database exists; whether a PostgreSQL one has tables is seen once it is open.

    Raises:
        NoDatabase: there is none.
    """
    if not await asyncio.to_thread(is_there, settings):
        raise NoDatabase(
            f"There's no database at {database_name(settings)}; if yours is elsewhere, set WANDA_DATA_DIR or "
            "DATABASE_URL."
        )


@asynccontextmanager
async def new_database(settings: StorageSettings) -> AsyncGenerator[EmptyDatabase, None]:
    """Open an empty database at the place that the settings name; it is there once it is committed.

    Raises:
        StorageError: there is one already, or it cannot be reached or written.
        SettingsRefused: PostgreSQL's driver is not installed, or DATABASE_URL cannot be read.
    """
    async with AsyncExitStack() as stack:
        if is_postgres(settings):
            from bot.storage.postgres_copy import new_postgres  # noqa: PLC0415 - its driver is optional

            opened = new_postgres(settings.database_url, timeout_s=settings.timeout_s)
        else:
            path = sqlite_path(settings)
            await asyncio.to_thread(make_parent, path)
            opened = new_sqlite(path)
        yield await stack.enter_async_context(opened)


@asynccontextmanager
async def owned(settings: StorageSettings) -> AsyncGenerator[None, None]:
    """Keep the data folder and the database for this process until the block ends, so that no bot works with them.

    Raises:
        StorageError: a bot works with them.
    """
    async with AsyncExitStack() as stack:
        path = None if is_postgres(settings) else sqlite_path(settings)
        if path is not None:
            await asyncio.to_thread(make_parent, path)
        locks = await asyncio.to_thread(Locks, settings.data_dir, path)
        stack.callback(locks.free)
        if is_postgres(settings):
            await _own_postgres(stack, settings)
        yield


async def _own_postgres(stack: AsyncExitStack, settings: StorageSettings) -> None:
    from bot.storage.ownership import Ownership  # noqa: PLC0415 - its driver is optional

    ownership = Ownership(settings.database_url, timeout_s=settings.timeout_s)
    stack.push_async_callback(ownership.give_up)
    await ownership.begin(patience_s=LAST_OWNER_S)
