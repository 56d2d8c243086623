"""A PostgreSQL's connections are opened and used before the first orders come, and nothing of that is kept."""

from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.ledger import warming
from bot.ledger.audit import verify
from bot.storage.database import open_store
from bot.storage.owned_store import OwnedStore
from bot.storage.transaction import Many, Transaction
from tests.support.stores import PostgresServer, settings_for

_AT = 1_790_000_000.0


def _rows(sql: str) -> Transaction[list[Any]]:
    return (yield Many(sql))


def _broken(_: int) -> Transaction[None]:
    yield Many("SELECT 1 / 0")


def _cut_off(_: int) -> Transaction[None]:
    yield Many("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
async def store(postgres_server: PostgresServer, tmp_path: Path) -> AsyncGenerator[OwnedStore, None]:
    """A store with three connections."""
    async with postgres_server.whole_database() as url:
        opened = await open_store(settings_for(tmp_path, url, postgres_pool_size=3))
        try:
            yield opened
        finally:
            await opened.close()


async def test_nothing_is_kept(store: OwnedStore) -> None:
    """What warms the connections leaves no row behind, and the books are right."""
    await store.warm(partial(warming.hold_and_settle, at=_AT))

    for table in ("locks", "draws", "entries", "budgets", "fruitless", "warnings"):
        assert await store.read(_rows(f"SELECT * FROM {table}")) == []  # noqa: S608 - a name above
    assert not await store.read(verify())


async def test_every_connection_has_its_plans(store: OwnedStore) -> None:
    """Each connection is open afterwards, and its plan of what every job runs is made."""
    await store.warm(partial(warming.hold_and_settle, at=_AT))

    planned = "SELECT pg_backend_pid() AS pid, (SELECT MAX(generic_plans) FROM pg_prepared_statements) AS kept"
    found: dict[int, int] = {}

    def look(_: int) -> Transaction[None]:
        (row,) = yield from _rows(planned)
        found[row["pid"]] = row["kept"]

    await store.warm(look)

    assert len(found) == 3
    assert all(found.values())


@pytest.mark.parametrize("failing", [_broken, _cut_off])
async def test_a_failure_keeps_nobody_from_ordering(
    store: OwnedStore, failing: Callable[[int], Transaction[None]]
) -> None:
    """If the connections cannot be warmed, or break meanwhile, transactions get connections as before."""
    await store.warm(failing)

    assert await store.write(_rows("SELECT 1 AS one")) == [{"one": 1}]
    await store.warm(partial(warming.hold_and_settle, at=_AT))
