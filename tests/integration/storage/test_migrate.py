"""Migrating a database, on both engines."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.migrate import Engine, migrate, migrations
from bot.storage.transaction import Many, One, Store, Transaction


def _run(sql: str, *args: Any) -> Transaction[Any]:
    return (yield Many(sql, args))


def _insert(sql: str) -> Transaction[None]:
    yield One(sql)


@pytest.fixture
def engine(store_settings: StorageSettings) -> Engine:
    """The engine that the test runs on."""
    return "postgres" if store_settings.database_url else "sqlite"


async def test_each_step_is_applied_once_and_recorded(store: Store, engine: Engine) -> None:
    """A database that is up to date is not changed, and lists its migrations with their times."""
    before = await store.read(_run("SELECT version, applied_at FROM schema_version ORDER BY version"))
    assert [row["version"] for row in before] == list(range(1, len(migrations(engine)) + 1))
    assert await migrate(store, engine, at=5.0) == len(before)
    assert await store.read(_run("SELECT version, applied_at FROM schema_version ORDER BY version")) == before


async def test_processes_that_start_together_take_turns(store_settings: StorageSettings, engine: Engine) -> None:
    """Of several stores opened at once on an empty database, each migration is applied once, and all stores open."""
    stores = await asyncio.gather(*(open_store(store_settings, exclusive=False) for _ in range(4)))
    try:
        rows = await stores[0].read(_run("SELECT version FROM schema_version"))
        assert len(rows) == len(migrations(engine))
    finally:
        for store in stores:
            await store.close()


async def test_a_newer_database_is_refused(store: Store, store_settings: StorageSettings) -> None:
    """Older code does not touch tables that it does not know; the sentence says what to do."""
    await store.write(_insert("INSERT INTO schema_version (version, applied_at) VALUES (9999, 1)"))
    await store.close()
    with pytest.raises(StorageError, match=r"has schema 9999.*newer version"):
        await open_store(store_settings)


async def test_a_step_that_fails_leaves_nothing_behind(store: Store, engine: Engine, tmp_path: Path) -> None:
    """A migration is one transaction: if its second statement fails, its first table is rolled back."""
    count = len(migrations(engine))
    for number in range(1, count + 1):
        (tmp_path / f"{number:04}_old.sql").write_text("SELECT 1;\n")
    (tmp_path / f"{count + 1:04}_bad.sql").write_text("CREATE TABLE half (x BIGINT);\nCREATE TABEL other (x BIGINT);\n")
    with pytest.raises(StorageError):
        await migrate(store, engine, at=1.0, folder=tmp_path)
    with pytest.raises(StorageError):
        await store.read(_run("SELECT * FROM half"))
    assert len(await store.read(_run("SELECT version FROM schema_version"))) == count
