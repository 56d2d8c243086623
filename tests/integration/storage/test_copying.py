"""Copying a database row by row, from each engine to each."""

from collections.abc import AsyncGenerator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.settings import StorageSettings
from bot.storage.copies import new_database, snapshot_of
from bot.storage.copying import TableRow, copy_rows
from bot.storage.database import look_into
from bot.storage.location import is_postgres
from bot.storage.tables import Table, tables_of
from bot.storage.transaction import Many, Transaction
from tests.support.any_rows import SCHEMA, any_rows
from tests.support.stores import PostgresServer, settings_for


@cache
def _rows() -> dict[Table, list[TableRow]]:
    return any_rows(1, of_each=40)


class Rows:
    """A snapshot of made-up rows."""

    schema = SCHEMA

    async def read(self, transaction: Transaction[Any]) -> Any:
        """Read nothing."""
        raise NotImplementedError

    async def batches(self, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
        """Yield the rows in two batches."""
        yield _rows()[table][:7]
        yield _rows()[table][7:]


@pytest.fixture
async def other_settings(
    store_settings: StorageSettings, tmp_path: Path, postgres_server: PostgresServer
) -> StorageSettings:
    """Settings with an empty database on the engine that `store_settings` is not."""
    if is_postgres(store_settings):
        return settings_for(tmp_path / "other")
    return settings_for(tmp_path / "other", await postgres_server.new_database())


async def _rows_in(settings: StorageSettings) -> dict[str, list[TableRow]]:
    async with snapshot_of(settings) as snapshot:
        return {
            table.name: sorted([row async for rows in snapshot.batches(table) for row in rows], key=repr)
            for table in tables_of(snapshot.schema)
        }


async def test_every_value_survives_both_engines(
    store_settings: StorageSettings, other_settings: StorageSettings
) -> None:
    """Row by row, a copy to one engine and from there to the other is what was there; triggers are on afterwards."""
    for settings in (store_settings, other_settings):
        settings.data_dir.mkdir(exist_ok=True)
    async with new_database(store_settings) as target:
        await copy_rows(Rows(), target)
        await target.migrate(SCHEMA, at=1.0)
        await target.commit()
    async with snapshot_of(store_settings) as snapshot, new_database(other_settings) as target:
        await copy_rows(snapshot, target)
        await target.migrate(SCHEMA, at=1.0)
        await target.commit()
    expected = {table.name: sorted(rows, key=repr) for table, rows in _rows().items()}
    assert await _rows_in(store_settings) == expected
    assert await _rows_in(other_settings) == expected
    for settings in (store_settings, other_settings):
        async with snapshot_of(settings) as snapshot:
            assert snapshot.schema == SCHEMA
        await _refuses_to_delete_entries(settings)


async def _refuses_to_delete_entries(settings: StorageSettings) -> None:
    store = await look_into(settings)
    try:
        with pytest.raises(StorageError, match="append-only"):
            await store.write(_run("DELETE FROM entries"))
    finally:
        await store.close()


def _run(sql: str) -> Transaction[Any]:
    return (yield Many(sql))
