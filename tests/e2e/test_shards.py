"""Two processes on one PostgreSQL, each with shards of its own, and what becomes of a video when one of them ends."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest_asyncio

from bot.ledger.audit import verify
from bot.sharding import shard_of
from bot.storage.database import look_into
from bot.storage.transaction import Many, Transaction
from sandbox.stage import Stage, eventually, videos_of
from tests.e2e.conftest import QUICK
from tests.support.metric_labels import scrape, value_of
from tests.support.ports import free_port
from tests.support.stores import PostgresServer, postgres_server, settings_for
from tests.support.video_steps import order, wait_for_video

__all__ = ["postgres_server"]
_asyncpg: Any = asyncpg


@pytest_asyncio.fixture
async def shared(tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[Stage]:
    """The stand-ins, and settings of processes that share a database and a folder for files."""
    settings = {
        **QUICK,
        "DATABASE_URL": await postgres_server.new_database(),
        "WANDA_FILES_URL": (tmp_path / "files").as_uri(),
        "WANDA_IDENTIFY_EVERY_S": "0.2",
        "WANDA_SHARDS_LOOK_S": "0.2",
    }
    async with Stage(tmp_path / "data", seconds_per_job=0.3, settings=settings) as stage:
        await stage.discord.post("gateway", {"action": "limits", "identify_interval_s": 0.2})
        yield stage


def _payments() -> Transaction[list[tuple[int, int]]]:
    rows = yield Many("SELECT amount_microusd, settled_microusd FROM draws WHERE position = 0 ORDER BY job_id")
    return [(row["amount_microusd"], row["settled_microusd"]) for row in rows]


async def _one_video_paid_once(stage: Stage, tmp_path: Path, database_url: str, cards: list[str]) -> None:
    """Check that each card shows one video, that no other message does, and that fal was asked and paid as often."""
    films = [m["id"] for m in await stage.messages() if videos_of(m)]
    assert sorted(films) == sorted(cards)
    assert len(await stage.fal.get("submits")) == len(cards)
    store = await look_into(settings_for(tmp_path / "look", database_url))
    try:

        async def paid() -> bool | None:
            return True if await store.read(_payments()) == [(200_000, 200_000)] * len(cards) else None

        await eventually(paid, what="payment of every video")
        assert await store.read(verify()) == []
    finally:
        await store.close()


async def _readiness(port: int, query: str = "") -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/readyz{query}") as reply:
        return reply.status, await reply.text()


async def _told(ports: tuple[int, int], name: str) -> tuple[float, float]:
    """Return a metric of two processes."""
    first, second = [value_of(await scrape(port), name) for port in ports]
    return first, second


async def test_a_video_goes_on_in_another_process(shared: Stage, files: Path, tmp_path: Path) -> None:
    """A process that is killed, or stopped, in the middle of a job is replaced: one video, one payment, right books.

    The first takes over while it runs a shard of its own; the second stands by for it, logged in and not ready.
    """
    stage = shared
    state = await stage.discord.get("state")
    shard = shard_of(int(state["servers"][0]["id"]), 2)
    database_url = stage.settings["DATABASE_URL"]
    first = await stage.start_process("first", WANDA_SHARDS=f"{shard}/2")
    await first.until(lambda line: "Wanda is ready" in line)
    ports = await asyncio.to_thread(free_port), await asyncio.to_thread(free_port)
    second = await stage.start_process("second", WANDA_SHARDS="auto/2", WANDA_WEB_PORT=str(ports[0]))
    await second.until(lambda line: f"with shards {1 - shard} of 2" in line)

    await stage.fal.post("settings", {"seconds_per_job": 2})
    killed = await order(stage, files)
    await _submitted(stage, 1)
    await first.stop(how=signal.SIGKILL)
    await second.until(lambda line: f"took over shards {shard} of 2" in line, within_s=20)
    await wait_for_video(stage, killed)
    await second.until(lambda line: "Wanda is ready" in line and "in 1 server" in line)

    port = ports[1]
    standby = await stage.start_process("standby", WANDA_SHARDS="auto/2", WANDA_WEB_PORT=str(port))
    await standby.until(lambda line: "standing by for shards 0-1 of 2" in line)
    status, why = await _readiness(port)
    assert (status, "stands by for shards 0-1 of 2" in why) == (503, True)
    assert (await _readiness(port, "?standby=ok"))[0] == 200
    assert [await _told(ports, f"wanda_{name}") for name in ("ready", "shards", "shards_wanted", "servers")] == [
        (1, 0),
        (2, 0),
        (2, 2),
        (1, 0),
    ]
    stopped = await order(stage, files)
    await _submitted(stage, 2)
    assert await second.stop() == 0
    await standby.until(lambda line: "Wanda is ready" in line, within_s=20)
    await wait_for_video(stage, stopped)

    async def ready() -> bool | None:
        return True if (await _readiness(port))[0] == 200 else None

    await eventually(ready, what="readiness of the process that stood by")
    await _one_video_paid_once(stage, tmp_path, database_url, [killed, stopped])
    assert not any("Traceback" in line for process in (first, second, standby) for line in process.lines)


async def _submitted(stage: Stage, count: int) -> None:
    """Wait until fal's answers to so many submits are stored; a job killed before that is uncertain for ever."""
    database = await _asyncpg.connect(stage.settings["DATABASE_URL"])

    async def look() -> bool | None:
        query = "SELECT count(*) FROM jobs WHERE state NOT IN ('accepted', 'submitting')"
        return True if await database.fetchval(query) == count else None

    await eventually(look, what="submit")
    await database.close()


async def test_who_may_not_work_beside_others_ends(shared: Stage) -> None:
    """Another number of shards is refused with what to do; who lost the shards leaves the gateway and ends with 1."""
    first = await shared.start_process("first", WANDA_SHARDS="auto/2")
    await first.until(lambda line: "Wanda is ready" in line)
    other = await shared.start_process("other", WANDA_SHARDS="auto/3", WANDA_STORAGE_TIMEOUT_S="1")
    assert await other.ended() == 1
    assert "All need the same number in WANDA_SHARDS" in other.lines[-1]

    rival = await _asyncpg.connect(shared.settings["DATABASE_URL"])
    waiting = asyncio.create_task(
        rival.execute("SELECT pg_advisory_lock_shared(730502, 2), pg_advisory_lock(730501, 0)")
    )
    look = await _asyncpg.connect(shared.settings["DATABASE_URL"])
    await look.execute("UPDATE claims SET owner = 'a rival'")
    await look.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wanda owner'")
    assert await first.ended() == 1
    assert "Another Wanda took over" in first.lines[-1]
    assert (await shared.discord.get("state"))["shards"] == []
    await waiting
    await asyncio.gather(rival.close(), look.close())
