import asyncio
import time
from typing import Any, TypeVar

import pytest

from bot.errors import Busy, QuotaExceeded
from bot.jobs import queries
from bot.jobs.alarms import Alarm, alarms_on
from bot.ledger import rules
from bot.ledger.audit import verify
from bot.sharding import NO_SHARD
from bot.storage.transaction import Store, Transaction
from tests.support.runner_rig import RememberedCards, RunnerRig, make_runner, wait_for

T = TypeVar("T")


async def test_the_straight_way(rig: RunnerRig) -> None:
    """An accepted job is submitted once, settled at its quote and delivered, and the books are right."""
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("done", 200_000)
    assert job.result is not None
    assert job.result.seed is not None
    assert len(await rig.requests()) == 1
    assert [delivered.id for delivered in rig.cards.delivered] == [job.id]
    assert await rig.store.read(verify()) == []


async def test_over_budget_is_refused_whole(rig: RunnerRig) -> None:
    """A job over budget leaves no hold, no row and no request at fal."""
    order = await rig.order(duration=15, resolution="1080p")
    poor = make_runner(rig.settings, rig.store, rig.http, rig.cards, member_microusd=1_000_000)
    with pytest.raises(QuotaExceeded) as refused:
        await poor.accept(order)
    assert refused.value.short_microusd == 1_250_000
    assert await rig.store.read(queries.get(order.id)) is None
    assert await rig.requests() == []


async def test_no_room(rig: RunnerRig) -> None:
    """Jobs are accepted up to the configured number; the next is refused with that number, and nothing is held."""
    full = make_runner(
        rig.settings.model_copy(update={"jobs": rig.settings.jobs.model_copy(update={"in_flight_max": 1})}),
        rig.store,
        rig.http,
        rig.cards,
        member_microusd=5_000_000,
    )
    await rig.fault(at="submit", delay_s=5, times=1)
    await full.accept(await rig.order("a" * 32))
    with pytest.raises(Busy, match="on 1 video, the most"):
        await full.accept(await rig.order("b" * 32))
    await full.stop()


async def test_a_refused_submit_costs_nothing(rig: RunnerRig) -> None:
    """A submit that fal refuses ends the job and releases the whole hold."""
    await rig.fault(at="submit", status=404, times=1)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("failed", 0)
    standings = (await rig.view_of(job)).standings
    assert {(standing.held_microusd, standing.spent_microusd) for standing in standings} == {(0, 0)}


async def test_a_lost_reply_is_never_repeated(rig: RunnerRig) -> None:
    """When the submit's reply is lost the job is uncertain: one POST, the member free, the server still exposed."""
    await rig.fault(at="submit", lose_reply=True, times=1)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("uncertain", 0)
    assert len(await rig.requests()) == 1
    view = await rig.view_of(job)
    held = {one.limit.side: one.held_microusd for one in view.standings}
    assert held == {"member": 0, "server": 200_000}
    assert await rig.store.read(verify()) == []


async def test_a_locked_account_is_waited_for(rig: RunnerRig) -> None:
    """While fal's account is locked the job waits, and continues when it is unlocked."""
    await rig.fault(at="upload", locked=True, times=2)
    await rig.runner.accept(await rig.order())
    assert (await rig.until(lambda job: job.told)).state == "done"


async def test_a_lock_that_stays_fails_the_job(rig: RunnerRig) -> None:
    """A lock that outlasts the configured wait fails the job with kind `account`, at no charge."""
    await rig.fault(at="upload", locked=True, times=1000)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert job.failure is not None
    assert (job.state, job.failure.kind, job.charged_microusd) == ("failed", "account", 0)


@pytest.mark.parametrize("state", ["accepted", "running"])
async def test_a_cancel_that_comes_to_another_process(rig: RunnerRig, state: str) -> None:
    """A cancel ends the job of another process too: once, uncharged, and its card says so.

    Only the process that drives it shows its progress, because only there that ends.
    """
    (await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 30})).raise_for_status()
    if state == "accepted":
        await rig.fault(at="submit", locked=True, times=1000)
    order = await rig.order()
    await rig.runner.accept(order)
    await rig.until(lambda job: job.state == state)
    cards = RememberedCards()
    other = make_runner(rig.settings, rig.store, rig.http, cards, member_microusd=5_000_000, shards=lambda: NO_SHARD)
    rig.others.append(other)
    said = await other.cancel(order.id, member_id=2)
    assert said.startswith("Cancelled. You weren't charged." if state == "accepted" else "Wanda asked fal to stop.")
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("cancelled", 0)
    assert {one.held_microusd for one in (await rig.view_of(job)).standings} == {0}
    assert await rig.store.read(verify()) == []
    assert cards.shown == []
    assert [one.state for one in cards.finished] == (["cancelled"] if state == "accepted" else [])

    async def shows_it() -> bool | None:
        seen = [rig.cards.shown[-1][0], *(one.state for one in rig.cards.finished)]
        return True if "cancelled" in seen else None

    await wait_for(shows_it)


async def test_a_mode_that_fal_refuses_alone(rig: RunnerRig) -> None:
    """A 403 for one mode that names no lock is waited for, and then fails its job alone, with a sentence of its own."""
    await rig.fault(at="submit", status=403, body={"detail": "Forbidden"}, times=1000)
    await rig.runner.accept(await rig.order())

    async def alarm() -> Alarm | None:
        return next(iter(await rig.store.read(alarms_on())), None)

    told: Alarm = await wait_for(alarm)
    late = "c" * 32
    await rig.runner.accept(await rig.order(late))  # the mode is open all the same
    job = await rig.until(lambda job: job.told, late)
    assert job.failure is not None
    assert (job.state, job.failure.kind, job.charged_microusd) == ("failed", "access", 0)
    assert (told.kind, told.mode, told.closes) == ("access", job.mode, False)
    assert (await rig.until(lambda job: job.told)).state == "failed"
    (await rig.http.delete(f"{rig.fal.url}/sandbox/faults")).raise_for_status()
    other = "b" * 32
    await rig.runner.accept(await rig.order(other))
    assert (await rig.until(lambda job: job.told, other)).state == "done"

    async def over() -> bool | None:
        return True if await alarm() is None else None

    await wait_for(over)


async def test_delivery_is_tried_again(rig: RunnerRig) -> None:
    """A video that Discord refuses at first is posted by a retry."""
    rig.cards.refuse = 2
    await rig.runner.accept(await rig.order())
    assert (await rig.until(lambda job: job.told)).state == "done"
    assert len(rig.cards.delivered) == 1


async def test_an_undeliverable_video_says_that_it_was_charged(rig: RunnerRig) -> None:
    """After the last try the job ends as failed and charged, because the video was made."""
    rig.cards.refuse, rig.cards.deaf = 1000, True
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert job.failure is not None
    assert (job.state, job.failure.kind, job.charged_microusd) == ("failed", "undeliverable", 200_000)


async def test_only_the_owner_cancels(rig: RunnerRig) -> None:
    """Another member's cancel changes nothing; the owner's is sent to fal."""
    (await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 30})).raise_for_status()
    order = await rig.order()
    await rig.runner.accept(order)
    await rig.until(lambda job: job.state == "running")
    assert "<@2>" in await rig.runner.cancel(order.id, member_id=3)
    assert not (await rig.job()).cancel_requested
    await rig.runner.cancel(order.id, member_id=2)
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("cancelled", 0)


async def test_stopping_keeps_the_state(rig: RunnerRig) -> None:
    """A stopped runner accepts nothing, and another resumes its jobs without a second submit."""
    (await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 1})).raise_for_status()
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.state in {"queued", "running"})
    async with asyncio.timeout(5):
        await rig.runner.stop()
    with pytest.raises(Busy):
        await rig.runner.accept(await rig.order("b" * 32))
    cards = RememberedCards()
    heir = make_runner(rig.settings, rig.store, rig.http, cards, member_microusd=5_000_000)
    assert await heir.start() == 1
    await rig.until(lambda job: job.told)
    assert len(cards.delivered) == 1
    assert len(await rig.requests()) == 1
    await heir.stop()


async def test_a_post_under_way_is_let_end(rig: RunnerRig) -> None:
    """Stopping during the POST waits for its answer, so that the job is not left uncertain."""
    await rig.fault(at="submit", delay_s=1, times=1)
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.state == "submitting")
    await rig.runner.stop()
    assert (await rig.job()).state == "queued"


async def test_an_estimate_from_past_jobs(rig: RunnerRig) -> None:
    """The second job of a kind is estimated from the first one's time."""
    await rig.runner.accept(await rig.order("a" * 32))
    first = await rig.until(lambda job: job.told, "a" * 32)
    assert await rig.store.read(queries.typical_seconds(first.similar)) is not None
    await rig.runner.accept(await rig.order("b" * 32))

    async def typical() -> float | None:
        return next((live.typical_s for _, live in rig.cards.shown if live.typical_s is not None), None)

    assert await wait_for(typical) > 0


async def with_approval(rig: RunnerRig, wait_s: float) -> None:
    """Have the server ask for approval above ten cents."""
    value = {"above_microusd": 100_000, "role_id": None, "wait_s": wait_s}
    await rig.store.write(rules.set_rule(1, "server", "approval", value, actor_id=9, reason="a test", at=time.time()))


async def test_nobody_approves(rig: RunnerRig) -> None:
    """A job that nobody approves in time ends at no charge and is not sent to fal."""
    await with_approval(rig, wait_s=60)
    waits: list[float] = []

    async def over_at_once(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    def clock() -> float:
        return time.time() + sum(waits)

    hasty = make_runner(
        rig.settings, rig.store, rig.http, rig.cards, member_microusd=5_000_000, clock=clock, sleep=over_at_once
    )
    accepted = await hasty.accept(await rig.order())
    assert accepted.state == "waiting"
    job = await rig.until(lambda job: job.told)
    assert 59 < sum(waits) <= 60
    assert job.failure is not None
    assert (job.state, job.failure.kind, job.charged_microusd) == ("cancelled", "unapproved", 0)
    assert await rig.requests() == []
    assert await rig.store.read(verify()) == []


async def test_two_decisions_at_once(rig: RunnerRig) -> None:
    """Of a simultaneous Approve and Decline one counts, and the job ends once."""
    await with_approval(rig, wait_s=60)
    order = await rig.order()
    await rig.runner.accept(order)
    answers = await asyncio.gather(
        *(
            rig.runner.decide(order.id, guild_id=1, member_id=9, role_ids=(), manages=True, approve=approve)
            for approve in (True, False)
        )
    )
    assert sum("isn't waiting" in answer for answer in answers) == 1
    job = await rig.until(lambda job: job.told)
    assert job.state in {"done", "cancelled"}
    assert await rig.store.read(verify()) == []


async def test_settled_at_what_fal_billed(rig: RunnerRig) -> None:
    """If fal reports fewer units than quoted, their price is charged and the rest of the hold is released."""
    body = {"video": {"url": f"{rig.fal.url}/files/film.mp4"}, "seed": 7}
    await rig.fault(at="result", status=200, body=body, headers={"X-Fal-Billable-Units": "1.5"}, times=5)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.quote_microusd, job.charged_microusd) == ("done", 200_000, 150_000)
    view = await rig.view_of(job)
    assert {(one.held_microusd, one.spent_microusd) for one in view.standings} == {(0, 150_000)}
    assert await rig.store.read(verify()) == []


class CountingStore:
    """A store that counts concurrent writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writing = 0
        self.most = 0

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Count, and have it written."""
        self.writing += 1
        self.most = max(self.most, self.writing)
        try:
            return await self._store.write(transaction, guild_id=guild_id)
        finally:
            self.writing -= 1

    async def read(self, transaction: Transaction[T]) -> T:
        """Have it read."""
        return await self._store.read(transaction)

    async def close(self) -> None:
        """Do nothing: the fixture closes the store."""


async def test_a_restart_takes_up_many_jobs_in_turn(rig: RunnerRig) -> None:
    """After a restart jobs resume and streams open in bounded numbers, and in the end all jobs are followed."""
    job_ids = [f"{number:032x}" for number in range(20)]
    await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 60, "concurrency": 20})
    for job_id in job_ids:
        await rig.runner.accept(await rig.order(job_id))
    for job_id in job_ids:
        await rig.until(lambda job: job.state == "running", job_id)
    await rig.runner.stop()
    await wait_for(lambda: streams(rig, 0))
    await rig.http.delete(f"{rig.fal.url}/sandbox/traffic")
    await rig.fault(at="stream", delay_s=0.05, times=len(job_ids))
    settings = rig.settings.model_copy(
        update={
            # The last place is kept for another member.
            "fal": rig.settings.fal.model_copy(update={"openings_at_once": 6}),
            "jobs": rig.settings.jobs.model_copy(update={"take_up_at_once": 3}),
        }
    )
    store = CountingStore(rig.store)
    runner = make_runner(settings, store, rig.http, rig.cards, member_microusd=5_000_000)
    rig.others.append(runner)
    assert await runner.start() == len(job_ids)
    traffic = await wait_for(lambda: streams(rig, len(job_ids)))
    assert 2 <= traffic["opening_most"] <= 5  # a machine under load takes jobs up as slowly as streams open
    assert traffic["requests"] == {"stream": len(job_ids)}
    assert 3 <= store.most <= 3 + 5  # a stream that has just opened may bring a change, too


async def streams(rig: RunnerRig, count: int) -> dict[str, Any] | None:
    """Return the stand-in's counts once `count` streams are open."""
    traffic = (await rig.http.get(f"{rig.fal.url}/sandbox/traffic")).json()
    return traffic if traffic["streams"] == count else None
