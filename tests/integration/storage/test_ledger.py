"""The ledger on both engines: many at once, random histories with real crashes, and a process that is killed."""

import asyncio
import os
import sqlite3
import sys
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from bot.errors import QuotaExceeded
from bot.ledger import transactions as ledger
from bot.ledger.audit import verify
from bot.ledger.model import Budget, Ending
from bot.settings import Settings
from bot.storage.batch import execute
from bot.storage.opening import open_store
from bot.storage.transaction import One, Statement, Store, Transaction
from tests.ledger_machine import LedgerMachine, step

_asyncpg: Any = asyncpg
SERVER = Budget("server:7", "month:2026-11", 10, "server", 20.0)


def _hold(job_id: str, member: int, *, cap: int = 10, amount: int = 1) -> Transaction[Any]:
    budgets = (Budget(f"member:7:{member}", "day:2026-11-20", cap, "member", 10.0), SERVER)
    return ledger.hold(job_id, amount, budgets, at=1.0, member_id=member, reason="test")


async def test_of_a_hundred_holds_at_once_as_many_are_granted_as_the_cap_carries(store: Store) -> None:
    """100 concurrent holds of 1 on a cap of 10 grant exactly 10, and refuse 90."""
    answers = await asyncio.gather(
        *(store.write(_hold(f"job {number}", number)) for number in range(100)), return_exceptions=True
    )
    assert sum(isinstance(answer, tuple) for answer in answers) == 10
    assert sum(isinstance(answer, QuotaExceeded) for answer in answers) == 90
    (standing,) = await store.read(ledger.standing((SERVER,)))
    assert (standing.held_microusd, standing.left_microusd) == (10, 0)
    assert await store.read(verify()) == []


async def test_one_job_held_many_times_at_once_holds_once(store: Store) -> None:
    """Repeating a hold at the same moment, even over midnight, never makes a second one."""
    days = [
        ledger.hold(
            "one",
            1,
            (Budget("member:7:1", f"day:2026-11-{20 + number % 2}", 10, "member", 10.0), SERVER),
            at=1.0,
            member_id=1,
            reason="test",
        )
        for number in range(30)
    ]
    await asyncio.gather(*(store.write(hold) for hold in days))
    (standing,) = await store.read(ledger.standing((SERVER,)))
    assert standing.held_microusd == 1
    assert await store.read(verify()) == []


async def test_every_way_of_ending_at_once_ends_a_hold_once(store: Store) -> None:
    """Of settle, release and expose at the same moment one is first; the others are answered, none is an error."""
    for number in range(10):
        job = f"job {number}"
        await store.write(_hold(job, number))
        endings: list[Ending] = await asyncio.gather(
            *(store.write(ledger.settle(job, 1, at=2.0, actor="test", reason="test")) for _ in range(3)),
            *(store.write(ledger.release(job, at=2.0, actor="test", reason="test")) for _ in range(3)),
            *(store.write(ledger.expose(job, at=2.0, actor="test", reason="test")) for _ in range(3)),
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
            await store.write(_hold(job, number % 3, cap=100, amount=0 if turn % 2 else 1))
            await store.write(ledger.release(job, at=2.0, actor="test", reason="test"))

    async with asyncio.TaskGroup() as group:
        for number in range(9):  # one less than the server's cap carries
            group.create_task(member(number))
    assert await store.read(verify()) == []


@pytest.mark.parametrize("sql", ["UPDATE entries SET reason = 'x'", "DELETE FROM entries"])
async def test_entries_are_append_only_on_both_engines(store: Store, sql: str) -> None:
    """Each engine's own trigger refuses to change or remove an entry."""
    await store.write(_hold("a", 1))

    def tamper() -> Transaction[None]:
        yield One(sql)

    with pytest.raises(Exception, match="append-only"):
        await store.write(tamper())


class OnDisk(LedgerMachine):
    """The ledger in a real database, which is left in the middle of a transaction, and closed and opened again."""

    database: Settings

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.runner.run(open_store(self.database))

    def run(self, transaction: Transaction[Any]) -> Any:
        """Run and commit."""
        return self.runner.run(self._write(transaction))

    async def _write(self, transaction: Transaction[Any]) -> Any:
        return await self.store.write(transaction)

    def crash(self, transaction: Transaction[Any], statements: int) -> None:
        """Run the first statements on a connection of its own, and cut it."""
        if self.database.database_url:
            self.runner.run(self._crash_postgres(transaction, statements))
            return
        connection = sqlite3.connect(self.database.data_dir / "wanda.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        step(transaction, partial(execute, connection), statements)
        connection.close()

    async def _crash_postgres(self, transaction: Transaction[Any], statements: int) -> None:
        connection = await _asyncpg.connect(self.database.database_url)
        try:
            await connection.transaction().start()
            await _step_slowly(connection, transaction, statements)
        finally:
            connection.terminate()

    def reopen(self) -> None:
        """Close the store, and open the same database."""
        self.runner.run(self.store.close())
        self.store = self.runner.run(open_store(self.database))

    def teardown(self) -> None:
        """Close everything."""
        self.runner.run(self.store.close())
        self.runner.close()


async def _step_slowly(connection: Any, transaction: Transaction[Any], statements: int) -> None:
    async def answer(statement: Statement) -> Any:
        rows = [dict(row) for row in await connection.fetch(statement.sql, *statement.args)]
        return (rows[0] if rows else None) if isinstance(statement, One) else rows

    try:
        statement = next(transaction)
        for _ in range(statements):
            statement = transaction.send(await answer(statement))
    except (StopIteration, QuotaExceeded, LookupError):
        pass
    finally:
        transaction.close()


def test_random_histories_with_crashes_keep_the_books_right(store_settings: Settings) -> None:
    """After any calls, repetitions, crashes and restarts: rows equal sums, caps hold, each hold ends once."""

    class Here(OnDisk):
        database = store_settings

    run_state_machine_as_test(
        Here,
        settings=hypothesis_settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


WORKER = Path(__file__).parent / "ledger_worker.py"


async def test_a_killed_process_leaves_right_books(store_settings: Settings) -> None:
    """After `kill -9` amid hundreds of transactions, every acknowledged one is there and the sums are right."""
    environment = os.environ | {
        "WANDA_DATA_DIR": str(store_settings.data_dir),
        "DATABASE_URL": store_settings.database_url,
        "PYTHONPATH": str(Path.cwd()),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, WORKER, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(300)]
    process.kill()
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    acknowledged = [line.split() for line in said if line.endswith(b"\n")]
    assert len(acknowledged) >= 300
    store = await open_store(store_settings)
    try:
        assert await store.read(verify()) == []
        for kind, job in acknowledged:
            row = await store.read(_state(job.decode()))
            assert row["state"] == "settled" if kind == b"settled" else row["state"] in {"held", "settled"}
    finally:
        await store.close()


def _state(job_id: str) -> Transaction[Any]:
    return (yield One("SELECT state FROM holds WHERE job_id = $1 AND position = 0", (job_id,)))
