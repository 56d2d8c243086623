import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot import metrics
from bot.settings import StorageSettings, WebSettings
from bot.sharding import EVERY_SHARD
from bot.storage.database import open_store
from bot.storage.owned_store import OwnedStore
from bot.web.gauges import Gauges, serve_gauges
from bot.web.health import Health
from bot.web.server import Route, WebServer
from tests.support.metric_labels import scrape, value_of


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[OwnedStore]:
    """A new SQLite database."""
    opened = await open_store(StorageSettings(data_dir=tmp_path))
    yield opened
    await opened.close()


def _reads() -> float:
    return metrics.REGISTRY.get_sample_value("wanda_storage_seconds_count", {"kind": "read"}) or 0.0


async def test_a_reading_serves_many(store: OwnedStore, tmp_path: Path) -> None:
    """However often Prometheus asks, and however many at once, the database is read once in the interval."""
    gauges = Gauges(WebSettings(metrics_interval_s=3600), Health(), tmp_path)
    gauges.use(store, lambda: EVERY_SHARD, lambda: 3)
    before = _reads()
    await asyncio.gather(*(gauges.refresh() for _ in range(20)))
    await gauges.refresh()
    assert _reads() == before + 1
    assert metrics.REGISTRY.get_sample_value("wanda_servers") == 3
    assert metrics.REGISTRY.get_sample_value("wanda_shards") == 1
    assert metrics.REGISTRY.get_sample_value("wanda_ready") == 0


async def test_only_checks_in_use_are_told(tmp_path: Path) -> None:
    """The check of the start is gone once the others run, and theirs when the process begins to stop."""
    health = Health()
    gauges = Gauges(WebSettings(metrics_interval_s=0), health, tmp_path)

    async def works() -> None:
        pass

    def told(check: str) -> float | None:
        return metrics.REGISTRY.get_sample_value("wanda_check_failed", {"check": check})

    await gauges.refresh()
    assert (told("run"), told("database")) == (1, None)
    health.use({"database": works})
    await gauges.refresh()
    assert (told("run"), told("database")) == (None, 0)


async def test_a_slow_reading_holds_nobody_up(store: OwnedStore, tmp_path: Path) -> None:
    """While a check hangs, /metrics answers after its wait with what it has; the reading is ended by `close`."""

    async def hangs() -> None:
        await asyncio.Event().wait()

    gauges = Gauges(WebSettings(metrics_wait_s=0.05), Health({"database": hangs}, check_timeout_s=3600), tmp_path)
    gauges.use(store, lambda: EVERY_SHARD, lambda: 3)
    async with asyncio.timeout(20):
        await gauges.refresh()
        await gauges.close()


async def test_the_page(store: OwnedStore, tmp_path: Path) -> None:
    """Prometheus can read the answer; a folder with more files than are looked at keeps its last size."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "one.mp4").write_bytes(b"x" * 1000)
    settings = WebSettings(metrics_interval_s=0, metrics_files_max=1)
    route = Route("GET", "/metrics")
    async with AsyncExitStack() as stack:
        gauges = await serve_gauges(stack, route, settings, Health(), tmp_path)
        gauges.use(store, lambda: EVERY_SHARD, lambda: 0)
        server = WebServer("127.0.0.1", 0, [route])
        await server.start()
        stack.push_async_callback(server.close)
        assert value_of(await scrape(server.port), "wanda_folder_bytes", folder="results") == 1000
        (tmp_path / "results" / "two.mp4").write_bytes(b"x" * 1000)
        told = await scrape(server.port)
        assert value_of(told, "wanda_folder_bytes", folder="results") == 1000
        assert value_of(told, "wanda_disk_size_bytes") > value_of(told, "wanda_disk_free_bytes") > 0
        gauges.rest()
        assert value_of(await scrape(server.port), "wanda_jobs") == 0
