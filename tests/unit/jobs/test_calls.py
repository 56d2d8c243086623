from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.jobs import acceptance, queries, transactions
from bot.jobs.calls import take_call, webhook_key
from bot.jobs.events import EndShown, Event, Made, NotMade, ReplyLost, Submitted, Uploaded, VideoPosted
from bot.jobs.model import Failure, Job
from bot.jobs.rows import body_of, columns_of
from bot.jobs.rule_query import who_of
from bot.ledger.audit import totals, verify
from bot.ledger.holds import standing
from bot.ledger.model import Shipped, View
from bot.storage.transaction import JOBS_CHANNEL, Notify
from tests.support.job_samples import HANDLE, JOB_ID, NOW, PLACES, RESULT, a_job
from tests.support.stores import MemoryStore

QUEUE = "https://queue.fal.run"
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
TO_FAL = [Uploaded(()), Submitted(HANDLE)]
LOST = [Uploaded(()), ReplyLost(), EndShown()]


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    """An empty database in memory."""
    store = MemoryStore()
    yield store
    store.connection.close()


def accept(store: MemoryStore, *events: Event, **changes: Any) -> Job:
    """Accept a job, let this happen to it, and return it."""
    job = store.run(acceptance.accept(a_job(**changes), SHIPPED, PLACES)).job
    for event in events:
        job = store.run(transactions.advance(job.id, event, now=NOW)).job
    return job


def call(store: MemoryStore, request_id: str = "r-1", job_id: str = JOB_ID) -> str:
    """Take a webhook."""
    return store.run(take_call(job_id, request_id, queue_url=QUEUE, now=NOW + 60))


def stored(store: MemoryStore, job_id: str = JOB_ID) -> Job:
    """Return the job as it is stored."""
    job = store.run(queries.get(job_id))
    assert job is not None
    return job


def view_of(store: MemoryStore, job: Job) -> View:
    """Return what the job's member has left."""
    return store.run(standing(who_of(job), at=NOW, shipped=SHIPPED))


def test_a_call_is_stored_once(store: MemoryStore) -> None:
    """The first call has the result fetched; the same again, and after the end, is known and changes nothing."""
    accept(store, *TO_FAL)
    assert call(store) == "stored"
    job = stored(store)
    assert (job.state, job.handle) == ("fetching", HANDLE)
    assert call(store) == "known"
    for event in (Made(RESULT), VideoPosted(job.address)):
        store.run(transactions.advance(JOB_ID, event, now=NOW + 61))
        before = stored(store)
        assert call(store) == "known"
        assert stored(store) == before


def test_a_call_about_something_else(store: MemoryStore) -> None:
    """Another request, an unknown job, or one whose row cannot be read: nothing is stored."""
    before = accept(store, *TO_FAL)
    assert call(store, "r-2") == "other"
    assert call(store, job_id="f" * 32) == "unknown"
    assert stored(store) == before
    store.connection.execute("UPDATE jobs SET body = '{}'")
    assert call(store) == "unknown"


def test_a_call_brings_the_request_that_a_lost_reply_named(store: MemoryStore) -> None:
    """Of a job that knows no request the documented addresses are asked; a mode that is gone has none."""
    accept(store, *LOST)
    assert call(store) == "stored"
    assert stored(store).handle == HANDLE
    accept(store, *LOST, id="b" * 32, mode="wan9", options={})
    assert call(store, job_id="b" * 32) == "unknown"


def test_the_drivers_process_is_told() -> None:
    """The transaction that stores a call notifies the other processes; one that stores nothing does not."""
    for state, told in (("queued", True), ("done", False)):
        job = a_job(state=state, handle=HANDLE)
        taking, statements = take_call(JOB_ID, "r-1", queue_url=QUEUE, now=NOW), list[Any]()
        statements.append(next(taking))
        try:
            statements.append(taking.send({**columns_of(job), "body": body_of(job)}))
            while True:
                statements.append(taking.send(None))
        except StopIteration:
            pass
        notices = [one for one in statements if isinstance(one, Notify)]
        assert [one.args for one in notices] == ([(JOBS_CHANNEL, JOB_ID)] if told else [])


def test_the_key_is_the_databases(store: MemoryStore) -> None:
    """It is the same at every start, and another database has another one."""
    key = store.run(webhook_key())
    assert (key, len(key)) == (store.run(webhook_key()), 32)
    store.connection.execute("UPDATE pseudonym_key SET value = 'another database'")
    assert store.run(webhook_key()) != key


@pytest.mark.parametrize(
    ("event", "state", "spent"),
    [
        (Made(RESULT), "delivering", 750_000),
        (Made(RESULT, cost_microusd=500_000), "delivering", 500_000),
        (NotMade(replace(Failure(kind="internal_error", status=500))), "failed", 0),
    ],
)
def test_what_a_late_call_costs(store: MemoryStore, event: Event, state: str, spent: int) -> None:
    """The member's hold was released and stays so; what the server had exposed is settled or released."""
    job = accept(store, *LOST)
    assert view_of(store, job).standings[0].held_microusd == 0
    (exposed,) = store.run(totals())
    assert (exposed.held_microusd, exposed.exposed_microusd, exposed.spent_microusd) == (750_000, 750_000, 0)
    assert call(store) == "stored"
    after = store.run(transactions.advance(JOB_ID, event, now=NOW + 61)).job
    assert (after.state, after.charged_microusd) == (state, 0)
    (ended,) = store.run(totals())
    assert (ended.held_microusd, ended.exposed_microusd, ended.spent_microusd) == (0, 0, spent)
    assert [(one.held_microusd, one.spent_microusd) for one in view_of(store, job).standings] == [(0, 0), (0, spent)]
    assert store.run(verify()) == []


def test_a_rerun_that_was_ordered_again_meanwhile(store: MemoryStore) -> None:
    """A rerun that is taken up again does not collide with the same one, which its member has ordered anew."""
    again = {"parent_id": JOB_ID, "trigger": "react:🔁"}
    accept(store)
    accept(store, *LOST, id="b" * 32, **again)
    accept(store, *TO_FAL, id="c" * 32, **again)
    assert call(store, job_id="b" * 32) == "stored"
    assert stored(store, "b" * 32).trigger == "react:🔁"
    assert [job.id for job in store.run(queries.unfinished_jobs())] == [JOB_ID, "b" * 32, "c" * 32]
