"""Migrating a database, on both engines."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.settings import StorageSettings
from bot.storage import postgres
from bot.storage.database import open_store
from bot.storage.migrate import Engine, migrate, migrations
from bot.storage.postgres import PostgresStore, Unhurried
from bot.storage.sqlite import SQLiteStore
from bot.storage.transaction import Many, One, Store, Transaction
from tests.support.stores import PostgresServer


def _run(sql: str, *args: Any) -> Transaction[Any]:
    return (yield Many(sql, args))


def _insert(sql: str) -> Transaction[None]:
    yield One(sql)


async def test_each_step_is_applied_once_and_recorded(store: Store, engine: Engine) -> None:
    """A database that is up to date is not changed, and lists its migrations with their times."""
    before = await store.read(_run("SELECT version, applied_at FROM schema_version ORDER BY version"))
    assert [row["version"] for row in before] == list(range(1, len(migrations(engine)) + 1))
    assert await migrate(store, engine, at=5.0) == len(before)
    assert await store.read(_run("SELECT version, applied_at FROM schema_version ORDER BY version")) == before


async def _unmigrated(settings: StorageSettings) -> Store:
    if settings.database_url:
        return await PostgresStore.open(settings.database_url)
    return await SQLiteStore.open(settings.data_dir / "wanda.db")


async def test_a_step_may_take_longer_than_an_answer(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """Neither Wanda's timeout nor one that the role has ends a step of a large database."""
    url = await postgres_server.new_database()
    (tmp_path / "0001_slow.sql").write_text("CREATE TABLE slow AS SELECT 1 AS x FROM pg_sleep(0.5);\n")
    slow = f"{url}&options=-c%20statement_timeout%3D200"
    async with Unhurried(slow, timeout_s=0.2) as unhurried:
        assert await migrate(unhurried, "postgres", at=1.0, folder=tmp_path) == 1


async def test_processes_that_start_together_take_turns(store_settings: StorageSettings, engine: Engine) -> None:
    """Of several stores opened at once on an empty database, each migration is applied once, and all stores open."""
    stores = [await _unmigrated(store_settings) for _ in range(4)]
    try:
        await asyncio.gather(*(migrate(store, engine, at=1.0) for store in stores))
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


class Session:
    """A connection that is lost as soon as it is used."""

    def __init__(self) -> None:
        self.is_closed = False

    async def execute(self, _: str) -> None:
        """Fail."""
        raise ConnectionResetError("gone")

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - as asyncpg's
        """Remember it."""
        del timeout
        self.is_closed = True


async def test_a_connection_that_cannot_be_used_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration's connection that fails before its first step does not stay open."""
    session = Session()

    async def connect(*_: object, **__: object) -> Session:
        return session

    monkeypatch.setattr(postgres._asyncpg, "connect", connect)
    with pytest.raises(StorageError):
        await Unhurried("postgresql://x", timeout_s=1.0).__aenter__()
    assert session.is_closed
