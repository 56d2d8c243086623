"""Opens the database of the settings, migrates it, and locks it against a second bot."""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from bot.errors import StorageError
from bot.settings import StorageSettings
from bot.storage.migrate import Engine, migrate
from bot.storage.sqlite import SQLiteStore
from bot.storage.transaction import Store

_SQLITE_SCHEME = "sqlite:///"
_POSTGRES_SCHEMES = ("postgresql://", "postgres://")


class FolderLock:
    """An exclusive lock on a data folder, held until `free` or until the process ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            StorageError: another process holds it, or the folder is not writable.
        """
        path = folder / "wanda.lock"
        try:
            # Child processes do not inherit the descriptor: one that outlives Wanda must not keep the lock.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(f"The lock file {path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StorageError(
                f"Another Wanda (process {owner}) already works with the data in {folder.absolute()}: "
                "stop it first, or give this one a folder of its own in WANDA_DATA_DIR."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode("ascii"), 0)

    def free(self) -> None:
        """Release the lock. The file stays: if it were deleted, two processes could each lock a file of this name."""
        os.close(self._descriptor)


class _OwningStore:
    """A store that releases the data folder's lock when it is closed."""

    def __init__(self, store: Store, lock: FolderLock) -> None:
        self.write = store.write
        self.read = store.read
        self._store = store
        self._lock = lock
        self._closed = False

    async def close(self) -> None:
        """Close the store, then release the lock."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._store.close()
        finally:
            self._lock.free()


async def open_store(
    settings: StorageSettings, *, exclusive: bool = True, clock: Callable[[], float] = time.time
) -> Store:
    """Open the database of the settings and migrate it.

    With `exclusive`, which the bot needs and reports do not, the data folder and the database are locked until the
    store is closed.

    Raises:
        StorageError: the database cannot be opened, is newer than this code, or is locked by another process; the
            sentence says what to do.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The data folder {settings.data_dir} cannot be made ({error.strerror}): choose another in WANDA_DATA_DIR."
        ) from error
    if not exclusive:
        return await _open(settings, clock, exclusive=False)
    lock = FolderLock(settings.data_dir)
    try:
        return _OwningStore(await _open(settings, clock, exclusive=True), lock)
    except BaseException:
        lock.free()
        raise


async def _open(settings: StorageSettings, clock: Callable[[], float], *, exclusive: bool) -> Store:
    engine: Engine
    store: Store
    if settings.database_url.startswith(_POSTGRES_SCHEMES):
        engine, store = "postgres", await _open_postgres(settings, exclusive=exclusive)
    else:
        engine, store = "sqlite", await _open_sqlite(settings)
    try:
        await migrate(store, engine, at=clock())
    except BaseException:
        await store.close()
        raise
    return store


async def _open_sqlite(settings: StorageSettings) -> Store:
    path = sqlite_path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The database's folder {path.parent} cannot be made: {error.strerror}.") from error
    return await SQLiteStore.open(
        path,
        batch_max=settings.batch_max,
        queue_max=settings.queue_max,
        timeout_s=settings.timeout_s,
    )


def sqlite_path(settings: StorageSettings) -> Path:
    """Return the file that `DATABASE_URL` names: `sqlite:///wanda.db` is relative, `sqlite:////var/wanda.db` absolute.

    Raises:
        StorageError: the URL has an unknown scheme. The sentence does not repeat it: it may contain a password.
    """
    url = settings.database_url
    if not url:
        return settings.data_dir / "wanda.db"
    path = url.removeprefix(_SQLITE_SCHEME)
    if path == url or not path:
        raise StorageError(
            "DATABASE_URL is neither postgresql://user@host/database nor sqlite:///path/to/file: correct it, or leave "
            "it empty for SQLite in the data folder."
        )
    return Path(path)


async def _open_postgres(settings: StorageSettings, *, exclusive: bool) -> Store:
    try:
        # Imported here because asyncpg is an optional dependency.
        from bot.storage.postgres import PostgresStore  # noqa: PLC0415 - see the line above
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise StorageError(
            "DATABASE_URL names PostgreSQL, but its driver is not installed: pip install 'wanda[postgres]'."
        ) from error
    return await PostgresStore.open(
        settings.database_url,
        pool_size=settings.postgres_pool_size,
        timeout_s=settings.timeout_s,
        exclusive=exclusive,
    )
