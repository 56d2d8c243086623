"""Finding jobs again, and one unfinished rerun for each member, parent and trigger, on both engines."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from bot.errors import AlreadyRunning, QuotaExceeded
from bot.fal.wire.types import FalStatus
from bot.jobs import acceptance, events, queries, transactions
from bot.jobs.model import Job, Spot, Variation
from bot.ledger import audit, rules
from bot.ledger.model import Shipped
from bot.storage.transaction import Store
from tests.support.job_samples import HANDLE, NOW, PLACES, RESULT, a_job

SHIPPED = Shipped(member_daily_microusd=1_500_000, server_monthly_microusd=50_000_000)
RICH = Shipped(member_daily_microusd=50_000_000, server_monthly_microusd=50_000_000)


async def _accept(store: Store, *, shipped: Shipped = RICH, **changes: Any) -> Job:
    return (await store.write(acceptance.accept(a_job(**changes), shipped, PLACES))).job


async def _end(store: Store, job: Job) -> Job:
    for event in (
        events.Uploaded(job.inputs),
        events.Submitted(HANDLE),
        FalStatus("completed"),
        events.Made(RESULT),
        events.VideoPosted(replace(job.address, message_id=job.address.message_id + 1000)),
    ):
        job = (await store.write(transactions.advance(job.id, event, now=NOW))).job
    return job


def _id(number: int) -> str:
    return f"{number:032x}"


async def test_a_second_press_is_refused_while_the_first_is_running(store: Store) -> None:
    """An unfinished rerun blocks another of the same member, parent and trigger, and no other rerun."""
    parent = await _end(store, await _accept(store))
    first = await _accept(store, id=_id(1), parent_id=parent.id, trigger="react:🔁")
    with pytest.raises(AlreadyRunning, match="already making this one"):
        await _accept(store, id=_id(2), parent_id=parent.id, trigger="react:🔁")
    await _accept(store, id=_id(3), member_id=3, parent_id=parent.id, trigger="react:🔁")
    await _accept(store, id=_id(4), parent_id=parent.id, trigger="react:🎲")
    await _accept(store, id=_id(5), parent_id=_id(3), trigger="react:🔁")
    await _end(store, first)
    await _accept(store, id=_id(6), parent_id=parent.id, trigger="react:🔁")
    assert await store.read(audit.verify()) == []


async def test_ordinary_commands_never_stand_in_each_others_way(store: Store) -> None:
    """Jobs without a parent never block each other."""
    await _accept(store)
    await _accept(store, id=_id(1))


async def test_presses_at_the_same_moment_make_one_job_and_one_hold(store: Store) -> None:
    """Of many simultaneous presses exactly one is accepted, and money is held once."""
    presses = (_accept(store, id=_id(n), parent_id="p", trigger="button:again") for n in range(12))
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    assert sum(isinstance(outcome, Job) for outcome in outcomes) == 1
    assert all(isinstance(outcome, Job | AlreadyRunning) for outcome in outcomes), outcomes
    assert len(await store.read(queries.unfinished_jobs())) == 1
    assert await store.read(audit.verify()) == []


async def test_a_second_press_is_not_told_of_the_budget_that_the_first_uses(store: Store) -> None:
    """A repeated rerun is refused as already running, not as over budget; a different one is refused as over budget."""
    await _accept(store, shipped=SHIPPED, id=_id(1), parent_id="p", trigger="a", quote_microusd=1_500_000)
    with pytest.raises(AlreadyRunning):
        await _accept(store, shipped=SHIPPED, id=_id(2), parent_id="p", trigger="a", quote_microusd=1_500_000)
    with pytest.raises(QuotaExceeded):
        await _accept(store, shipped=SHIPPED, id=_id(2), parent_id="p", trigger="b", quote_microusd=1_500_000)


async def test_a_job_knows_where_its_parent_stands(store: Store) -> None:
    """A job's `parent_at` is the parent's current card; None if the parent was deleted."""
    parent = await _end(store, await _accept(store))
    child = await _accept(store, id=_id(1), parent_id=parent.id, trigger="a", notes=("So it is.",))
    assert child.parent_at == Spot(1, 20, 1030)
    assert await store.read(queries.get(child.id)) == child
    assert (await _accept(store, id=_id(2), parent_id=_id(9), trigger="a")).parent_at is None


async def test_a_job_is_found_by_the_message_that_holds_it(store: Store) -> None:
    """A job is found by the message with its video only, not by an earlier card."""
    job = await _end(store, await _accept(store))
    assert await store.read(queries.job_of_message(1030)) == job
    assert await store.read(queries.job_of_message(30)) is None


async def test_a_parent_knows_its_latest_posted_children(store: Store) -> None:
    """The last five that are done, the oldest of them first."""
    parent = await _end(store, await _accept(store))
    for number in range(1, 8):
        child = await _accept(store, id=_id(number), parent_id=parent.id, trigger=str(number), created_at=NOW + number)
        if number != 6:
            await _end(store, child)
    latest = await store.read(queries.posted_since(NOW + 3, limit=3))
    assert [job.id for job in latest] == [_id(n) for n in (7, 5, 4)]
    found = await store.read(queries.children_of(parent.id))
    assert [job.id for job in found] == [_id(n) for n in (2, 3, 4, 5, 7)]


async def test_a_members_jobs_come_in_pages(store: Store) -> None:
    """Pages are newest first, contain each job of that server once, and can be filtered by mode and state."""
    for number in range(7):
        # Two are of the same moment, and are still told apart.
        await _accept(store, id=_id(number), created_at=NOW + number // 2, mode="wan27-image" if number % 3 else "old")
    await _accept(store, id=_id(50), guild_id=9)
    await _accept(store, id=_id(51), member_id=9)
    await _end(store, a_job(id=_id(4)))

    seen: list[Job] = []
    while page := await store.read(
        queries.member_jobs(1, 2, before=queries.cursor_of(seen[-1]) if seen else None, limit=3)
    ):
        seen += page
    assert [job.id for job in seen] == [_id(n) for n in (6, 5, 4, 3, 2, 1, 0)]
    assert all(queries.cursor_of(a) > queries.cursor_of(b) for a, b in pairwise(seen))

    old = await store.read(queries.member_jobs(1, 2, mode="old", limit=9))
    assert [job.id for job in old] == [_id(n) for n in (6, 3, 0)]
    done = await store.read(queries.member_jobs(1, 2, states=("done",), limit=9))
    assert [job.id for job in done] == [_id(4)]
    both = await store.read(
        queries.member_jobs(
            1, 2, mode="wan27-image", states=("accepted", "queued"), before=queries.cursor_of(seen[1]), limit=9
        )
    )
    assert [job.id for job in both] == [_id(n) for n in (2, 1)]

    everywhere = await store.read(queries.jobs_of_member_everywhere(2, limit=3))
    rest = await store.read(queries.jobs_of_member_everywhere(2, before=queries.cursor_of(everywhere[-1]), limit=9))
    assert {job.id for job in (*everywhere, *rest)} == {_id(n) for n in (*range(7), 50)}


async def test_what_waits_for_approval(store: Store) -> None:
    """The oldest comes first, other servers' do not come, and a set is one order with what still waits of it."""
    said: Any = {"actor_id": 9, "reason": "", "at": NOW}
    rule = {"above_microusd": 0, "role_id": None, "wait_s": 3600}
    await store.write(rules.set_rule(1, "server", "approval", rule, **said))
    await _accept(store, id=_id(9), created_at=NOW + 1)
    await _accept(store, id=_id(8), guild_id=2)
    mine = [
        a_job(id=_id(number), created_at=NOW + 2, variation=Variation(set_id=_id(1), number=number, of=3, message_id=5))
        for number in (1, 2, 3)
    ]
    await store.write(acceptance.accept_all(mine, RICH, PLACES))
    await store.write(transactions.advance(_id(1), events.Declined(9), now=NOW))
    waiting = await store.read(queries.waiting_jobs(1, limit=10))
    assert [job.id for job in waiting] == [_id(9), _id(2)]
    assert [[one.id for one in await store.read(queries.waiting_with(job))] for job in waiting] == [
        [_id(9)],
        [_id(2), _id(3)],
    ]
    assert await store.read(queries.waiting_count(1)) == 2
    assert [job.id for job in await store.read(queries.waiting_jobs(1, after=_id(9), limit=10))] == [_id(2)]
