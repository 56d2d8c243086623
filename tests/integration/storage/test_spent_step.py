"""The step that notes whose files a rerun has copies of, on a database with a past, on both engines."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.jobs.model import Job
from bot.jobs.rows import body_of
from bot.settings import StorageSettings
from bot.storage.migrate import Engine, migrate
from bot.storage.transaction import Many, One, Transaction
from tests.support.job_samples import a_job
from tests.support.old_schema import open_at_step

_INSERT = """
INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, version,
body, parent_id, pressed) VALUES ($1, 1, 2, 3, $2, 'wan27-image', 'done', 1, '', 1, 1, $3, $4, $5)"""


def _stored(job: Job) -> Transaction[None]:
    yield One(_INSERT, (job.id, job.member_id, body_of(job), job.parent_id, job.trigger))


def _all(sql: str) -> Transaction[list[dict[str, Any]]]:
    return [dict(row) for row in (yield Many(sql))]


def _rerun(parent: Job, letter: str, member_id: int, *, is_borrowed: bool) -> Job:
    inputs = tuple(replace(item, is_borrowed=is_borrowed) for item in parent.inputs)
    return a_job(id=letter * 32, member_id=member_id, parent_id=parent.id, trigger="button:again", inputs=inputs)


async def test_reruns_from_before_are_known_by_every_video_they_came_through(
    store_settings: StorageSettings, engine: Engine, tmp_path: Path
) -> None:
    """A rerun of another's video, and a rerun of that; one's own rerun has borrowed nothing."""
    store = await open_at_step(7, store_settings, tmp_path)
    first = a_job(id="a" * 32, member_id=1)
    own = _rerun(first, "b", 1, is_borrowed=False)
    others = _rerun(own, "c", 2, is_borrowed=True)
    again = _rerun(others, "d", 3, is_borrowed=True)
    for job in (first, own, others, again):
        await store.write(_stored(job))
    await migrate(store, engine, at=2.0)
    rows = await store.read(_all("SELECT job_id, source_id FROM borrowings ORDER BY job_id, source_id"))
    assert [(row["job_id"][0], row["source_id"][0]) for row in rows] == [("c", "b"), ("d", "b"), ("d", "c")]
    (key,) = await store.read(_all("SELECT value FROM pseudonym_key"))
    assert len(set(key["value"])) > 8
    await store.close()
