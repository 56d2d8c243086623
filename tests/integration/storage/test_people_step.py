"""The migration to schema 6, which moves members' ids from text into columns, on a database with data."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.jobs import erasure, queries
from bot.jobs.rows import body_of
from bot.ledger.audit import verify
from bot.ledger.history import entries_page
from bot.ledger.pseudonyms import guilds_with, pseudonym_of, unname
from bot.settings import StorageSettings
from bot.storage.migrate import migrate
from bot.storage.transaction import Many, One, Store, Transaction
from tests.support.job_samples import NOW, RESULT, a_job
from tests.support.old_schema import engine_of, open_at_step

GUILD, MEMBER = 1, 2
# Ben only declined; Anna approved, declined, acted and was blocked.
ANNA, BEN, GONE = 987654321098765432, 876543210987654321, -5
APPROVED = a_job(id="a" * 32, state="done", told=True, result=RESULT, approved_by=ANNA)
OTHERS = a_job(id="b" * 32, state="done", told=True, result=RESULT, approved_by=BEN)
UNAPPROVED = a_job(id="c" * 32, state="done", told=True, result=RESULT)
_ENTRY = "id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at, at, actor, reason"
_ACT = "guild_id, id, at, actor_id, act, subject, before, after, reason"
TABLES = ("jobs", "draws", "entries", "budgets", "acts", "grants", "warnings", "renaming")


def _insert(table: str, columns: str, *values: Any) -> Transaction[None]:
    numbers = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    yield One(f"INSERT INTO {table} ({columns}) VALUES ({numbers})", values)  # noqa: S608 - this module's own names


def _run(sql: str, *args: Any) -> Transaction[None]:
    yield One(sql, args)


def _all(sql: str) -> Transaction[list[dict[str, Any]]]:
    return [dict(row) for row in (yield Many(sql))]


def _past() -> Transaction[None]:
    """Write rows of schema 5: approved and other jobs, declined holds, and acts about a member."""
    columns = (
        "id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, version, body"
    )
    for job in (APPROVED, OTHERS, UNAPPROVED):
        row = (job.id, GUILD, 20, 30, MEMBER, job.mode, "done", 1, "", NOW, 1, body_of(job))
        yield from _insert("jobs", columns, *row)
    yield from _insert("jobs", columns, "d" * 32, GUILD, 20, 31, MEMBER, "m", "done", 1, "", NOW, 1, "not JSON")
    for job_id, reason in (
        ("one", f"declined by {ANNA}"),
        ("two", f"declined by {BEN}"),
        ("three", f"declined by {GONE}"),
        ("four", "declined by nobody known"),
        ("five", "nobody approved it in time"),
    ):
        yield from _insert(
            "draws",
            "job_id, position, guild_id, member_id, scope, side, amount_microusd, state, counted_at, ended_at",
            *(job_id, 0, GUILD, MEMBER, f"server:{GUILD}", "server", 9, "released", NOW, NOW + 1),
        )
        known = (GUILD, job_id, f"server:{GUILD}")
        ids = (f"{job_id}:hold:server:{GUILD}", f"{job_id}:release:server:{GUILD}")
        yield from _insert("entries", _ENTRY, ids[0], *known, "hold", 9, 0, NOW, NOW, f"member:{MEMBER}", "m: 9")
        yield from _insert("entries", _ENTRY, ids[1], *known, "release", -9, 0, NOW, NOW + 1, "wanda", reason)
    yield from _insert("acts", _ACT, GUILD, 1, NOW, MEMBER, "set blocked", f"member:{ANNA}", "null", '"spam"', "Anna")
    yield from _insert("acts", _ACT, GUILD, 2, NOW, ANNA, "set paused", "server", "null", '"break"', "a break")
    yield from _insert("acts", _ACT, GUILD, 3, NOW, MEMBER, "grant", f"member:{GONE}", "null", "{}", "")


@pytest.fixture
async def migrated(store_settings: StorageSettings, tmp_path: Path) -> AsyncGenerator[Store]:
    """A migrated database of the previous version."""
    opened = await open_at_step(5, store_settings, tmp_path)
    await opened.write(_past())
    await migrate(opened, engine_of(store_settings), at=2.0)
    yield opened
    await opened.close()


async def _rows_with(migrated: Store, person: int) -> list[dict[str, Any]]:
    """Return every row of every table that names the person."""
    found: list[dict[str, Any]] = []
    for table in TABLES:
        rows = await migrated.read(_all(f"SELECT * FROM {table}"))  # noqa: S608 - the names stand above
        found += [row for row in rows if str(person) in str(row)]
    return found


async def test_ids_are_columns(migrated: Store) -> None:
    """The ids of approvers, decliners and subjects of acts are in columns, and no reason contains an id."""
    approvers = await migrated.read(_all("SELECT id, approved_by FROM jobs ORDER BY id"))
    assert [row["approved_by"] for row in approvers] == [ANNA, BEN, None, None]
    sql = "SELECT job_id, reason, declined_by FROM entries WHERE kind = 'release'"
    assert {row["job_id"]: (row["reason"], row["declined_by"]) for row in await migrated.read(_all(sql))} == {
        "one": ("declined", ANNA),
        "two": ("declined", BEN),
        "three": ("declined", GONE),
        "four": ("declined by nobody known", None),
        "five": ("nobody approved it in time", None),
    }
    acts = await migrated.read(_all("SELECT member_id FROM acts ORDER BY id"))
    assert [row["member_id"] for row in acts] == [ANNA, None, GONE]


async def test_people_read_what_they_read_before(migrated: Store) -> None:
    """An export and the page of movements still say who declined, and a job still says who approved it."""
    entries = await migrated.read(entries_page(GUILD, limit=100))
    assert {entry.why for entry in entries if entry.kind == "release"} == {
        f"declined by {ANNA}",
        f"declined by {BEN}",
        f"declined by {GONE}",
        "declined by nobody known",
        "nobody approved it in time",
    }
    assert await migrated.read(queries.get(APPROVED.id)) == APPROVED


async def test_who_is_erased_is_named_nowhere(migrated: Store) -> None:
    """Erasing a member removes their id from jobs, entries, draws and acts, and changes no amount or other id."""
    assert await _rows_with(migrated, ANNA)
    assert await migrated.read(guilds_with(ANNA)) == await migrated.read(guilds_with(BEN)) == (GUILD,)
    assert set(await migrated.read(erasure.names_in(GUILD, limit=9))) == {MEMBER, ANNA, BEN}

    await migrated.write(erasure.forget_member(ANNA, at=NOW))
    nobody = await migrated.read(pseudonym_of(GUILD, ANNA))

    assert await _rows_with(migrated, ANNA) == []
    assert await migrated.read(queries.get(APPROVED.id)) == replace(APPROVED, approved_by=None)
    assert await migrated.read(queries.get(OTHERS.id)) == OTHERS
    assert await migrated.read(guilds_with(ANNA)) == ()
    assert set(await migrated.read(erasure.names_in(GUILD, limit=9))) == {MEMBER, BEN}
    acts = await migrated.read(_all("SELECT actor_id, subject, member_id, reason FROM acts ORDER BY id"))
    assert [tuple(row.values()) for row in acts] == [
        (MEMBER, f"member:{nobody}", nobody, ""),
        (nobody, "server", None, "a break"),
        (MEMBER, f"member:{GONE}", GONE, ""),
    ]
    assert await migrated.read(verify()) == []


async def test_a_server_that_was_left_names_nobody(migrated: Store) -> None:
    """All ids in a left server's books are found, and after the deletion none is left."""
    for person in await migrated.read(erasure.names_in(GUILD, limit=9)):
        await migrated.write(unname(GUILD, person))
    await migrated.write(erasure.forget_guild(GUILD, at=NOW))
    assert await migrated.read(erasure.names_in(GUILD, limit=9)) == ()
    assert await _rows_with(migrated, ANNA) == await _rows_with(migrated, BEN) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE entries SET declined_by = -1",
        "UPDATE entries SET declined_by = NULL",
        "UPDATE entries SET reason = 'approved'",
        "DELETE FROM entries",
        "UPDATE acts SET member_id = -1",
        "UPDATE acts SET member_id = NULL",
        "UPDATE acts SET subject = 'server'",
        "DELETE FROM acts",
    ],
)
async def test_the_new_columns_are_append_only_too(migrated: Store, wrong: str) -> None:
    """The new columns can only change during an erasure, and only for the erased member."""
    with pytest.raises(StorageError, match="append-only"):
        await migrated.write(_run(wrong))
    await migrated.write(_run("INSERT INTO renaming (name, pseudonym) VALUES ('31', '-1')"))
    with pytest.raises(StorageError, match="append-only"):
        await migrated.write(_run(wrong))


async def test_the_books_name_only_pseudonyms_after_each_person(migrated: Store) -> None:
    """In migrated rows the pseudonym replaces the id, too."""
    nobody = await migrated.write(unname(GUILD, BEN))
    sql = "SELECT declined_by FROM entries WHERE job_id = 'two' AND kind = 'release'"
    assert await migrated.read(_all(sql)) == [{"declined_by": nobody}]
