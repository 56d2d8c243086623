"""What is begun while an event is stored: nothing that anybody sees, and nothing of it is needed after a crash."""

import asyncio
from typing import Any, TypeVar

import pytest

from bot.errors import StorageError
from bot.jobs.model import Job, LinkReason
from bot.storage.transaction import Transaction
from tests.support.runner_rig import RunnerRig

T = TypeVar("T")
WITHIN_S = 30.0


async def test_the_download_does_not_wait_for_the_settlement(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made video is downloaded while its money is settled, and posted only after that is stored."""
    write, fetched = rig.store.write, asyncio.Event()
    posted_too_early = list[Job]()

    async def fetch(job: Job) -> LinkReason | None:
        assert job.result is not None
        fetched.set()
        return None

    async def late(transaction: Transaction[T], **options: Any) -> T:
        if (await rig.job()).state == "fetching":
            async with asyncio.timeout(WITHIN_S):
                await fetched.wait()
            posted_too_early.extend(rig.cards.delivered)
        return await write(transaction, **options)

    job = await rig.order()
    await rig.runner.accept(job)
    monkeypatch.setattr(rig.cards, "fetch", fetch)
    monkeypatch.setattr(rig.store, "write", late)
    assert (await rig.until(lambda job: job.told)).state == "done"
    assert posted_too_early == []
    assert len(rig.cards.delivered) == 1


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
        if (await rig.job()).state != "fetching":
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
    assert ((await rig.job()).state, rig.cards.delivered) == ("fetching", [])


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
