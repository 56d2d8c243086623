"""Keeps the gauges of /metrics that have to be read: from the database, the disk, the checks and the event loop.

They are read when Prometheus asks, but not more often than every `metrics_interval_s`, so a scrape costs the database a
bounded amount and nothing without Prometheus. A scrape waits for a reading for a bounded time; what is late shows up in
the next one, and `wanda_gauges_read_timestamp_seconds` tells how old the gauges are.
"""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web
from prometheus_client import Gauge
from prometheus_client.exposition import choose_encoder

from bot import metrics
from bot.errors import StorageError
from bot.jobs.figures import figures
from bot.money import MICROUSD_PER_USD
from bot.settings import WebSettings
from bot.sharding import ShardsNow
from bot.storage.owned_store import OwnedStore
from bot.web.health import Health
from bot.web.server import Route

log = logging.getLogger(__name__)
LAG_EVERY_S = 0.5
FOLDERS = ("inputs", "results", "cache", "scratch")


class Gauges:
    """Reads the gauges: those of jobs and money once `use` was called, and until `rest` is."""

    def __init__(self, settings: WebSettings, health: Health, data_dir: Path) -> None:
        self._settings = settings
        self._health = health
        self._data_dir = data_dir
        self._source: tuple[OwnedStore, ShardsNow, Callable[[], int]] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._read_at = float("-inf")

    def use(self, store: OwnedStore, shards: ShardsNow, servers: Callable[[], int]) -> None:
        """Read jobs and money of these shards from this store; `servers` counts this process's."""
        engine = store.database.name.partition(" ")[0]
        metrics.INFO.labels(engine, str(store.database.schema)).set(1)
        self._source = store, shards, servers

    def rest(self) -> None:
        """Read nothing of the database any more."""
        self._source = None

    async def answer(self, request: web.Request) -> web.Response:
        """Answer GET /metrics."""
        await self.refresh()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        # aiohttp takes the content type apart; Prometheus wants it as it is.
        return web.Response(body=encode(metrics.REGISTRY), headers={"Content-Type": content_type})

    async def refresh(self) -> None:
        """Read the gauges, unless they are new enough; waits for at most `metrics_wait_s`."""
        if self._reading is None or self._reading.done():
            if time.monotonic() - self._read_at < self._settings.metrics_interval_s:
                return
            self._read_at = time.monotonic()
            self._reading = asyncio.create_task(self._read(), name="gauges")
        await asyncio.wait({self._reading}, timeout=self._settings.metrics_wait_s)

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read(self) -> None:
        try:
            await self._read_checks()
            await asyncio.to_thread(_read_disk, self._data_dir, self._settings.metrics_files_max)
            await self._read_store()
        except (StorageError, OSError) as error:
            log.debug("the gauges could not be read: %s", error)
        except Exception:  # a defect here is no reason to answer Prometheus nothing
            log.exception("the gauges could not be read")

    async def _read_checks(self) -> None:
        wrong = await self._health.wrong()
        metrics.READY.set(not wrong)
        metrics.CHECK_FAILED.clear()  # other checks run at the start and in a standby
        for name in self._health.names:
            metrics.CHECK_FAILED.labels(name).set(name in wrong)

    async def _read_store(self) -> None:
        if self._source is None:
            return
        store, shards_now, servers = self._source
        shards = shards_now()
        metrics.SERVERS.set(servers())
        metrics.SHARDS.set(len(shards.ids))
        metrics.SHARDS_WANTED.set(shards.count)
        found = await store.read(figures(shards))
        metrics.JOBS.clear()  # a state without jobs is left out
        for (state, mode), jobs in found.jobs.items():
            metrics.JOBS.labels(state, mode).set(jobs)
        metrics.FILMS.clear()
        for state, films in found.films.items():
            metrics.FILMS.labels(state).set(films)
        metrics.HELD_DOLLARS.set(found.held_microusd / MICROUSD_PER_USD)
        metrics.EXPOSED_DOLLARS.set(found.exposed_microusd / MICROUSD_PER_USD)
        metrics.EXPOSURES.set(found.exposures)
        metrics.GAUGES_READ_AT.set(time.time())


def _read_disk(data_dir: Path, files_max: int) -> None:
    disk = shutil.disk_usage(data_dir)
    metrics.DISK_FREE_BYTES.set(disk.free)
    metrics.DISK_SIZE_BYTES.set(disk.total)
    for folder in FOLDERS:
        _set_size(metrics.FOLDER_BYTES.labels(folder), data_dir / folder, files_max)


def _set_size(gauge: Gauge, folder: Path, files_max: int) -> None:
    """Set what the files in a folder and its folders take; with more than `files_max` the last value stays."""
    total, files = 0, 0
    for size in _sizes(folder):
        total, files = total + size, files + 1
        if files > files_max:
            return
    gauge.set(total)


def _sizes(folder: Path) -> Iterator[int]:
    """Yield the size of each file; what is deleted meanwhile is left out."""
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - a third of pathlib's time
            except OSError:
                continue


async def serve_gauges(
    stack: AsyncExitStack, route: Route, settings: WebSettings, health: Health, data_dir: Path
) -> Gauges:
    """Answer the route with the metrics, and watch the event loop, until `stack` is closed."""
    gauges = Gauges(settings, health, data_dir)
    if settings.port:
        watch = asyncio.create_task(watch_loop(), name="loop lag")
        stack.push_async_callback(asyncio.wait, {watch})
        stack.callback(watch.cancel)
        stack.push_async_callback(gauges.close)
        route.use(gauges.answer)
    return gauges


async def watch_loop() -> None:
    """Measure for ever how late the event loop is."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        metrics.LOOP_LAG_SECONDS.observe(max(0.0, loop.time() - due))
