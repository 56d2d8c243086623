"""Every hold has an end: of jobs that nobody can approve, of servers that left, and of jobs that are stuck."""

import asyncio
import time
from typing import Any

import pytest

from bot.jobs import acceptance, leaving, transactions
from bot.jobs.events import Event, Submitted, Uploaded
from bot.jobs.machine import is_cancellable
from bot.jobs.model import Job, job_from
from bot.ledger import rules
from bot.ledger.audit import verify
from bot.runner.runner import Runner
from bot.storage.transaction import One, Transaction
from tests.integration.runner.test_adversarial import held, running
from tests.support.job_samples import HANDLE, PLACES
from tests.support.runner_rig import RememberedCards, RunnerRig, make_runner, wait_for

A = "a" * 32
GUILD = 1
HOUR_S = 3600.0


def another(rig: RunnerRig, cards: RememberedCards | None = None, **jobs: Any) -> Runner:
    """Return a runner beside the rig's, with other settings or other cards."""
    settings = rig.settings.model_copy(update={"jobs": rig.settings.jobs.model_copy(update=jobs)})
    runner = make_runner(settings, rig.store, rig.http, cards or rig.cards, member_microusd=5_000_000)
    rig.others.append(runner)
    return runner


async def needs_approval(rig: RunnerRig, wait_s: float = HOUR_S) -> None:
    """Let every job wait for approval."""
    value = {"above_microusd": 0, "role_id": None, "wait_s": wait_s}
    await rig.store.write(rules.set_rule(GUILD, "server", "approval", value, actor_id=9, reason="test", at=1.0))


async def ended(rig: RunnerRig, state: str, kind: str, *, hold: tuple[int, int] = (0, 0)) -> Job:
    """Return the job once its card was told its end, after checking its state, its failure and its hold."""
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.failure and job.failure.kind) == (state, kind)
    assert await held(rig, job) >= {hold}
    assert await rig.store.read(verify()) == []
    return job


async def stored(rig: RunnerRig, *, age_s: float, events: tuple[Event, ...] = ()) -> Job:
    """Store a job that was accepted some time ago and has had these events since, as another process left it."""
    then = time.time() - age_s
    job = job_from(await rig.order(), now=then)
    await rig.store.write(acceptance.accept(job, rig.runner.shipped, PLACES))
    for event in events:
        job = (await rig.store.write(transactions.advance(job.id, event, now=then))).job
    return job


async def test_a_card_asks_for_approval_before_the_job_waits(rig: RunnerRig) -> None:
    """A question that Discord does not take at first is posted again, and only then the wait begins."""
    await needs_approval(rig)
    rig.cards.busy = 2
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.asked)
    assert job.state == "waiting"
    assert is_cancellable(job)
    assert len(rig.cards.asked) == 1


async def test_a_question_that_was_posted_anew_is_the_card(rig: RunnerRig) -> None:
    """If the card was gone, the message that asks instead is the job's card from then on."""
    await needs_approval(rig)
    rig.cards.moves_to = 77
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.asked)
    assert (job.address.message_id, job.address.token_expires_at) == (77, 0.0)


async def test_a_job_that_nobody_can_be_asked_about_ends(rig: RunnerRig) -> None:
    """If Discord will never take the question, the job ends and its hold is released."""
    await needs_approval(rig)
    rig.cards.unreachable = True
    await rig.runner.accept(await rig.order())
    await ended(rig, "cancelled", "unasked")
    assert await rig.requests() == []


async def test_a_decision_does_not_wait_for_the_question(rig: RunnerRig) -> None:
    """While the question is retried, its member's cancel ends the job at once."""
    await needs_approval(rig)
    rig.cards.busy = 1
    runner = another(rig, delivery_wait_s=600)
    await runner.accept(await rig.order())

    async def tried() -> bool | None:
        return None if rig.cards.busy else True

    await wait_for(tried)
    assert "weren't charged" in await runner.cancel(A, member_id=2)
    job = await rig.until(lambda job: job.told)
    assert (job.state, await held(rig, job)) == ("cancelled", {(0, 0)})


async def test_killed_before_the_question_was_stored(rig: RunnerRig) -> None:
    """A process that died between acceptance and question leaves a job that the next start asks about."""
    await needs_approval(rig)
    await stored(rig, age_s=0)
    await rig.runner.start()
    assert (await rig.until(lambda job: job.asked)).state == "waiting"
    assert len(rig.cards.asked) == 1


@pytest.mark.parametrize("before", ["waiting", "accepted"])
async def test_jobs_of_a_server_that_left(rig: RunnerRig, before: str) -> None:
    """When Wanda is removed, jobs that fal was not asked for end without a charge, also at a later start."""
    if before == "waiting":
        await needs_approval(rig)
    else:
        await rig.fault(at="upload", delay_s=30, times=1)
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.asked or job.state == "accepted")
    await rig.store.write(leaving.mark_guild_left(GUILD, at=time.time() + 7 * 86400))
    await rig.runner.sweep()
    await ended(rig, "cancelled", "removed")
    assert await rig.requests() == []


async def test_a_request_at_fal_goes_on_when_its_server_leaves(rig: RunnerRig) -> None:
    """What fal is making is settled as ever, because it is billed."""
    (await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 1})).raise_for_status()
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.handle is not None)
    await rig.store.write(leaving.mark_guild_left(GUILD, at=time.time()))
    await rig.runner.sweep()
    job = await rig.until(lambda job: job.told)
    assert (job.state, await held(rig, job)) == ("done", {(0, 200_000)})


UPLOADED, SUBMITTED = Uploaded(()), Submitted(HANDLE)


@pytest.mark.parametrize(
    ("events", "state", "kind", "hold"),
    [
        ((), "failed", "unreachable", (0, 0)),
        ((UPLOADED,), "uncertain", "lost", (200_000, 0)),
        ((UPLOADED, SUBMITTED), "uncertain", "unreachable", (200_000, 0)),
    ],
)
async def test_an_overdue_job_is_ended(
    rig: RunnerRig, events: tuple[Event, ...], state: str, kind: str, hold: tuple[int, int]
) -> None:
    """A job past its longest life ends by what is known of it, although nothing drives it, and its card says how."""
    runner = another(rig, deadline_s=HOUR_S, overdue_s=HOUR_S)
    await stored(rig, age_s=2.5 * HOUR_S, events=events)
    await runner.sweep()
    await ended(rig, state, kind, hold=hold)


async def test_a_job_within_its_life_is_left_alone(rig: RunnerRig) -> None:
    """A job at fal is not overdue before its deadline and the time after it are over."""
    runner = another(rig, deadline_s=HOUR_S, overdue_s=HOUR_S)
    await stored(rig, age_s=1.5 * HOUR_S, events=(UPLOADED, SUBMITTED))
    await runner._sweep.end_overdue()
    assert (await rig.job()).state == "queued"


async def test_a_task_that_is_stuck_gives_way(rig: RunnerRig) -> None:
    """An overdue job's task is cancelled, whatever it waits for, and its end is shown."""
    await rig.fault(at="upload", delay_s=600, times=1)
    runner = another(rig, overdue_s=0.001)
    await runner.accept(await rig.order())
    await rig.until(lambda job: job.state == "accepted")
    assert running(A)
    await asyncio.sleep(0.01)
    await runner.sweep()
    await ended(rig, "failed", "unreachable")


async def test_an_old_wait_ends_without_its_task(rig: RunnerRig) -> None:
    """A job that waits for an approval after its time is over ends with the next sweep."""
    await needs_approval(rig, wait_s=60)
    await stored(rig, age_s=HOUR_S)
    runner = another(rig, overdue_s=60)
    await runner._sweep.end_overdue()
    await ended(rig, "cancelled", "unapproved")


def spoil() -> Transaction[None]:
    """Make the job's row unreadable."""
    yield One("UPDATE jobs SET body = $2 WHERE id = $1", (A, "{}"))


def open_jobs() -> Transaction[list[Any]]:
    """Return how many jobs are unfinished, and what every budget holds."""
    row = yield One("SELECT count(*) AS n FROM jobs WHERE told = 0")
    sums = yield One("SELECT SUM(held_microusd) AS held FROM budgets")
    return [row["n"], int(sums["held"])]


@pytest.mark.parametrize(("events", "held_after"), [((), 0), ((UPLOADED,), 200_000)])
async def test_an_unreadable_job_holds_nothing_for_ever(
    rig: RunnerRig, events: tuple[Event, ...], held_after: int
) -> None:
    """A job whose row cannot be read gives up its place and its member's money once it is too old."""
    runner = another(rig, overdue_s=HOUR_S)
    await stored(rig, age_s=2 * HOUR_S, events=events)
    await rig.store.write(spoil())
    await runner.sweep()
    assert await rig.store.read(open_jobs()) == [0, held_after]
    assert await rig.store.read(verify()) == []


async def test_the_sweep_goes_round_by_itself(rig: RunnerRig) -> None:
    """Nobody has to ask for the sweep."""
    runner = another(rig, recheck_s=0.02, overdue_s=HOUR_S)
    await runner.start()
    await stored(rig, age_s=2 * HOUR_S)

    async def over() -> bool | None:
        return True if (await rig.job()).told else None

    await wait_for(over)
    assert (await rig.job()).state in {"failed", "done"}
