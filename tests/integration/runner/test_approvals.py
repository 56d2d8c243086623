"""Approvals racing with deadlines, pauses and each other, and from other servers: one POST and one end."""

import asyncio
import time
from typing import Any

import pytest

from bot.errors import StorageError
from bot.jobs import acceptance
from bot.jobs.model import Job, job_from
from bot.ledger import rules
from bot.ledger.audit import verify
from bot.runner.runner import Runner
from tests.integration.runner.test_adversarial import Meddled, held
from tests.support.job_samples import PLACES
from tests.support.runner_rig import RunnerRig, make_runner

A = "a" * 32
ACCEPT, RESUMED, ASKED, DECISION = 1, 2, 3, 4  # a waiting job's first writes, in order
GUILD, APPROVER_ROLE = 1, 77


async def _rule(rig: RunnerRig, name: str, value: Any, *, subject: str = "server", at: float = 1.0) -> None:
    await rig.store.write(rules.set_rule(GUILD, subject, name, value, actor_id=9, reason="test", at=at))


async def _approval(rig: RunnerRig, wait_s: int = 3600) -> None:
    """Let every job wait for approval."""
    await _rule(rig, "approval", {"above_microusd": 0, "role_id": APPROVER_ROLE, "wait_s": wait_s})


def _runner(rig: RunnerRig, store: Any = None) -> Runner:
    runner = make_runner(rig.settings, store or rig.store, rig.http, rig.cards, member_microusd=5_000_000)
    rig.others.append(runner)
    return runner


async def _decide(runner: Runner, *, approve: bool = True, guild_id: int = GUILD, manages: bool = True) -> str:
    return await runner.decide(A, guild_id=guild_id, member_id=9, role_ids=(), manages=manages, approve=approve)


async def _asked(rig: RunnerRig) -> None:
    """Return once the job's card asks for approval, and that is stored."""
    await rig.until(lambda job: job.asked)


async def _ends(rig: RunnerRig, state: str) -> Job:
    job = await rig.until(lambda job: job.told)
    assert job.state == state
    assert await rig.store.read(verify()) == []
    return job


async def test_a_yes_after_the_time_is_none(rig: RunnerRig) -> None:
    """After `approve_by` an approval starts nothing, even if the time passed while no process was running."""
    await _approval(rig, wait_s=60)
    order = await rig.order()
    job = job_from(order, now=time.time() - 600)
    await rig.store.write(acceptance.accept(job, rig.runner.shipped, PLACES))
    assert "too long" in await _decide(rig.runner)
    assert await held(rig, await _ends(rig, "cancelled")) == {(0, 0)}
    assert await rig.requests() == []


@pytest.mark.parametrize(
    ("subject", "name", "value", "word"),
    [
        ("server", "paused", "holidays", "paused"),
        ("member:2", "blocked", "spam", "blocked"),
        ("channel:20", "access", "deny", "closed for videos"),
    ],
)
async def test_a_yes_against_the_rules_of_now(rig: RunnerRig, subject: str, name: str, value: str, word: str) -> None:
    """A pause, block or closed channel set meanwhile refuses the approval, and the job keeps waiting."""
    await _approval(rig)
    await rig.runner.accept(await rig.order())
    await _rule(rig, name, value, subject=subject)
    assert word in await _decide(rig.runner)
    assert (await rig.job()).state == "waiting"
    await rig.store.write(rules.clear_rule(GUILD, subject, name, actor_id=9, reason="", at=2.0))
    assert "Approved" in await _decide(rig.runner)
    await _ends(rig, "done")
    assert len(await rig.requests()) == 1


async def test_who_manages_another_server(rig: RunnerRig) -> None:
    """A button's id used in another server has no effect."""
    await _approval(rig)
    await rig.runner.accept(await rig.order())
    assert "nothing to decide" in await _decide(rig.runner, guild_id=2)
    assert "can decide on this video" in await _decide(rig.runner, manages=False)
    assert (await rig.job()).state == "waiting"


async def test_a_yes_whose_answer_is_lost(rig: RunnerRig) -> None:
    """A decision that is committed but reported as failed takes effect at once, not at the deadline."""
    await _approval(rig)
    runner = _runner(rig, Meddled(rig.store, lose_answer=DECISION))
    await runner.accept(await rig.order())
    await _asked(rig)
    with pytest.raises(StorageError):
        await _decide(runner)
    assert await held(rig, await _ends(rig, "done")) == {(0, 200_000)}
    assert len(await rig.requests()) == 1


async def test_a_cancel_that_read_too_early(rig: RunnerRig) -> None:
    """A cancel that read the job as waiting but runs during its POST does not interrupt the POST."""
    await _approval(rig)
    store = Meddled(rig.store, hold=DECISION)
    runner = _runner(rig, store)
    await runner.accept(await rig.order())
    await _asked(rig)
    cancel = asyncio.create_task(runner.cancel(A, member_id=2))
    await store.reached.wait()
    await rig.fault(at="submit", delay_s=0.5, times=1)
    await _decide(runner)
    await rig.until(lambda job: job.state == "submitting")
    store.go.set()
    await cancel
    job = await rig.until(lambda job: job.told)
    assert job.state in {"done", "cancelled", "failed"}
    assert job.handle is not None
    assert len(await rig.requests()) == 1


async def test_everybody_at_once(rig: RunnerRig) -> None:
    """Of many simultaneous presses one counts, and the job ends once, as that press decides."""
    await _approval(rig)
    await rig.runner.accept(await rig.order())
    answers = await asyncio.gather(
        *(_decide(rig.runner, approve=bool(n % 2)) for n in range(20)), rig.runner.cancel(A, member_id=2)
    )
    job = await rig.until(lambda job: job.told)
    assert sum("isn't waiting" not in answer for answer in answers[:-1]) <= 1
    assert job.state in {"done", "cancelled"}
    assert await rig.store.read(verify()) == []
    assert len(await rig.requests()) <= 1


async def test_what_waits_takes_no_place_and_what_is_approved_does(rig: RunnerRig) -> None:
    """However many jobs wait, another one begins; while it takes the last place, an approval has to wait for it."""
    jobs = rig.settings.jobs.model_copy(update={"in_flight_max": 1})
    settings = rig.settings.model_copy(update={"jobs": jobs})
    full = make_runner(settings, rig.store, rig.http, rig.cards, member_microusd=5_000_000)
    rig.others.append(full)
    await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 60})
    await _approval(rig)
    await full.accept(await rig.order())
    await _asked(rig)
    await _rule(rig, "approval", {"above_microusd": 10**9, "role_id": APPROVER_ROLE, "wait_s": 3600})
    await full.accept(await rig.order("b" * 32))
    await rig.until(lambda job: job.state == "running", "b" * 32)
    assert "Wanda has 1 video going" in await _decide(full)
    await full.cancel("b" * 32, member_id=2)
    await rig.until(lambda job: job.told, "b" * 32)
    assert "Approved" in await _decide(full)
    await rig.until(lambda job: job.state == "running")
