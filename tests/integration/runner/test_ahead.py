"""What is begun while an event is stored: nothing that anybody sees, and nothing of it is needed after a crash."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeVar

import pytest

from bot.errors import StorageError
from bot.fal.client import FalClient
from bot.fal.wire.types import FalStatus, Handle, Result
from bot.jobs import transactions
from bot.jobs.events import Event
from bot.jobs.model import Job, LinkReason, State
from bot.jobs.transactions import Advanced
from bot.runner import job_driver
from bot.runner.cards_port import MessageRef, Posted
from bot.runner.event_writer import EventWriter
from bot.storage.transaction import Transaction
from tests.support.runner_rig import RunnerRig

T = TypeVar("T")
WITHIN_S = 30.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have fal's answer count as quick on a machine under load as well."""
    monkeypatch.setattr(job_driver, "RESULT_WITHIN_S", WITHIN_S)


async def test_the_download_does_not_wait_for_the_settlement(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made video is downloaded while its money is settled, and posted only after that is stored."""
    write, fetched = rig.store.write, asyncio.Event()
    posted_too_early = list[Job]()

    async def fetch(job: Job) -> LinkReason | None:
        assert job.result is not None
        fetched.set()
        return None

    async def late(transaction: Transaction[T], **options: Any) -> T:
        if (await rig.job()).state == "running":
            async with asyncio.timeout(WITHIN_S):
                await fetched.wait()
            posted_too_early.extend(rig.cards.delivered)
        return await write(transaction, **options)

    job = await rig.order()
    await rig.runner.accept(job)
    monkeypatch.setattr(rig.cards, "fetch", fetch)
    monkeypatch.setattr(rig.store, "write", late)
    assert (await rig.until(lambda job: job.told)).state == "done"
    assert fetched.is_set()
    assert posted_too_early == []
    assert len(rig.cards.delivered) == 1


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_settled_video_is_posted_while_it_arrives(
    rig: RunnerRig, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    """What can be posted while it is downloaded is, in a turn and after its settlement; else it is posted later."""
    seen = list[tuple[State, set[int]]]()

    async def deliver_arriving(job: Job, turn: AbstractAsyncContextManager[None]) -> Posted | None:
        async with turn:
            stored = await rig.job()
            spent = {one.spent_microusd for one in (await rig.view_of(stored)).standings}
            seen.append((stored.state, spent))
        return Posted(MessageRef(channel_id=20, message_id=77)) if arrives else None

    monkeypatch.setattr(rig.cards, "deliver_arriving", deliver_arriving)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert seen == [("delivering", {job.quote_microusd})]
    assert (job.state, job.address.message_id) == ("done", 77 if arrives else 99)
    assert len(rig.cards.delivered) == (0 if arrives else 1)


async def test_a_download_ends_with_its_job(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the settlement cannot be stored, nobody waits for the download, which ends, and nothing is posted."""
    write, is_down, ended = rig.store.write, asyncio.Event(), asyncio.Event()

    async def fetch(_job: Job) -> LinkReason | None:
        is_down.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return None

    async def broken(transaction: Transaction[T], **options: Any) -> T:
        if (await rig.job()).state != "running":
            return await write(transaction, **options)
        async with asyncio.timeout(WITHIN_S):
            await is_down.wait()
        transaction.close()
        raise StorageError("the database does not answer")

    await rig.runner.accept(await rig.order())
    monkeypatch.setattr(rig.cards, "fetch", fetch)
    monkeypatch.setattr(rig.store, "write", broken)
    async with asyncio.timeout(WITHIN_S):
        await is_down.wait()
        await rig.runner.stop()
        await ended.wait()
    monkeypatch.setattr(rig.store, "write", write)
    assert ((await rig.job()).state, rig.cards.delivered) == ("running", [])


async def _states(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> list[State]:
    """Make a video; return the states in which its transactions left the job."""
    write, states = rig.store.write, list[State]()

    async def noted(transaction: Transaction[T], **options: Any) -> T:
        answer = await write(transaction, **options)
        states.append((await rig.job()).state)
        return answer

    await rig.runner.accept(await rig.order())
    monkeypatch.setattr(rig.store, "write", noted)
    await rig.until(lambda job: job.told)
    monkeypatch.setattr(rig.store, "write", write)
    return states


async def test_a_video_is_stored_with_its_completion(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """If fal hands out the result at once, one transaction stores that the request is completed and its settlement."""
    states = await _states(rig, monkeypatch)
    assert (states.count("delivering"), states.count("fetching")) == (1, 0)
    job = await rig.job()
    assert job.completed_at is not None
    assert {one.spent_microusd for one in (await rig.view_of(job)).standings} == {job.quote_microusd}


async def test_a_completion_does_not_wait_for_a_slow_result(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """If fal is slow, the completion is stored first; the result is asked for and its video downloaded once."""
    asked, stored, downloads = 0, asyncio.Event(), list[Job]()
    ask, advance, fetch = FalClient.result, EventWriter.advance, rig.cards.fetch

    async def slow(client: FalClient, handle: Handle) -> Result:
        nonlocal asked
        asked += 1
        await stored.wait()
        return await ask(client, handle)

    async def advanced(writer: EventWriter, job: Job, *events: Event, **options: Any) -> Advanced:
        answer = await advance(writer, job, *events, **options)
        if answer.job.state == "fetching":
            stored.set()
        return answer

    async def fetched(job: Job) -> LinkReason | None:
        downloads.append(job)
        return await fetch(job)

    monkeypatch.setattr(FalClient, "result", slow)
    monkeypatch.setattr(EventWriter, "advance", advanced)
    monkeypatch.setattr(rig.cards, "fetch", fetched)
    monkeypatch.setattr(job_driver, "RESULT_WITHIN_S", 0.0)
    states = await _states(rig, monkeypatch)
    assert states.index("delivering") == states.index("fetching") + 1
    assert (asked, len(downloads)) == (1, 1)


async def test_fal_is_asked_before_the_stream_is_closed(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """fal gets the request for the result first, because the stream's end takes as long as that."""
    order = list[str]()
    ask, follow = FalClient.result, FalClient.follow

    async def asked(client: FalClient, handle: Handle) -> Result:
        order.append("asked")
        return await ask(client, handle)

    async def followed(client: FalClient, handle: Handle, **options: Any) -> AsyncGenerator[FalStatus]:
        async with aclosing(follow(client, handle, **options)) as statuses:
            try:
                async for status in statuses:
                    yield status
            finally:
                order.append("closed")

    monkeypatch.setattr(FalClient, "result", asked)
    monkeypatch.setattr(FalClient, "follow", followed)
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.told)
    assert order == ["asked", "closed"]


async def test_an_answer_to_a_commit_that_is_lost(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A completion and its video whose COMMIT is not answered are not stored twice, and the video is posted."""
    write, lost = rig.store.write, list[Job]()

    async def unanswered(transaction: Transaction[T], **options: Any) -> T:
        before = await rig.job()
        answer = await write(transaction, **options)
        if before.state == "running" and not lost:
            lost.append(await rig.job())
            raise StorageError("the connection broke during COMMIT")
        return answer

    await rig.runner.accept(await rig.order())
    monkeypatch.setattr(rig.store, "write", unanswered)
    job = await rig.until(lambda job: job.told)
    assert ([one.state for one in lost], job.state, len(rig.cards.delivered)) == (["delivering"], "done", 1)
    assert {one.spent_microusd for one in (await rig.view_of(job)).standings} == {job.quote_microusd}


async def test_a_completion_that_is_stored_already(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """If fal's call is stored while its stream says the same, the result is asked for once all the same."""
    ask, asked = FalClient.result, 0

    async def called(client: FalClient, handle: Handle) -> Result:
        nonlocal asked
        asked += 1
        job = await rig.job()
        call = transactions.advance(job.id, FalStatus("completed"), now=time.time())
        await rig.store.write(call, guild_id=job.guild_id)
        return await ask(client, handle)

    monkeypatch.setattr(FalClient, "result", called)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, asked, len(rig.cards.delivered)) == ("done", 1, 1)


async def test_an_answer_is_judged_by_the_stored_job(rig: RunnerRig) -> None:
    """The server pays what fal may have billed for a request that had begun, however early its result was asked for."""
    (await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 30})).raise_for_status()
    order = await rig.order()
    await rig.runner.accept(order)
    await rig.until(lambda job: job.state == "running")
    await rig.runner.cancel(order.id, member_id=2)
    job = await rig.until(lambda job: job.told)
    spent = {one.limit.side: one.spent_microusd for one in (await rig.view_of(job)).standings}
    assert spent == {"member": 0, "server": 200_000}
