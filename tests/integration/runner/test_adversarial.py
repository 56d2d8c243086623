"""Failures at the worst moment: the books stay right, there is one POST, and every card shows an end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from bot.catalogue.registry import price_table
from bot.errors import Closed, StorageError
from bot.jobs import acceptance, events, transactions
from bot.jobs.model import Job, job_from
from bot.jobs.variations import as_variations, variation_id
from bot.ledger.audit import totals, verify
from bot.runner.runner import Runner
from bot.storage.transaction import Many, One, Store, Together, Transaction
from tests.support.job_samples import PLACES
from tests.support.runner_rig import RememberedCards, RunnerRig, make_runner, wait_for

T = TypeVar("T")
A, B = "a" * 32, "b" * 32
ACCEPT, RESUMED, UPLOADED, SUBMITTED = 1, 2, 3, 4  # the first writes of a job, in order


class Meddled:
    """A real store that loses or delays chosen writes, counted from 1."""

    def __init__(self, store: Store, *, lose_answer: int = 0, hold: int = 0) -> None:
        """Commit one write but fail its caller, or delay one write until `go`."""
        self._store = store
        self.lose_answer, self._hold = lose_answer, hold
        self.writes = 0
        self.broken = False
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Write, then fail if this write is to be lost."""
        self.writes += 1
        turn = self.writes
        if self.broken:
            transaction.close()
            raise StorageError("the disk is full")
        if turn == self._hold:
            self.reached.set()
            await self.go.wait()
        answer = await self._store.write(transaction, guild_id=guild_id)
        if turn == self.lose_answer:
            raise StorageError("the connection broke during COMMIT")
        return answer

    async def read(self, transaction: Transaction[T]) -> T:
        """Read."""
        return await self._store.read(transaction)

    async def close(self) -> None:
        """Do nothing: the fixture closes the store."""


async def _soon(seconds: float) -> None:
    """Sleep at most a moment."""
    await asyncio.sleep(min(seconds, 0.02))


def another(rig: RunnerRig, *, store: Any = None, cards: RememberedCards | None = None, **jobs: Any) -> Runner:
    """Return a runner beside the rig's, with other settings, another store or other cards."""
    runner = make_runner(
        rig.settings.model_copy(update={"jobs": rig.settings.jobs.model_copy(update=jobs)}),
        store or rig.store,
        rig.http,
        cards or rig.cards,
        member_microusd=5_000_000,
        sleep=_soon if store is not None else asyncio.sleep,
    )
    rig.others.append(runner)
    return runner


async def held(rig: RunnerRig, job: Job) -> set[tuple[int, int]]:
    """Return what the job's budgets hold and have spent."""
    standings = (await rig.view_of(job)).standings
    return {(standing.held_microusd, standing.spent_microusd) for standing in standings}


async def stepped(cards: RememberedCards, job_id: str, step: str | None) -> None:
    """Wait until the job's card showed this step."""

    async def look() -> bool | None:
        return True if (job_id, step) in cards.steps else None

    await wait_for(look)


def running(job_id: str) -> bool:
    """Return whether the runner has a task for the job."""
    return any(task.get_name() == f"job {job_id}" and not task.done() for task in asyncio.all_tasks())


async def test_nothing_waits_with_the_intent_written(rig: RunnerRig) -> None:
    """A job that waits for a submit slot stays `accepted`, so a restart loses nothing."""
    runner = another(rig, submits_at_once=1)
    await rig.fault(at="submit", delay_s=1, times=1)
    await runner.accept(await rig.order(A))
    await rig.until(lambda job: job.state == "submitting", A)
    rig.cards.steps.clear()
    await runner.accept(await rig.order(B))
    await stepped(rig.cards, B, "uploading")
    await stepped(rig.cards, B, None)
    await runner.stop()
    assert (await rig.job(A)).state == "queued"
    assert (await rig.job(B)).state == "accepted"
    heir = another(rig)
    await heir.start()
    assert (await rig.until(lambda job: job.told, B)).state == "done"
    assert len(await rig.requests()) == 2


async def test_a_locked_account_is_waited_for_as_an_accepted_job(rig: RunnerRig) -> None:
    """After a locked account refuses a submit, the job is `accepted` again: a cancel is free, a restart is safe."""
    await rig.fault(at="submit", locked=True, delay_s=1.0, times=2)  # late enough for both to be accepted
    await rig.fault(at="submit", locked=True, times=1000)
    runner = another(rig, account_pause_s=60, account_patience_s=600)
    for job_id in (A, B):
        await runner.accept(await rig.order(job_id))
    for job_id in (A, B):
        await rig.until(lambda job: job.state == "accepted" and job.put_off_at is not None, job_id)
    with pytest.raises(Closed, match="fal isn't taking orders from Wanda right now, so nothing was started"):
        await runner.accept(await rig.order("c" * 32))
    assert "weren't charged" in await runner.cancel(A, member_id=2)
    assert (await rig.until(lambda job: job.told, A)).state == "cancelled"
    await runner.stop()
    assert (await rig.job(B)).state == "accepted"
    assert await rig.requests() == []
    (await rig.http.delete(f"{rig.fal.url}/sandbox/faults")).raise_for_status()
    heir = another(rig)
    await heir.start()
    job = await rig.until(lambda job: job.told, B)
    assert (job.state, await held(rig, job)) == ("done", {(0, 200_000)})
    assert len(await rig.requests()) == 1


async def test_a_lock_at_the_submit_that_stays_fails_the_job(rig: RunnerRig) -> None:
    """A lock that outlasts the configured wait fails the job at no charge, after any number of attempts."""
    await rig.fault(at="submit", locked=True, times=1000)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert job.failure is not None
    assert (job.state, job.failure.kind, job.charged_microusd) == ("failed", "account", 0)
    assert await held(rig, job) == {(0, 0)}


async def test_jobs_wait_for_the_account_beside_each_other(rig: RunnerRig) -> None:
    """A job that waits for the locked account occupies no slot that other jobs need."""
    await rig.fault(at="upload", locked=True, times=1000)
    runner = another(rig, submits_at_once=1, account_pause_s=60, account_patience_s=600)
    orders = [await rig.order(job_id) for job_id in (A, B)]
    await asyncio.gather(*map(runner.accept, orders))  # the second is refused once the first has found the lock
    for job_id in (A, B):
        await stepped(rig.cards, job_id, "account locked")


async def test_a_result_that_never_comes_ends(rig: RunnerRig) -> None:
    """If fal reports completed but the result is still in progress, the job polls on and ends at its deadline."""
    await rig.fault(at="result", status=400, body={"detail": "Request is still in progress"}, times=100_000)
    runner = another(rig, deadline_s=1.0)
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("uncertain", 0)
    reads = await rig.store.read(count_writes(job.id))
    assert reads < 120


def count_writes(job_id: str) -> Transaction[int]:
    """Return how often the job's row was written."""
    row = yield One("SELECT version FROM jobs WHERE id = $1", (job_id,))
    return row["version"]


@pytest.mark.parametrize("turn", range(2, 9))
async def test_a_commit_whose_answer_is_lost(rig: RunnerRig, turn: int) -> None:
    """If any write is committed but reported as failed, the job continues with one POST, one payment and one end."""
    runner = another(rig, store=Meddled(rig.store, lose_answer=turn))
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, await held(rig, job)) == ("done", {(0, 200_000)})
    assert len(await rig.requests()) == 1
    assert await rig.store.read(verify()) == []


async def test_an_intent_of_another_process_is_not_ours(rig: RunnerRig) -> None:
    """If another process wrote the intent meanwhile, this one does not POST: the other may have done so."""
    store = Meddled(rig.store, hold=UPLOADED)
    runner = another(rig, store=store)
    await runner.accept(await rig.order())
    await store.reached.wait()
    job = await rig.job()
    theirs = events.Uploaded(tuple(replace(item, url="https://v3.fal.media/files/theirs.png") for item in job.inputs))
    await rig.store.write(transactions.advance(A, theirs, now=job.updated_at + 0.5))
    store.lose_answer = UPLOADED
    store.go.set()
    job = await rig.until(lambda job: job.told)
    assert job.state == "uncertain"
    assert await rig.requests() == []


@pytest.mark.parametrize("turn", [UPLOADED, SUBMITTED])
async def test_stopping_between_the_intent_and_the_handle(rig: RunnerRig, turn: int) -> None:
    """A shutdown waits for the write of the intent or of fal's answer, so that no job becomes uncertain."""
    store = Meddled(rig.store, hold=turn)
    runner = another(rig, store=store)
    await runner.accept(await rig.order())
    await store.reached.wait()
    stopping = asyncio.create_task(runner.stop())
    await asyncio.sleep(0)
    store.go.set()
    await stopping
    job = await rig.job()
    assert (job.state, job.handle is not None) == ("queued", True)
    assert len(await rig.requests()) == 1


async def test_accepted_while_stopping(rig: RunnerRig) -> None:
    """A job that is accepted during a shutdown is not submitted; the next start resumes it."""
    store = Meddled(rig.store, hold=ACCEPT)
    runner = another(rig, store=store)
    accepting = asyncio.create_task(runner.accept(await rig.order()))
    await store.reached.wait()
    await runner.stop()
    store.go.set()
    await accepting
    assert not running(A)
    assert (await rig.job()).state == "accepted"
    assert "restarting" in await runner.cancel(A, member_id=2)


async def test_a_database_that_is_gone_for_too_long(rig: RunnerRig) -> None:
    """A job that stopped because the database was down resumes when it is back, without a restart."""
    (await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 1})).raise_for_status()
    store = Meddled(rig.store)
    runner = another(rig, store=store, storage_patience_s=0.001, recheck_s=0.5)
    await runner.start()
    await runner.accept(await rig.order())
    await rig.until(lambda job: job.state in {"queued", "running"})
    store.broken = True

    async def abandoned() -> bool | None:
        return None if running(A) else True

    await wait_for(abandoned)
    store.broken = False
    assert (await rig.until(lambda job: job.told)).state == "done"
    assert len(await rig.requests()) == 1


async def test_an_ending_is_told_when_discord_is_back(rig: RunnerRig) -> None:
    """If Discord is down when a job fails, the card shows the failure once Discord is back."""
    rig.cards.busy = 2
    await rig.fault(at="submit", status=404, times=1)
    await rig.runner.accept(await rig.order())
    assert (await rig.until(lambda job: job.told)).state == "failed"
    assert len(rig.cards.finished) == 1


async def stored(rig: RunnerRig, job_id: str, change: Callable[[Job], Job] = lambda job: job) -> Job:
    """Store an accepted job as an earlier process would have left it."""
    job = change(job_from(await rig.order(job_id), now=1.0))
    await rig.store.write(acceptance.accept(job, rig.runner.shipped, PLACES))
    return job


def spoil(job_id: str) -> Transaction[None]:
    """Make a job's row unreadable."""
    yield One("UPDATE jobs SET body = $2 WHERE id = $1", (job_id, "{}"))


async def test_one_unreadable_job_does_not_stop_the_others(rig: RunnerRig) -> None:
    """If one job's row cannot be read, Wanda starts and finishes the others."""
    for job_id in (A, B):
        await stored(rig, job_id)
    await rig.store.write(spoil(A))
    assert await rig.runner.start() == 2
    assert (await rig.until(lambda job: job.told, B)).state == "done"


async def test_a_request_that_the_catalogue_no_longer_has(rig: RunnerRig) -> None:
    """A job accepted by an older catalogue fails at no charge before fal is asked, and is not called uncertain."""
    await stored(rig, A, lambda job: replace(job, options={**job.options, "resolution": "8k"}))
    await rig.runner.start()
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd, await held(rig, job)) == ("failed", 0, {(0, 0)})
    assert await rig.requests() == []


@pytest.mark.parametrize("at", ["stream", "result"])
async def test_an_account_locked_while_fal_renders(rig: RunnerRig, at: str) -> None:
    """If the account is locked while a video renders, the job waits and is then delivered."""
    body = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}
    await rig.fault(at=at, status=403, body=body, times=2)
    await rig.fault(at="status", status=403, body=body, times=1)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("done", 200_000)
    assert len(await rig.requests()) == 1


async def test_a_gateways_error_is_not_the_models(rig: RunnerRig) -> None:
    """A 500 for the result without fal's error type is retried before the job fails."""
    await rig.fault(at="result", status=500, body={"detail": "upstream connect error"}, times=2)
    await rig.runner.accept(await rig.order())
    assert (await rig.until(lambda job: job.told)).state == "done"


class Mute:
    """A store that commits a write and then fails all calls, until the test lets it work again."""

    def __init__(self, store: Store) -> None:
        """Start as a store that works."""
        self._store = store
        self.lost_writes = 0
        self.reads_fail = False

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Write, and lose the answer if it is told to."""
        answer = await self._store.write(transaction, guild_id=guild_id)
        if self.lost_writes:
            self.lost_writes -= 1
            raise StorageError("the connection broke during COMMIT")
        return answer

    async def read(self, transaction: Transaction[T]) -> T:
        """Read, or fail if it is told to."""
        if self.reads_fail:
            transaction.close()
            raise StorageError("no connection")
        return await self._store.read(transaction)

    async def close(self) -> None:
        """Do nothing: the fixture closes the store."""


async def test_an_acceptance_whose_answer_is_lost_goes_on(rig: RunnerRig) -> None:
    """If an acceptance's commit gets no answer, the job is found later and made, and the member reads no refusal."""
    store = Mute(rig.store)
    runner = another(rig, store=store)
    store.lost_writes = 1
    await runner.accept(await rig.order())
    assert (await rig.until(lambda job: job.told)).state == "done"
    assert len(await rig.requests()) == 1


async def test_a_refused_acceptance_that_turns_up_is_taken_back(rig: RunnerRig) -> None:
    """A job that was reported as refused but was committed is not made; its hold is released."""
    store = Mute(rig.store)
    runner = another(rig, store=store, recheck_s=0.1)
    await runner.start()
    store.lost_writes, store.reads_fail = 1, True
    with pytest.raises(StorageError):
        await runner.accept(await rig.order())
    store.reads_fail = False
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("cancelled", 0)
    assert await rig.requests() == []


async def test_every_video_of_a_refused_set_that_turns_up_is_taken_back(rig: RunnerRig) -> None:
    """Of several variations that were reported as refused but were committed, none is made; all holds are released."""
    store = Mute(rig.store)
    runner = another(rig, store=store, recheck_s=0.1)
    await runner.start()
    order = await rig.order()
    request = as_variations(order.request, 3, fresh_seed=7)
    order = replace(order, request=request, quote=request.quote(price_table()))
    store.lost_writes, store.reads_fail = 1, True
    with pytest.raises(StorageError):
        await runner.accept(order)
    store.reads_fail = False
    for number in (1, 2, 3):
        job = await rig.until(lambda job: job.told, variation_id(order.id, number))
        assert (job.state, job.charged_microusd) == ("cancelled", 0)
    assert await rig.requests() == []


class Unstorable:
    """A store that cannot store how a settlement ends, as an amount beyond 64 bits could not be."""

    def __init__(self, store: Store, error: Exception) -> None:
        """Work until a transaction would settle a hold."""
        self._store = store
        self._error = error

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Write, unless a hold is settled."""
        return await self._store.write(self._checked(transaction), guild_id=guild_id)

    def _checked(self, transaction: Transaction[T]) -> Transaction[T]:
        answer: Any = None
        while True:
            try:
                statement = transaction.send(answer)
            except StopIteration as end:
                return end.value
            parts = statement.parts if isinstance(statement, Together) else (statement,)
            if any(isinstance(part, One | Many) and "settled" in part.args for part in parts):
                raise self._error
            answer = yield statement

    async def read(self, transaction: Transaction[T]) -> T:
        """Read."""
        return await self._store.read(transaction)

    async def close(self) -> None:
        """Do nothing: the fixture closes the store."""


@pytest.mark.parametrize("error", [ValueError("a defect"), StorageError("integer overflow")])
async def test_a_settlement_that_cannot_be_stored_does_not_hold_money_for_ever(
    rig: RunnerRig, error: Exception
) -> None:
    """Past its deadline such a job is given up: the member's money is free, and the operator can close the server's."""
    jobs = rig.settings.jobs.model_copy(update={"storage_patience_s": 0.05, "deadline_s": 2.0, "recheck_s": 0.05})
    settings = rig.settings.model_copy(update={"jobs": jobs})
    runner = make_runner(
        settings, Unstorable(rig.store, error), rig.http, rig.cards, member_microusd=5_000_000, sleep=_soon
    )
    rig.others.append(runner)
    await runner.start()
    await runner.accept(await rig.order())
    ended = await rig.until(lambda job: job.told)
    assert (ended.state, ended.charged_microusd) == ("uncertain", 0)
    assert ended.failure is not None
    assert ended.failure.kind == "defect"
    assert await rig.store.read(verify()) == []
    (total,) = await rig.store.read(totals())
    assert (total.held_microusd, total.exposed_microusd) == (ended.quote_microusd, ended.quote_microusd)
