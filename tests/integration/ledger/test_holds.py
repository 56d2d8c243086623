"""The ledger on both engines: concurrent holds, random histories with crashes, and a killed process."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.ledger import holds, rules
from bot.ledger.audit import totals, verify
from bot.ledger.model import Ending, Held, RuleQuery, Shipped, Standing, Totals, View, Who
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.transaction import Many, One, Store, Transaction
from tests.integration.ledger import ledger_worker
from tests.support.history_engines import run_on_disk
from tests.support.ledger_histories import LedgerMachine

AT = 1.79e9
POOL_OF_TEN = Shipped(member_daily_microusd=100, server_monthly_microusd=10)


def _who(member: int, guild: int = 7) -> Who:
    return Who(guild_id=guild, channel_id=5, member_id=member, role_ids=(1, 2, 3))


def _hold(
    job_id: str, member: int, *, amount: int = 1, guild: int = 7, at: float = AT, shipped: Shipped = POOL_OF_TEN
) -> Transaction[Held]:
    return holds.hold(
        job_id=job_id,
        amount_microusd=amount,
        who=_who(member, guild),
        query=RuleQuery(mode="m"),
        at=at,
        shipped=shipped,
        reason="test",
    )


async def _standing(store: Store, scope: str, *, guild: int = 7, shipped: Shipped = POOL_OF_TEN) -> Standing:
    view: View = await store.read(holds.standing(_who(1, guild), at=AT, shipped=shipped))
    (one,) = [one for one in view.standings if one.limit.scope == scope]
    return one


async def _all_at_once(store: Store, *transactions: Transaction[Any]) -> list[Any]:
    return await asyncio.gather(*(store.write(one) for one in transactions), return_exceptions=True)


def _kinds(answers: list[Any]) -> dict[str, int]:
    """Count the answers and refusals by their kind."""
    names: list[str] = [type(answer).__name__ for answer in answers]
    return dict(Counter(names))


async def test_of_two_hundred_members_at_once_a_pool_of_fifty_jobs_takes_fifty(store: Store) -> None:
    """Of 200 simultaneous holds on a pool of 50 jobs exactly 50 are accepted; after all end the sums are right."""
    price = 200_000
    pool = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50 * price)
    answers = await _all_at_once(
        store, *(_hold(f"job {member}", member, amount=price, shipped=pool) for member in range(200))
    )
    assert _kinds(answers) == {"Held": 50, "QuotaExceeded": 150}
    accepted = [member for member, answer in enumerate(answers) if isinstance(answer, Held)]
    assert min(s.left_microusd for a in answers if isinstance(a, Held) for s in a.standings) == 0
    full = await _standing(store, "server:7", shipped=pool)
    assert (full.held_microusd, full.spent_microusd, full.left_microusd) == (50 * price, 0, 0)
    said: Any = {"at": AT + 60, "actor": "test", "reason": "test"}
    ends: tuple[Callable[[str], Transaction[Ending]], ...] = (
        lambda job: holds.settle(job, price, **said),
        lambda job: holds.settle(job, price // 2, payers="server", **said),
        lambda job: holds.release(job, **said),
        lambda job: holds.expose(job, **said),
        lambda job: holds.settle(job, price * 2, **said),
    )
    endings: list[Ending] = await _all_at_once(
        store, *(ends[number % 5](f"job {member}") for number, member in enumerate(accepted))
    )
    assert Counter(ending.how for ending in endings) == {"settled": 30, "released": 10, "exposed": 10}
    after = await _standing(store, "server:7", shipped=pool)
    assert (after.held_microusd, after.spent_microusd) == (10 * price, 25 * price)
    assert await store.read(verify()) == []
    assert await store.read(_entries("server:7")) == (after.held_microusd, after.spent_microusd)


def _entries(scope: str) -> Transaction[tuple[int, int]]:
    rows = yield Many("SELECT held_delta_microusd, spent_delta_microusd FROM entries WHERE scope = $1", (scope,))
    return sum(row["held_delta_microusd"] for row in rows), sum(row["spent_delta_microusd"] for row in rows)


async def test_servers_at_once_share_the_cap_over_all(store: Store) -> None:
    """Of 40 holds in 8 servers under an operator's cap of 20, exactly 20 succeed, while others end and rules change."""
    shipped = Shipped(member_daily_microusd=100, server_monthly_microusd=100)
    capped = Shipped(member_daily_microusd=100, server_monthly_microusd=100, total_cap_microusd=30)
    # Ten jobs were accepted before the operator set the cap, and end while its first row is made from them.
    await _all_at_once(store, *(_hold(f"old {n}", n, guild=n % 8, shipped=shipped) for n in range(10)))
    said: Any = {"at": AT, "actor": "test", "reason": "test"}
    answers = await _all_at_once(
        store,
        *(_hold(f"new {n}", n, guild=n % 8, shipped=capped) for n in range(40)),
        *(holds.settle(f"old {n}", 1, **said) for n in range(10)),
        *(rules.set_rule(n % 8, "server", "budget:day", 50, actor_id=1, reason="test", at=AT) for n in range(16)),
    )
    assert _kinds(answers) == {"Held": 20, "QuotaExceeded": 20, "Ending": 10, "tuple": 16}
    everything = await _standing(store, "all", guild=1, shipped=capped)
    assert (everything.held_microusd, everything.spent_microusd) == (20, 10)
    assert await store.read(verify()) == []
    every: tuple[Totals, ...] = await store.read(totals())
    assert sum(one.held_microusd for one in every) == 20
    assert sum(one.spent_microusd for one in every) == 10


async def test_jobs_at_once_is_exact(store: Store) -> None:
    """Of 30 simultaneous holds of a member who may have 3 jobs at once exactly 3 are accepted."""
    await store.write(rules.set_rule(7, "server", "at_once", 3, actor_id=1, reason="test", at=AT))
    answers = await _all_at_once(store, *(_hold(f"job {n}", 1, amount=0) for n in range(30)))
    assert _kinds(answers) == {"Held": 3, "NotAllowed": 27}


async def test_a_threshold_is_warned_of_once(store: Store) -> None:
    """Of ten simultaneous holds on a pool of ten jobs, one each records the warning for 50, 80 and 95 percent."""
    answers: list[Held] = await _all_at_once(store, *(_hold(f"job {n}", n) for n in range(10)))
    assert sorted(one.threshold for held in answers for one in held.warnings) == [50, 80, 95]


async def test_one_job_held_many_times_at_once_holds_once(store: Store) -> None:
    """Repeating a hold at the same moment, even over midnight, never makes a second one."""
    days = [_hold("one", 1, at=AT + 86400 * (number % 2)) for number in range(30)]
    answers: list[Held] = await _all_at_once(store, *days)
    assert sum(not held.repeated for held in answers) == 1
    assert (await _standing(store, "server:7")).held_microusd == 1
    assert await store.read(verify()) == []


async def test_every_way_of_ending_at_once_ends_a_hold_once(store: Store) -> None:
    """Of simultaneous settle, release and expose the first counts; the others return its result without an error."""
    said: Any = {"at": AT, "actor": "test", "reason": "test"}
    for number in range(10):
        job = f"job {number}"
        await store.write(_hold(job, number))
        endings: list[Ending] = await _all_at_once(
            store,
            *(holds.settle(job, 1, **said) for _ in range(3)),
            *(holds.release(job, **said) for _ in range(3)),
            *(holds.expose(job, **said) for _ in range(3)),
        )
        final = [ending for ending in endings if ending.how != "exposed"]
        assert len({(ending.how, ending.member_microusd, ending.server_microusd) for ending in final}) == 1
        assert sum(not ending.repeated for ending in final) == 1
    assert await store.read(verify()) == []


async def test_members_at_once_do_not_block_each_other(store: Store) -> None:
    """Jobs of the same members on the same server hold and end at once, without a deadlock and with right books."""

    async def member(number: int) -> None:
        for turn in range(5):
            job = f"{number}-{turn}"
            await store.write(_hold(job, number % 3, amount=0 if turn % 2 else 1))
            await store.write(holds.release(job, at=AT, actor="test", reason="test"))

    async with asyncio.TaskGroup() as group:
        for number in range(9):  # one less than the server's cap carries
            group.create_task(member(number))
    assert await store.read(verify()) == []


@pytest.mark.parametrize(
    "sql",
    ["UPDATE entries SET reason = 'x'", "DELETE FROM entries", "UPDATE acts SET reason = 'x'", "DELETE FROM acts"],
)
async def test_entries_and_acts_are_append_only_on_both_engines(store: Store, sql: str) -> None:
    """A trigger in each engine refuses to change or delete entries and acts."""
    await store.write(_hold("a", 1))
    await store.write(rules.set_rule(7, "server", "at_once", 3, actor_id=1, reason="test", at=AT))

    def tamper() -> Transaction[None]:
        yield One(sql)

    with pytest.raises(Exception, match="append-only"):
        await store.write(tamper())


@pytest.mark.hypothesis
def test_random_histories_with_crashes_keep_the_books_right(store_settings: StorageSettings) -> None:
    """After any calls, repetitions, crashes and restarts: rows equal sums, caps hold, each hold ends once."""
    run_on_disk(LedgerMachine, store_settings, examples_share=0.2, steps=25)


WORKER = Path(__file__).parent / "ledger_worker.py"


async def _killed_after(lines: int, store_settings: StorageSettings, **environment: str) -> list[list[str]]:
    """Run the worker, kill it after this many lines, and return all its lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        WORKER,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ
        | {
            "WANDA_DATA_DIR": str(store_settings.data_dir),
            "DATABASE_URL": store_settings.database_url,
            "PYTHONPATH": str(Path.cwd()),
        }
        | environment,
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return [line.decode().split() for line in said if line.endswith(b"\n")]


async def test_of_two_hundred_members_fifty_are_accepted_also_over_a_kill(store_settings: StorageSettings) -> None:
    """When the process is killed during the rush and all members repeat, 50 jobs are accepted, each held once."""
    said = await _killed_after(20, store_settings, WORKER="rush", WANDA_STORAGE_BATCH_MAX="4")
    before = {job for kind, job in said if kind == "held"}
    store = await open_store(store_settings)
    try:
        assert await store.read(verify()) == []
        kept = await store.read(_states())
        assert before <= kept.keys()
        answers = await _all_at_once(store, *(ledger_worker.rush_hold(member) for member in range(200)))
        held = [answer for answer in answers if isinstance(answer, Held)]
        assert len(held) == 50
        assert sum(answer.repeated for answer in held) == len(kept)
        (pool,) = await store.read(totals())
        assert pool.held_microusd == 50 * ledger_worker.PRICE
        await _all_at_once(
            store,
            *(holds.settle(job, 7, at=AT, actor="test", reason="test") for job in await store.read(_states())),
        )
        (pool,) = await store.read(totals())
        assert (pool.jobs, pool.held_microusd, pool.spent_microusd) == (50, 0, 350)
        assert await store.read(verify()) == []
    finally:
        await store.close()


async def test_a_killed_process_leaves_right_books(store_settings: StorageSettings) -> None:
    """After `kill -9` amid hundreds of transactions every acknowledged one is there, and sums and caps are right."""
    acknowledged = await _killed_after(600, store_settings)
    assert len(acknowledged) >= 600
    last = {job: kind for kind, job in acknowledged}
    store = await open_store(store_settings)
    try:
        assert await store.read(verify()) == []
        states = await store.read(_states())
        for job, kind in last.items():
            assert kind == states.get(job, "refused") or (kind == "held" and job in states)
        (pool,) = await store.read(totals())
        assert pool.held_microusd + pool.spent_microusd <= 4000
        await store.write(holds.release(next(iter(states)), at=AT, actor="test", reason="goes on"))
    finally:
        await store.close()


def _states() -> Transaction[dict[str, str]]:
    rows = yield Many("SELECT job_id, state FROM draws WHERE position = 0")
    return {row["job_id"]: row["state"] for row in rows}
