"""The step that notes the requests of the jobs so far, on a database with a past."""

from dataclasses import replace
from pathlib import Path

from bot.fal.wire.addresses import request_handle
from bot.jobs.rows import body_of
from bot.settings import StorageSettings
from bot.storage.migrate import migrate
from bot.storage.transaction import Many, One, Row, Transaction
from tests.support.job_samples import a_job
from tests.support.old_schema import engine_of, open_at_step

STEP = 27
_JOB = """
INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, version,
body) VALUES ($1, 1, 2, 3, 2, 'wan27-image', $2, 0, '', 7, 1, $3)"""


def _past() -> Transaction[None]:
    handle = request_handle("https://queue.fal.run", "fal-ai/wan-i2v", "019e-b")
    asked = {"prompt": 'say "request_id":"mine" and "policy":"charge"'}
    queued = a_job(id="b" * 32, state="queued", handle=handle, options=asked, absorbed_daily_microusd=250_000)
    for job in (a_job(id="a" * 32, options=asked), queued):
        yield One(_JOB, (job.id, job.state, body_of(job)))
    paying = replace(queued, id="c" * 32, handle=replace(handle, request_id="019e-c"), policy="charge")
    yield One(_JOB, (paying.id, paying.state, body_of(paying)))
    for letter, body in (("d", "no job at all"), ("e", '"request_id":"'), ("f", '{"request_id":"'), ("0", "{}")):
        yield One(_JOB, (letter * 32, "queued", body))


def _requests() -> Transaction[list[Row]]:
    return (yield Many("SELECT request_id, job_id, policy, absorbed_daily_microusd FROM fal_requests ORDER BY job_id"))


async def test_requests_are_noted(store_settings: StorageSettings, tmp_path: Path) -> None:
    """Each request is found with its job and rules; a prompt is none, and a broken row stops nothing."""
    store = await open_at_step(STEP - 1, store_settings, tmp_path)
    await store.write(_past())
    await migrate(store, engine_of(store_settings), at=2.0)
    try:
        assert [tuple(row.values()) for row in map(dict, await store.read(_requests()))] == [
            ("019e-b", "b" * 32, "absorb", 250_000),
            ("019e-c", "c" * 32, "charge", 250_000),
        ]
    finally:
        await store.close()
