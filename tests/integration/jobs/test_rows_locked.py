"""Who writes a job's row back has locked it before reading it: on PostgreSQL several processes write at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.cli.ledger import close_exposure, look
from bot.errors import Busy, OptionRefused
from bot.fal.wire.types import FalStatus
from bot.jobs import acceptance, erasure, queries, transactions
from bot.jobs.calls import take_call
from bot.jobs.events import EndShown, Event, ReplyLost, Submitted, Uploaded
from bot.jobs.model import Job
from bot.ledger.model import Shipped
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.owned_store import OwnedStore
from bot.storage.postgres import drive
from bot.storage.transaction import Transaction
from sandbox.stage import eventually
from tests.support.job_samples import HANDLE, NOW, PLACES, a_job
from tests.support.stores import PostgresServer, settings_for

_asyncpg: Any = asyncpg
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
ANNA, BEN = 424242424242, 616161616161
_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
async def settings(tmp_path: Path, postgres_server: PostgresServer) -> AsyncGenerator[StorageSettings]:
    """A PostgreSQL database with the whole schema."""
    async with postgres_server.whole_database() as url:
        yield settings_for(tmp_path, url)


@pytest.fixture
async def postgres(settings: StorageSettings) -> AsyncGenerator[OwnedStore, None]:
    """It, opened."""
    opened = await open_store(settings)
    yield opened
    await opened.close()


@asynccontextmanager
async def _under_way(url: str, transaction: Transaction[Any]) -> AsyncGenerator[Callable[[], Any], None]:
    """Run another process's transaction, and commit it at the end, once somebody waits for its locks."""
    connection = await _asyncpg.connect(url)

    async def waits() -> bool | None:
        return bool(await connection.fetchval(_WAITERS)) or None

    try:
        async with connection.transaction():
            await drive(connection, transaction)
            yield lambda: eventually(waits, what="transaction that waits")
    finally:
        await connection.close()


async def _accepted(store: OwnedStore, job: Job, *events: Event) -> Job:
    await store.write(acceptance.accept(job, SHIPPED, PLACES), guild_id=job.guild_id)
    for event in events:
        job = (await store.write(transactions.advance(job.id, event, now=NOW), guild_id=job.guild_id)).job
    return job


async def test_no_job_is_closed_that_a_webhook_takes_up(postgres: OwnedStore, settings: StorageSettings) -> None:
    """`ledger --close` at the moment of the webhook changes nothing: neither the job's state nor its money."""
    events = (Uploaded(()), ReplyLost(), EndShown())
    job = await _accepted(postgres, a_job(), *events)
    call = take_call(job.id, "r-1", queue_url="https://queue.fal.run", now=NOW + 60)
    async with _under_way(settings.database_url, call) as waits:
        closing = asyncio.create_task(close_exposure(settings, job.id, 500_000, at=NOW + 60))
        await waits()
    with pytest.raises(OptionRefused, match="is fetching"):
        await closing
    stored = await postgres.read(queries.get(job.id))
    assert stored is not None
    assert (stored.state, stored.told) == ("fetching", False)
    books = await look(settings)
    assert (books.wrong, [one.spent_microusd for one in books.servers]) == ([], [0])


async def test_no_step_of_a_job_is_undone_when_its_approver_deletes_their_data(
    postgres: OwnedStore, settings: StorageSettings
) -> None:
    """A job that another process carries on at this moment only loses the approver's name."""
    sent = (Uploaded(()), Submitted(HANDLE))
    job = await _accepted(postgres, a_job(member_id=BEN, approved_by=ANNA), *sent)
    ended = transactions.advance(job.id, FalStatus("completed"), now=NOW + 60)
    async with _under_way(settings.database_url, ended) as waits:
        deleting = asyncio.create_task(postgres.write(erasure.forget_member(ANNA, at=NOW), guild_id=None))
        await waits()
    await deleting
    stored = await postgres.read(queries.get(job.id))
    assert stored is not None
    assert (stored.state, stored.approved_by) == ("fetching", None)


async def test_no_data_is_deleted_of_a_member_whose_job_a_webhook_takes_up(
    postgres: OwnedStore, settings: StorageSettings
) -> None:
    """It is as if the video had been in the making before: all of the member's data stays, and they read why."""
    events = (Uploaded(()), ReplyLost(), EndShown())
    job = await _accepted(postgres, a_job(member_id=BEN), *events)
    call = take_call(job.id, "r-1", queue_url="https://queue.fal.run", now=NOW + 60)
    async with _under_way(settings.database_url, call) as waits:
        deleting = asyncio.create_task(postgres.write(erasure.forget_member(BEN, at=NOW), guild_id=None))
        await waits()
    with pytest.raises(Busy, match="still making a video"):
        await deleting
