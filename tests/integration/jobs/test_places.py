"""The bounds on unfinished jobs when many transactions ask at once, and the step that counts them, on both engines."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import Busy
from bot.jobs import acceptance, events, queries, transactions
from bot.jobs.approval import approve_all
from bot.jobs.model import Job
from bot.jobs.places import Places, waiting_files
from bot.ledger import rules
from bot.ledger.audit import verify
from bot.ledger.model import Shipped
from bot.storage.transaction import Store
from tests.support.job_samples import NOW, PLACES, a_job

SHIPPED = Shipped(member_daily_microusd=10**12, server_monthly_microusd=10**12)


async def _approval(store: Store, guild_id: int) -> None:
    rule = {"above_microusd": 0, "role_id": None, "wait_s": 3600.0}
    said: dict[str, Any] = {"actor_id": 9, "reason": "", "at": NOW - 1}
    await store.write(rules.set_rule(guild_id, "server", "approval", rule, **said))


async def _accepted(store: Store, places: Places, *, members: int, guilds: int) -> list[Job]:
    """Order forty videos at once, and return the jobs that were accepted."""

    async def one(number: int) -> Job | None:
        job = a_job(id=f"{number:032x}", guild_id=1 + number % guilds, member_id=10 + number // guilds % members)
        try:
            return (await store.write(acceptance.accept(job, SHIPPED, places))).job
        except Busy:
            return None

    found = [job for job in await asyncio.gather(*map(one, range(40))) if job is not None]
    assert await store.read(verify()) == []
    return found


@pytest.mark.parametrize(
    ("bound", "members", "guilds", "expected"),
    [
        ({"running_in_server_max": 3}, 5, 2, 6),
        ({"running_of_member_max": 2}, 5, 2, 20),
    ],
)
async def test_no_place_is_given_twice(
    store: Store, bound: dict[str, int], members: int, guilds: int, expected: int
) -> None:
    """Of forty simultaneous orders exactly as many begin as there are places."""
    jobs = await _accepted(store, replace(PLACES, **bound), members=members, guilds=guilds)
    assert len(jobs) == expected


async def test_waiting_jobs_stop_no_other_server(store: Store) -> None:
    """However many jobs wait for approval in one server, another one's order begins."""
    await _approval(store, 1)
    waiting = await _accepted(store, replace(PLACES, waiting_in_server_max=20), members=5, guilds=1)
    assert Counter(job.state for job in waiting) == {"waiting": 20}
    files = await store.read(waiting_files(1, 10))
    assert files.in_server_bytes == 20 * 1000
    other = a_job(id="e" * 32, guild_id=2)
    assert (await store.write(acceptance.accept(other, SHIPPED, PLACES))).job.state == "accepted"


async def test_approvals_take_the_places_that_there_are(store: Store) -> None:
    """Of many simultaneous approvals as many begin as have a place; the others wait on with their holds."""
    await _approval(store, 1)
    waiting = await _accepted(store, PLACES, members=5, guilds=1)
    places = replace(PLACES, running_in_server_max=3)

    async def approve(job: Job) -> bool:
        try:
            await store.write(
                approve_all((job.id,), events.Approved(9), shipped=SHIPPED, places=places, now=job.created_at)
            )
        except Busy:
            return False
        return True

    begun = await asyncio.gather(*map(approve, waiting))
    assert sum(begun) == 3
    states = Counter([job.state for one in waiting if (job := await store.read(queries.get(one.id)))])
    assert states == {"accepted": 3, "waiting": 37}
    assert await store.read(verify()) == []
    first = next(job for job, is_begun in zip(waiting, begun, strict=True) if is_begun)
    for event in (events.CancelAsked(), events.EndShown()):
        await store.write(transactions.advance(first.id, event, now=NOW + 1))
    refused = next(job for job, is_begun in zip(waiting, begun, strict=True) if not is_begun)
    assert await approve(refused)
