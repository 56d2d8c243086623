"""The migration to schema 4 on a database with data, on both engines."""

from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.jobs import events, queries, transactions
from bot.jobs.rows import body_of
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.transaction import Many, One, Transaction
from tests.support.job_samples import NOW, RESULT, a_job
from tests.support.old_schema import open_at_step

NEWER = (',"parent_id":null', ',"parent_at":null', ',"trigger":null', ',"notes":[]', ',"files_gone_at":null')
_JOB = """
INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, version,
body) VALUES ($1, 1, 20, 30, 2, 'wan27-image', 'done', 1, '', $2, 1, $3)"""
_ENTRY = """
INSERT INTO entries (id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at, at,
actor, reason) VALUES ('e', 1, $1, 'server:1', 'hold', 1, 0, 1, 1, 'member:2', '')"""


def _all(sql: str) -> Transaction[list[dict[str, Any]]]:
    return [dict(row) for row in (yield Many(sql))]


def _run(sql: str, *args: Any) -> Transaction[None]:
    yield One(sql, args)


async def test_old_jobs_and_books_live_on(store_settings: StorageSettings, tmp_path: Path) -> None:
    """Old jobs can be read, found and rerun, their files expire, and entries stay append-only."""
    job = a_job(state="done", told=True, result=RESULT)
    body = body_of(job)
    for part in NEWER:
        assert part in body
        body = body.replace(part, "")
    old = await open_at_step(3, store_settings, tmp_path)
    await old.write(_run(_JOB, job.id, NOW, body))
    await old.write(_run(_ENTRY, job.id))
    await old.close()

    store = await open_store(store_settings)
    try:
        assert await store.read(queries.get(job.id)) == job
        assert await store.read(queries.job_of_message(30)) == job
        assert await store.read(queries.expired_job_ids(NOW + 1, limit=9)) == (job.id,)
        assert not (await store.write(transactions.advance(job.id, events.EndShown(), now=NOW))).changed
        with pytest.raises(StorageError, match="append-only"):
            await store.write(_run("UPDATE entries SET actor = 'member:-1'"))
        with pytest.raises(StorageError, match="append-only"):
            await store.write(_run("DELETE FROM entries"))
        assert len(await store.read(_all("SELECT * FROM entries"))) == 1
    finally:
        await store.close()
