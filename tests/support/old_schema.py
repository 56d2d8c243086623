"""Databases with an earlier schema, for the tests of a schema step."""

import shutil
from pathlib import Path

import pytest

from bot.settings import StorageSettings
from bot.storage.migrate import SCHEMA_DIR, Engine, migrate
from bot.storage.postgres import PostgresStore
from bot.storage.sqlite import SQLiteStore
from bot.storage.transaction import Store


def engine_of(settings: StorageSettings) -> Engine:
    """Return the engine of the test's database."""
    return "postgres" if settings.database_url else "sqlite"


@pytest.fixture
def engine(store_settings: StorageSettings) -> Engine:
    """The engine that the test runs on."""
    return engine_of(store_settings)


async def open_at_step(step: int, settings: StorageSettings, folder: Path) -> Store:
    """Return a new database with the schema up to this step; `folder` takes a copy of those steps."""
    steps = folder / f"schema-{step}"
    steps.mkdir()
    for path in SCHEMA_DIR.glob("*.sql"):
        if int(path.name.partition("_")[0]) <= step:
            shutil.copy(path, steps)
    if engine_of(settings) == "sqlite":
        store: Store = await SQLiteStore.open(settings.data_dir / "wanda.db")
    else:
        store = await PostgresStore.open(settings.database_url, pool_size=2, timeout_s=5.0)
    await migrate(store, engine_of(settings), at=1.0, folder=steps)
    return store
