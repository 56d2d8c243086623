"""The migration to schema 5, which rebuilds the ledger's tables on SQLite, on a database with data, on both engines."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.ledger import holds, scopes
from bot.ledger.audit import verify
from bot.ledger.model import Who
from bot.ledger.pseudonyms import guilds_with, unname
from bot.settings import StorageSettings
from bot.storage.migrate import Engine, migrate
from bot.storage.transaction import Many, One, Store, Transaction
from tests.support.old_schema import open_at_step

AT = 1_795_176_000.0
WHO = Who(guild_id=7, channel_id=9, member_id=42)
_COLUMNS = "id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at, at, actor, reason"
_TABLES = ("SELECT * FROM draws ORDER BY job_id, position", f"SELECT {_COLUMNS} FROM entries ORDER BY id")  # noqa: S608 - the columns stand above


def _all(sql: str) -> Transaction[list[dict[str, Any]]]:
    return [dict(row) for row in (yield Many(sql))]


def _run(sql: str, *args: Any) -> Transaction[None]:
    yield One(sql, args)


def _past(state: str, kind: str | None) -> Transaction[None]:
    """Write the rows of schema 4 for a job with this id and state."""
    spent = 900 if state == "settled" else None
    for position, scope in enumerate(scopes.drawn_on(WHO)):
        side = scopes.side(scope)
        own = "released" if (state, side) == ("exposed", "member") else state
        ended_at = AT + 1 if own in {"settled", "released"} else None
        draw = (state, position, 7, 42, scope, side, 1_000, own, spent, AT, ended_at)
        yield One(f"INSERT INTO draws VALUES ({', '.join(f'${n}' for n in range(1, 12))})", draw)  # noqa: S608
        ending = "release" if own == "released" else kind
        entries = [("hold", 1_000, 0)]
        if ending is not None:
            entries.append((ending, 0 if ending == "expose" else -1_000, spent or 0))
        for name, held, cost in entries:
            entry = (f"{state}:{name}:{scope}", 7, state, scope, name, held, cost, AT, AT + 1, "wanda", "")
            yield One(f"INSERT INTO entries ({_COLUMNS}) VALUES ({', '.join(f'${n}' for n in range(1, 12))})", entry)  # noqa: S608


@pytest.fixture
async def old(store_settings: StorageSettings, engine: Engine, tmp_path: Path) -> AsyncGenerator[Store]:
    """A database of the previous version, with a job in each state."""
    store = await open_at_step(4, store_settings, tmp_path)
    for state, kind in (("held", None), ("exposed", "expose"), ("settled", "settle"), ("released", "release")):
        await store.write(_past(state, kind))
    yield store
    await store.close()


async def test_every_draw_and_entry_is_kept_and_can_still_end(old: Store, engine: Engine) -> None:
    """The migration changes no row of the ledger; open holds can still end, once, and the books are right."""
    before = [await old.read(_all(table)) for table in _TABLES]
    await migrate(old, engine, at=2.0)
    assert [await old.read(_all(table)) for table in _TABLES] == before
    for job_id in ("held", "exposed"):
        assert not (await old.write(holds.settle(job_id, 1_000, at=AT + 2, actor="wanda", reason=""))).repeated
        assert (await old.write(holds.release(job_id, at=AT + 3, actor="wanda", reason=""))).how == "settled"
    assert await old.read(verify()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE draws SET state = 'lost' WHERE job_id = 'held'",
        "UPDATE draws SET side = 'nobody' WHERE job_id = 'held'",
        "UPDATE draws SET amount_microusd = -1 WHERE job_id = 'held'",
        "UPDATE draws SET state = 'settled' WHERE job_id = 'held'",
        "UPDATE draws SET ended_at = 1 WHERE job_id = 'held'",
        "UPDATE draws SET ended_at = NULL WHERE job_id = 'released'",
        "UPDATE draws SET settled_microusd = -1 WHERE job_id = 'settled'",
        f"INSERT INTO entries ({_COLUMNS}) VALUES ('x', 7, 'held', 'server:7', 'gift', 0, 0, 1, 1, '', '')",  # noqa: S608
        "UPDATE entries SET spent_delta_microusd = 0",
        "UPDATE entries SET scope = 'server:8'",
        "DELETE FROM entries",
    ],
)
async def test_what_was_refused_is_refused(old: Store, engine: Engine, wrong: str) -> None:
    """The constraints on state, side, kind, amount and end still hold, and entries are append-only."""
    await migrate(old, engine, at=2.0)
    before = [await old.read(_all(table)) for table in _TABLES]
    with pytest.raises(StorageError):
        await old.write(_run(wrong))
    assert [await old.read(_all(table)) for table in _TABLES] == before


async def test_a_member_is_found_and_unnamed(old: Store, engine: Engine) -> None:
    """A server's draws are found by the member's id, and no longer once the id is replaced by a pseudonym."""
    await migrate(old, engine, at=2.0)
    assert await old.read(guilds_with(42)) == (7,)
    nobody = await old.write(unname(7, 42))
    assert await old.read(guilds_with(42)) == ()
    assert {row["member_id"] for row in await old.read(_all("SELECT member_id FROM draws"))} == {nobody}
    assert await old.read(verify()) == []
