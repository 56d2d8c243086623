"""The runner on a real database and the fal stand-in, with cards that only record."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import random
from typing import Any, TypeAlias

import httpx
import pytest

from bot.catalogue.fields import Attached
from bot.catalogue.registry import build, price_table
from bot.errors import DeliveryError, DiscordBusy, Forbidden
from bot.fal.client import FalClient
from bot.files.files import Files
from bot.files.folder import FolderFiles
from bot.jobs import queries
from bot.jobs.model import Job, LinkReason, Live, Order, Request
from bot.jobs.rule_query import who_of
from bot.ledger import holds
from bot.ledger.model import Shipped, View, Who
from bot.net.transport import make_http
from bot.runner.alarms import Alarms
from bot.runner.cards_port import MessageRef, Posted
from bot.runner.event_writer import Listeners
from bot.runner.fal_account import FalAccount
from bot.runner.fal_steps import FalSteps, Webhooks
from bot.runner.files_port import FilesOfJobs
from bot.runner.job_files import keep_inputs
from bot.runner.runner import Runner
from bot.settings import FalSettings, JobSettings, Settings, StorageSettings
from bot.sharding import ShardsNow, every_shard
from bot.storage.transaction import Store
from sandbox.fal.server import FalSandbox
from tests.support.job_samples import ADDRESS, PICTURE
from tests.support.media_samples import png
from tests.support.stores import postgres_server, store, store_settings

__all__ = ["postgres_server", "store", "store_settings"]
DEADLINE_S = 20.0
ForgetFiles: TypeAlias = Callable[[str], Awaitable[None]]


@dataclass
class RememberedCards:
    """Cards that record every call.

    The first `refuse` deliveries and the first `busy` endings fail because Discord is busy; a `forbidden` channel takes
    no delivery, and a `deaf` member no direct message. The video is missing for the first reasons in `missing`.
    """

    refuse: int = 0
    forbidden: bool = False
    deaf: bool = False
    missing: list[LinkReason] = field(default_factory=list[LinkReason])
    mailed: list[Job] = field(default_factory=list[Job])
    replaced: list[Job] = field(default_factory=list[Job])
    links: list[LinkReason] = field(default_factory=list[LinkReason])
    _reason: LinkReason | None = None
    busy: int = 0
    unreachable: bool = False
    moves_to: int = 0
    asked: list[Job] = field(default_factory=list[Job])
    steps: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])
    shown: list[tuple[str, Live]] = field(default_factory=list[tuple[str, Live]])
    finished: list[Job] = field(default_factory=list[Job])
    delivered: list[Job] = field(default_factory=list[Job])

    def show(self, job: Job, live: Live) -> None:
        """Record the state."""
        self.shown.append((job.state, live))
        self.steps.add((job.id, live.step))

    async def ask(self, job: Job, live: Live) -> MessageRef:
        """Record the state, or fail while `unreachable` or `busy` says so."""
        if self.unreachable:
            raise DeliveryError("the channel is gone")
        if self.busy:
            self.busy -= 1
            raise DiscordBusy("Discord could not be reached")
        self.shown.append((job.state, live))
        self.asked.append(job)
        return MessageRef(job.address.channel_id, self.moves_to or job.address.message_id)

    async def finish(self, job: Job, live: Live) -> MessageRef:
        """Record the end, or raise DiscordBusy while `busy` is above 0."""
        if self.busy:
            self.busy -= 1
            raise DiscordBusy("Discord could not be reached")
        self.finished.append(job)
        return MessageRef(job.address.channel_id, self.moves_to or job.address.message_id)

    async def fetch(self, job: Job) -> LinkReason | None:
        """Return that it is there; whether it is missing tells `prepare`."""
        del job
        return None

    async def prepare(self, job: Job) -> LinkReason | None:
        """Return the next reason for which the video is missing, if there is one."""
        self._reason = self.missing.pop(0) if self.missing else None
        return self._reason

    async def deliver(self, job: Job) -> Posted:
        """Record the video or its link, or fail."""
        if self.forbidden:
            raise Forbidden("Wanda may not post there")
        if self.refuse:
            self.refuse -= 1
            raise DiscordBusy("Discord could not be reached")
        self.delivered.append(job)
        if self._reason is not None:
            self.links.append(self._reason)
        return Posted(MessageRef(channel_id=20, message_id=99), self._reason)

    async def deliver_arriving(self, job: Job, turn: AbstractAsyncContextManager[None]) -> Posted | None:
        """Return None: no video arrives slowly here."""
        del job, turn

    async def replace_link(self, job: Job) -> Posted:
        """Record the video, or fail."""
        if self.forbidden:
            raise Forbidden("Wanda may not post there")
        self.replaced.append(job)
        return Posted(MessageRef(channel_id=20, message_id=100))

    async def mail(self, job: Job, *, video_only: bool = False) -> Posted:
        """Record the direct message, or fail."""
        if self.deaf:
            raise Forbidden("the member takes no direct messages")
        self.mailed.append(job)
        return Posted(MessageRef(channel_id=30, message_id=300 + len(self.mailed)), self._reason)


@dataclass
class RunnerRig:
    """A runner and what it works with."""

    runner: Runner
    store: Store
    cards: RememberedCards
    fal: FalSandbox
    http: httpx.AsyncClient
    settings: Settings
    others: list[Runner] = field(default_factory=list[Runner])

    async def order(self, job_id: str = "a" * 32, **options: Any) -> Order:
        """Return an order for one Wan 2.7 video of a real picture."""
        folder = self.settings.storage.data_dir / "inputs" / job_id
        await asyncio.to_thread(write_picture, folder / "image.png")
        mode = build(
            "wan27-image",
            {"prompt": "a lake", "duration": 2, "resolution": "720p", **options},
            {"image": Attached(file_name="lake.png", size_bytes=PICTURE.size_bytes)},
        )
        picture = type(PICTURE)(
            option="image",
            path=f"inputs/{job_id}/image.png",
            file_name="lake.png",
            kind="image",
            format="png",
            size_bytes=PICTURE.size_bytes,
            width=320,
            height=240,
        )
        request = Request(mode=mode, inputs=(picture,))
        return Order(
            id=job_id,
            who=Who(guild_id=1, channel_id=20, member_id=2),
            request=request,
            quote=request.quote(price_table()),
            requested_at=time.time(),
            address=ADDRESS,
        )

    async def job(self, job_id: str = "a" * 32) -> Job:
        """Return the job as it is stored."""
        job = await self.store.read(queries.get(job_id))
        assert job is not None
        return job

    async def view_of(self, job: Job) -> View:
        """Read what the job's member has left, in the windows in which the job was accepted."""
        standing = holds.standing(who_of(job), at=job.created_at, shipped=self.runner.shipped)
        return await self.store.read(standing)

    async def until(self, wanted: Callable[[Job], bool], job_id: str = "a" * 32) -> Job:
        """Return the job once `wanted` is true of it."""

        async def look() -> Job | None:
            job = await self.job(job_id)
            return job if wanted(job) else None

        return await wait_for(look)

    async def requests(self) -> list[dict[str, Any]]:
        """Return the requests that reached fal."""
        reply = await self.http.get(f"{self.fal.url}/sandbox/requests")
        return reply.json()

    async def fault(self, **fault: Any) -> None:
        """Plan a fault at fal."""
        (await self.http.post(f"{self.fal.url}/sandbox/faults", json=fault)).raise_for_status()


async def wait_for(look: Callable[[], Awaitable[Any]]) -> Any:
    """Return `look`'s result once it is not None; raises TimeoutError after 20 s."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            seen = await look()
            if seen is not None:
                return seen
            await asyncio.sleep(0.01)


def write_picture(path: Path) -> None:
    """Write a real picture to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(320, 240))


def make_runner(
    settings: Settings,
    store: Store,
    http: httpx.AsyncClient,
    cards: RememberedCards,
    *,
    member_microusd: int,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    forget_files: ForgetFiles | None = None,
    webhooks: Webhooks | None = None,
    files: Files | None = None,
    shards: ShardsNow = every_shard,
) -> Runner:
    """Return a runner with these caps; with `files` it keeps the files of orders there."""
    alarms = Alarms(store, clock=time.time)
    kept = FolderFiles(settings.storage.data_dir) if files is None else files
    fal = FalClient(http, settings.fal, sleep=asyncio.sleep, random=random, clock=time.time)
    of_jobs = FilesOfJobs()
    if files is not None:
        of_jobs = replace(of_jobs, keep=partial(keep_inputs, files=files))
    if forget_files is not None:
        of_jobs = replace(of_jobs, forget=forget_files)
    return Runner(
        store=store,
        shards=shards,
        fal_steps=FalSteps(
            fal,
            settings.jobs,
            files=kept,
            poll_s=settings.fal.poll_min_s,
            doubt_s=settings.fal.result_patience_s,
            clock=time.time,
            account=FalAccount(alarms, fal.check_account, pause_s=settings.jobs.account_pause_s),
            webhooks=webhooks,
        ),
        cards=cards,
        shipped=Shipped(member_daily_microusd=member_microusd, server_monthly_microusd=50_000_000),
        settings=settings.jobs,
        clock=clock,
        sleep=sleep,
        listeners=Listeners(),
        files=of_jobs,
        check_open=alarms.check,
    )


@pytest.fixture
async def rig(store_settings: StorageSettings, store: Store) -> AsyncIterator[RunnerRig]:
    """A runner on each engine, with a fal stand-in that takes 0.1 s per job, and a member's budget of $5."""
    async with FalSandbox(seconds_per_job=0.1, is_still=True) as fal:
        addresses: dict[str, Any] = dict(fal.environment())
        settings = Settings(
            storage=store_settings,
            fal=FalSettings(poll_min_s=0.05, result_patience_s=0.5, **addresses),
            jobs=JobSettings(
                delivery_wait_s=0.01,
                delivery_tries=3,
                account_pause_s=0.05,
                account_patience_s=0.5,
                paid_wait_s=0.05,
                late_look_s=0.05,
                link_after_s=0.3,
            ),
        )
        cards = RememberedCards()
        async with make_http(settings.fal) as http:
            runner = make_runner(settings, store, http, cards, member_microusd=5_000_000)
            rig = RunnerRig(runner, store, cards, fal, http, settings)
            yield rig
            for each in (runner, *rig.others):
                await each.stop()
