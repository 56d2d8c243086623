"""The composition root: builds the bot from the settings, runs it, and shuts it down in reverse order."""

import asyncio
import gc
import logging
import random
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any

import discord
import httpx

from bot.cards.channel_queue import ChannelQueue
from bot.cards.job_cards import JobCards
from bot.cards.offered_reactions import OfferedReactions
from bot.cards.parent_links import ParentLinks
from bot.cards.result_file import ResultFiles, from_fal
from bot.catalogue.registry import price_table
from bot.client import Services, Wanda, log_in
from bot.drawing.painter import Painter
from bot.endpoints import point_at
from bot.errors import SettingsRefused, StartRefused
from bot.fal.client import FalClient
from bot.ledger.model import Shipped
from bot.log import set_up
from bot.media.ffmpeg import Ffmpeg
from bot.media.fitter import Fitter
from bot.media.intake import Intake
from bot.media.probe import Prober
from bot.media.shrinker import Shrinker
from bot.net.transport import make_http
from bot.runner.fal_steps import FalSteps
from bot.runner.orders_under_way import OrdersUnderWay
from bot.runner.orphans import sweep
from bot.runner.pending_orders import PendingOrders
from bot.runner.retention import DAY_S, Retention
from bot.runner.runner import Runner
from bot.settings import MoneySettings, Settings, StorageSettings
from bot.storage.database import open_store
from bot.storage.transaction import One, Store, Transaction
from bot.texts.finished import OFFERED
from bot.web.health import WebServer
from bot.workers.protection import protect_and_warn
from cogs.all import COGS

log = logging.getLogger(__name__)
GC_THRESHOLDS = (2000, 10, 50)  # https://docs.python.org/3/library/gc.html#gc.set_threshold
ORDERS_SHARE = 0.2  # of the time to stop, which the runner has the rest of
OPEN_FILES = 8192  # 1,000 followed jobs need 2,000


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then stop within `shutdown_timeout_s`; every job's state is stored.

    Raises:
        StartRefused: a key is missing or refused, or Discord cannot be reached.
        StorageError: the database cannot be opened.
    """
    missing = [
        name for name, key in (("DISCORD_TOKEN", settings.discord.token), ("FAL_KEY", settings.fal.key)) if not key
    ]
    if settings.discord.token is None or settings.fal.key is None:
        verb = "is" if len(missing) == 1 else "are"
        raise SettingsRefused(
            f"{' and '.join(missing)} {verb} not set; the README's “run it for real” says where to get it. "
            "Put it into .env, or into the environment."
        )
    point_at(settings.discord)
    _allow_many_connections()
    stopping = _on_signals()
    async with AsyncExitStack() as stack:
        stack.callback(set_up(settings.log.level, [settings.discord.token, settings.fal.key]))
        await protect_and_warn()
        store = await open_store(settings.storage, exclusive=True)
        stack.push_async_callback(store.close)
        http = make_http(settings.fal)
        stack.push_async_callback(http.aclose)
        client, runner = await _compose(stack, settings, store, http)
        if not await _unless(stopping, log_in(client, settings.discord.token.get_secret_value())):
            return
        _tune_gc()
        await sweep(store, settings.storage.data_dir, clock=time.time)
        log.info("took up %d unfinished jobs", await runner.start())
        stack.push_async_callback(runner.stop)
        await _until(stopping, client, orders_within_s=settings.jobs.shutdown_timeout_s * ORDERS_SHARE)


async def _compose(
    stack: AsyncExitStack, settings: Settings, store: Store, http: httpx.AsyncClient
) -> tuple[Wanda, Runner]:
    """Build the client and the runner with everything they need."""
    client = await stack.enter_async_context(Wanda(settings.discord, COGS))
    channel_queue = ChannelQueue()
    offered_reactions = await stack.enter_async_context(OfferedReactions(client, settings.cards, OFFERED))
    prober = await stack.enter_async_context(Prober.of(settings.media))
    ffmpeg = Ffmpeg(settings.media)
    cards = await stack.enter_async_context(
        JobCards(
            client,
            settings.cards,
            settings.jobs,
            ResultFiles(http, settings.downloads, data_dir=settings.storage.data_dir, allowed=from_fal(settings.fal)),
            upload_timeout_s=settings.fal.upload_timeout_s,
            reactions=offered_reactions,
            channel_queue=channel_queue,
            shrinker=Shrinker(ffmpeg, prober, settings.media),
        )
    )
    parent_links = await stack.enter_async_context(
        ParentLinks(client, store, settings.cards, channel_queue=channel_queue)
    )
    painter = await stack.enter_async_context(Painter.of(settings.charts))
    prices = price_table(settings.money.prices_usd)
    fal = FalClient(http, settings.fal, sleep=asyncio.sleep, random=random.random, clock=time.time)
    shipped = _shipped_limits(settings.money)
    runner = Runner(
        store=store,
        fal_steps=FalSteps(
            fal,
            settings.jobs,
            data_dir=settings.storage.data_dir,
            poll_s=settings.fal.poll_min_s,
            doubt_s=settings.fal.result_patience_s,
            clock=time.time,
        ),
        cards=cards,
        shipped=shipped,
        settings=settings.jobs,
        clock=time.time,
        on_posted=parent_links.posted,
    )
    client.services = Services(
        runner=runner,
        orders_under_way=OrdersUnderWay(),
        pending_orders=PendingOrders(
            settings.storage.data_dir,
            life_s=settings.jobs.pending_order_life_s,
            most=settings.jobs.pending_orders_max,
            most_each=settings.jobs.pending_orders_each_max,
            clock=time.time,
        ),
        intake=Intake(http, prober, settings.media, settings.downloads, cdn_url=settings.discord.cdn_url),
        fitter=Fitter(ffmpeg, prober, settings.media),
        prober=prober,
        channel_queue=channel_queue,
        keeper=_keeper(store, settings.storage),
        store=store,
        shipped=shipped,
        prices=prices,
        painter=painter,
        settings=settings,
        clock=time.time,
    )
    if settings.web.port:
        server = WebServer(settings.web.host, settings.web.port, _health(store, client))
        await server.start()
        stack.push_async_callback(server.close)
    return client, runner


def _shipped_limits(settings: MoneySettings) -> Shipped:
    """Return the operator's default limits and caps from the settings."""
    return Shipped(
        member_daily_microusd=settings.member_daily_microusd,
        server_monthly_microusd=settings.server_monthly_microusd,
        absorbed_daily_microusd=settings.absorbed_daily_microusd,
        fruitless_max=settings.fruitless_max,
        fruitless_wait_s=settings.fruitless_wait_s,
        server_cap_microusd=settings.server_cap_microusd,
        total_cap_microusd=settings.total_cap_microusd,
        allowed_servers=settings.allowed_server_ids,
    )


def _keeper(store: Store, settings: StorageSettings) -> Retention:
    return Retention(
        store=store,
        data_dir=settings.data_dir,
        keep_s=settings.keep_days * DAY_S,
        clock=time.time,
    )


def _health(store: Store, client: Wanda) -> Mapping[str, Callable[[], Awaitable[bool]]]:
    """Return the checks of /healthz: the database answers, and the gateway is connected."""

    def select_one() -> Transaction[bool]:
        row = yield One("SELECT 1 AS one")
        return row is not None

    async def database() -> bool:
        return await store.read(select_one())

    async def discord_() -> bool:
        return client.is_connected()

    return {"database": database, "discord": discord_}


def _tune_gc() -> None:
    """Freeze all objects loaded at start and raise the GC thresholds.

    A full collection with 1,000 jobs in flight paused the loop for 250 ms. Young objects are still collected often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _allow_many_connections() -> None:
    """Raise the soft limit of open files to at most `OPEN_FILES`: each followed job holds a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as error:
            # macOS accepts less than the hard limit that it reports.
            log.warning("the limit of open files stays at %d: %s", soft, error)


def _on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stopping.set)
    return stopping


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Run the work and return True, or cancel it when a signal comes first and return False.

    A login would wait for minutes if Discord accepted the connection but did not reply.
    """
    task = asyncio.create_task(work, name="start")
    signalled = asyncio.create_task(stopping.wait(), name="signals")
    try:
        await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
            return True
        log.info("stopping before the start was over")
        return False
    finally:
        signalled.cancel()
        task.cancel()
        await asyncio.wait({task})


async def _until(stopping: asyncio.Event, client: Wanda, *, orders_within_s: float) -> None:
    """Stay connected until a signal comes; orders under way then have `orders_within_s` to be accepted or refused.

    Raises:
        StartRefused: Discord closed the connection and a reconnect is pointless.
    """
    connection = asyncio.create_task(client.connect(reconnect=True), name="gateway")
    signalled = asyncio.create_task(stopping.wait(), name="signals")
    await asyncio.wait({connection, signalled}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.is_set():
        log.info("stopping: nothing new is accepted, running jobs are taken up at the next start")
        client.is_stopping = True
        await client.services.orders_under_way.all_ended(within_s=orders_within_s)
        connection.cancel()
        await asyncio.wait({connection})
        return
    signalled.cancel()
    try:
        await connection
    except (discord.DiscordException, OSError) as error:
        raise StartRefused(f"Discord ended the connection for good: {error}") from error
