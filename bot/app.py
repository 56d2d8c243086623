"""The composition root: builds the bot from the settings, runs it, and shuts it down in reverse order."""

import asyncio
import faulthandler
import logging
import random
import resource
import signal
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NoReturn, TypeAlias, TypeVar

import discord
import httpx
from pydantic import SecretStr

from bot import garbage
from bot.bounded import Bounded, Bounds
from bot.cards.channel_queue import ChannelQueue
from bot.cards.end_log import log_end
from bot.cards.job_cards import JobCards
from bot.cards.notice_poster import may_ping_by
from bot.cards.offered_reactions import OfferedReactions
from bot.cards.parent_links import ParentLinks
from bot.cards.result_file import ResultFiles, from_fal
from bot.cards.set_cards import CardsOfOrders, SetCards
from bot.catalogue.picker import Picker
from bot.client import Services, Wanda, log_in, unreachable
from bot.drawing.painter import Painter
from bot.endpoints import point_at
from bot.errors import (
    DiscordBusy,
    FilesUnavailable,
    NotYet,
    OwnershipLost,
    SettingsRefused,
    StartRefused,
    StorageUnreachable,
    Unhealthy,
)
from bot.fal.client import FalClient
from bot.files.files import Files
from bot.files.opening import begin_with, open_files
from bot.jobs.places import FileBounds
from bot.ledger.model import Shipped
from bot.log import set_up
from bot.media.ffmpeg import Ffmpeg
from bot.media.fitter import Fitter
from bot.media.intake import Intake
from bot.media.probe import Prober
from bot.media.shrinker import Shrinker
from bot.net.download import make_file_session
from bot.net.reachable import UnreachableError, reach
from bot.net.transport import make_http
from bot.open_forms import OpenForms
from bot.refused_orders import RefusedOrders
from bot.runner.fal_steps import FalSteps
from bot.runner.job_files import keep_inputs
from bot.runner.order_space import OrderSpace
from bot.runner.orders_under_way import OrdersUnderWay
from bot.runner.orphans import Orphans, empty_scratch
from bot.runner.pending_orders import PendingOrders
from bot.runner.retention import DAY_S, Retention
from bot.runner.retry_files import RetryFiles
from bot.runner.runner import Runner, file_bounds_of
from bot.session_starts import SessionStarts, StartLimits
from bot.settings import (
    DiscordSettings,
    JobSettings,
    MoneySettings,
    RunningSettings,
    Settings,
    WebSettings,
)
from bot.shard_keeper import ShardKeeper
from bot.sharding import Shards, ShardsNow
from bot.storage.database import OwnedStore, open_store
from bot.storage.transaction import Store
from bot.tasks import patiently
from bot.texts.finished import OFFERED
from bot.texts.operators import missing_keys
from bot.units import MB, counted
from bot.web.calls import Calls
from bot.web.gauges import serve_gauges
from bot.web.health import Health
from bot.web.server import Route, WebServer
from bot.workers.environment import use_scratch
from bot.workers.protection import protect_and_warn
from cogs.all import COGS

log = logging.getLogger(__name__)
T = TypeVar("T")
_Started: TypeAlias = tuple[Wanda, Health, Coroutine[Any, Any, NoReturn]]
GATEWAY_QUIET_S = 20.0  # Discord closes connections now and then; the next one stands within seconds
SLACK_S = 30.0  # more than a shutdown takes
ORDERS_SHARE = 0.2  # of the time to stop, which the runner has the rest of
OPEN_FILES = 8192  # 1,000 followed jobs need 2,000


async def run(settings: Settings, *, begin_anew: bool = False) -> None:
    """Run until SIGTERM or SIGINT, then stop within `shutdown_timeout_s`; every job's state is stored.

    `begin_anew` accepts a new database where another one was.

    Raises:
        SettingsRefused: a key is missing or refused, or a setting is not usable.
        StartRefused: the database is missing, or Discord cannot be reached.
        StorageError: the database cannot be opened, or another process has taken it over.
        Unhealthy: the database, the data folder or Discord failed for too long.
    """
    token, key = _keys(settings)
    point_at(settings.discord)
    _allow_many_connections()
    stopping = _on_signals()
    async with AsyncExitStack() as stack:
        stack.callback(set_up(settings.log.level, [token, key, *settings.files.secrets], form=settings.log.format))
        started = await _unless(stopping, _start(stack, settings, token.get_secret_value(), begin_anew=begin_anew))
        if started is not None:
            client, health, keeping = started
            watching = health.watch(
                interval_s=settings.running.health_interval_s,
                patience_s=settings.running.unhealthy_max_s,
                alive=partial(_end_if_stuck, settings.running),
            )
            orders_within_s = settings.jobs.shutdown_timeout_s * ORDERS_SHARE
            await _until(stopping, client, watching, keeping, orders_within_s=orders_within_s)


def _keys(settings: Settings) -> tuple[SecretStr, SecretStr]:
    token, key = settings.discord.token, settings.fal.key
    if token is None or key is None:
        keys = {"DISCORD_TOKEN": token, "FAL_KEY": key}
        raise SettingsRefused(missing_keys([name for name, value in keys.items() if value is None]))
    return token, key


async def _start(stack: AsyncExitStack, settings: Settings, token: str, *, begin_anew: bool) -> _Started:
    """Open the database, log in at Discord and take the unfinished jobs up; `stack` takes it all down again."""
    metrics, calls = Route("GET", "/metrics"), Calls(settings)
    health = await _serve(stack, settings.web, metrics, *calls.routes)
    gauges = await serve_gauges(stack, metrics, settings.web, health, settings.storage.data_dir)
    await protect_and_warn()
    patience_s = settings.running.start_patience_s
    store = await patiently(
        partial(open_store, settings.storage, settings.shards.plan, begin_anew=begin_anew),
        what="PostgreSQL",
        later=StorageUnreachable,
        patience_s=patience_s,
    )
    stack.push_async_callback(store.close)
    files = await _open_files(settings, store, begin_anew=begin_anew)
    log.info("the database is %s; the data folder is %s", store.database, settings.storage.data_dir.absolute())
    http = make_http(settings.fal)
    stack.push_async_callback(http.aclose)
    is_new = store.database.is_new and not begin_anew
    client, runner = await _compose(stack, settings, store, files, http, calls=calls, is_new_database=is_new)
    await _reach_discord(settings.discord, patience_s)
    await log_in(client, token)
    await store.begun()
    garbage.collect_rarely()
    client.add_listener(garbage.freeze_when_ready, "on_ready")
    await client.services.keeper.orphans.at_start()
    await runner.start()
    stack.push_async_callback(runner.stop)
    keeper = ShardKeeper(store.ownership, client, settings.shards, take_up=partial(_take_up, client, runner))
    await keeper.begin((await _start_limits(client)).recommended)
    serve = partial(_use_checks, health, store, files, client)
    if client.held.ids:
        serve()
    else:
        health.waits_for(f"Wanda stands by for {keeper.wanted}, which other processes have.")
    gauges.use(store, client.held_shards, lambda: len(client.guilds))
    stack.callback(gauges.rest)
    stack.callback(health.use, {})  # what is closed during the stop is no trouble
    return client, health, keeper.keep(serve)


async def _take_up(client: Wanda, runner: Runner, shards: Shards) -> None:
    """Go on with what the last owner of these shards left."""
    if resumed := await runner.take_up(shards):
        log.info("took up %s", counted(resumed, "unfinished job"))
    await client.take_up(shards)


async def _start_limits(client: Wanda) -> StartLimits:
    try:
        return await client.start_limits()
    except (discord.DiscordException, OSError) as error:
        raise unreachable(error) from error


async def _open_files(settings: Settings, store: OwnedStore, *, begin_anew: bool) -> Files:
    """Open the place where files are kept, and wait for one that is not there yet.

    Raises:
        StartRefused: it is another database's.
        FilesUnavailable: it cannot be used; the sentence says why.
    """
    use_scratch(settings.storage.data_dir / "scratch")
    await empty_scratch(settings.storage.data_dir / "scratch")
    files = open_files(settings.storage, settings.files)
    begin = partial(begin_with, files, settings.storage, store.database.id, begin_anew=begin_anew)
    patience_s = settings.running.start_patience_s
    await patiently(begin, what=files.name, later=FilesUnavailable, patience_s=patience_s)
    if store.database.keeps_files and await files.is_empty():
        log.warning(
            "%s has no file of the videos in this database: mount the disk, or correct WANDA_DATA_DIR or "
            "WANDA_FILES_URL",
            files.name,
        )
    if files.is_shared:
        log.info("files are kept in %s", files.name)
    elif not settings.shards.plan.is_whole:
        log.warning(
            "files are kept in this process's data folder, where the process that takes its jobs over does not find "
            "them: set WANDA_FILES_URL"
        )
    return files


async def _serve(stack: AsyncExitStack, settings: WebSettings, *routes: Route) -> Health:
    """Listen before anything else is opened, so that a port in use leaves nothing behind."""
    health = Health()
    stack.push_async_callback(health.close)
    if settings.port:
        server = WebServer(settings.host, settings.port, [*health.routes(), *routes])
        await server.start()
        stack.push_async_callback(server.close)
    return health


async def _reach_discord(settings: DiscordSettings, patience_s: float) -> None:
    """Wait until Discord can be reached: after a power cut Wanda may be up before the network.

    Raises:
        StartRefused: it cannot, for `patience_s`.
    """
    look = partial(reach, f"{settings.api_url}/gateway")
    try:
        await patiently(look, what="Discord", later=UnreachableError, patience_s=patience_s)
    except UnreachableError as error:
        raise StartRefused(f"Discord could not be reached to log in ({error}); check the network.") from error


async def _compose(
    stack: AsyncExitStack,
    settings: Settings,
    store: OwnedStore,
    files: Files,
    http: httpx.AsyncClient,
    *,
    calls: Calls,
    is_new_database: bool,
) -> tuple[Wanda, Runner]:
    """Build the client and the runner with everything they need."""
    shares_starts = not settings.shards.plan.is_whole
    starts = SessionStarts(settings.shards.identify_every_s, store.ownership if shares_starts else None)
    client = await stack.enter_async_context(Wanda(settings.discord, COGS, starts))
    files_http = await stack.enter_async_context(make_file_session())
    channel_queue = ChannelQueue()
    offered_reactions = await stack.enter_async_context(OfferedReactions(client, settings.cards, OFFERED))
    prober = await stack.enter_async_context(Prober.of(settings.media))
    ffmpeg = Ffmpeg(settings.media)
    results = ResultFiles(files_http, settings.downloads, prober, files=files, allowed=from_fal(settings.fal))
    stack.push_async_callback(results.close)
    options: dict[str, Any] = {
        "results": results,
        "upload_timeout_s": settings.fal.upload_timeout_s,
        "reactions": offered_reactions,
        "channel_queue": channel_queue,
        "shrinker": Shrinker(ffmpeg, prober, settings.media),
        "may_ping": may_ping_by(store, settings.pings),
    }
    single = await stack.enter_async_context(JobCards(client, settings.cards, settings.jobs, **options))
    of_sets = await stack.enter_async_context(
        SetCards(store, client, settings.cards, settings.jobs, beside=single, **options)
    )
    cards = CardsOfOrders(single, of_sets)
    parent_links = await stack.enter_async_context(
        ParentLinks(client, store, settings.cards, redraw=cards.link_children, channel_queue=channel_queue)
    )
    painter = await stack.enter_async_context(Painter.of(settings.charts))
    picker = Picker.of(settings.money, settings.defaults)
    fal = FalClient(http, settings.fal, sleep=asyncio.sleep, random=random.random, clock=time.time)
    shipped = _shipped_limits(settings.money)
    runner = Runner(
        store=store,
        fal_steps=FalSteps(
            fal,
            settings.jobs,
            files=files,
            poll_s=settings.fal.poll_min_s,
            doubt_s=settings.fal.result_patience_s,
            clock=time.time,
            webhooks=await calls.addresses(store),
        ),
        cards=cards,
        shipped=shipped,
        settings=settings.jobs,
        clock=time.time,
        shards=client.held_shards,
        on_posted=parent_links.posted,
        on_ended=log_end,
        on_asked=partial(client.dispatch, "job_waits"),
        keep_files=partial(keep_inputs, files=files),
        discard_files=_retry_files(store, files, settings).keep,
        forget_files=lambda job_id: files.remove_jobs([job_id]),
    )
    await calls.take(stack, store, fal, runner)
    order_space = OrderSpace(store, files, file_bounds_of(settings.jobs))
    client.services = Services(
        runner=runner,
        order_space=order_space,
        orders_under_way=OrdersUnderWay(),
        pending_orders=PendingOrders(
            order_space,
            Bounds(
                of_member_max=settings.jobs.pending_orders_each_max,
                in_server_max=settings.jobs.pending_orders_in_server_max,
                most=settings.jobs.pending_orders_max,
            ),
            life_s=settings.jobs.pending_order_life_s,
            clock=time.time,
        ),
        refused_orders=RefusedOrders(
            Bounds(
                of_member_max=settings.jobs.refused_orders_each_max,
                in_server_max=settings.jobs.refused_orders_in_server_max,
                most=settings.jobs.refused_orders_max,
            ),
            life_s=settings.jobs.refused_order_life_s,
            clock=time.time,
        ),
        forms=OpenForms(_form_bounds(settings.jobs)),
        proposals=Bounded(_form_bounds(settings.jobs)),
        intake=Intake(files_http, prober, settings.media, settings.downloads, cdn_url=settings.discord.cdn_url),
        fitter=Fitter(ffmpeg, prober, settings.media),
        prober=prober,
        channel_queue=channel_queue,
        keeper=_keeper(store, files, client.held_shards, settings),
        files=files,
        store=store,
        shipped=shipped,
        picker=picker,
        painter=painter,
        settings=settings,
        clock=time.time,
        is_new_database=is_new_database,
    )
    return client, runner


def _form_bounds(settings: JobSettings) -> Bounds:
    """Return how many forms may be open, and as many changes of rules may wait for an admin's yes."""
    return Bounds(
        of_member_max=settings.forms_each_max, in_server_max=settings.forms_in_server_max, most=settings.forms_max
    )


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


def _retry_files(store: Store, files: Files, settings: Settings) -> RetryFiles:
    return RetryFiles(
        store=store,
        files=files,
        bounds=FileBounds(
            of_member_bytes=settings.jobs.retry_mb_of_member_max * MB,
            in_server_bytes=settings.jobs.retry_mb_in_server_max * MB,
        ),
        clock=time.time,
    )


def _keeper(store: Store, files: Files, shards: ShardsNow, settings: Settings) -> Retention:
    orphans = Orphans(
        store=store,
        files=files,
        shards=shards,
        young_s=settings.files.young_s,
        every_s=settings.files.sweep_interval_s,
        clock=time.time,
    )
    return Retention(
        store=store, files=files, orphans=orphans, keep_s=settings.storage.keep_days * DAY_S, clock=time.time
    )


def _use_checks(health: Health, store: OwnedStore, files: Files, client: Wanda) -> None:
    """Check from now on that the database and the data folder take a write and are ours, the files, and the gateway."""

    async def gateway() -> None:
        if client.is_opening:
            raise NotYet("Wanda connects her shards, one after another, at the pace that Discord allows.")
        if not client.is_connected():
            raise DiscordBusy("The connection to Discord's gateway is interrupted; it is tried again all the time.")

    checks = {"database": store.check, "data folder": store.check_files, "discord": gateway}
    if files.is_shared:
        checks["files"] = files.check
    # Without its files Wanda still makes videos that need none, and a start would only wait for them.
    health.use(checks, quiet_s={"discord": GATEWAY_QUIET_S}, survived={"files"})


def _end_if_stuck(settings: RunningSettings) -> None:
    """End the process if this is not called again in time: nothing else ends one whose event loop stands still."""
    if settings.unhealthy_max_s:
        limit_s = settings.unhealthy_max_s + 4 * settings.health_interval_s + SLACK_S
        faulthandler.dump_traceback_later(limit_s, exit=True)


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


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what the work returns, or cancel it when a signal comes first and return None.

    A login would wait for minutes if Discord accepted the connection but did not reply.
    """
    task = asyncio.create_task(work, name="start")
    signalled = asyncio.create_task(stopping.wait(), name="signals")
    try:
        await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return await task
        log.info("stopping before the start was over")
        return None
    finally:
        signalled.cancel()
        task.cancel()
        await asyncio.wait({task})


async def _until(
    stopping: asyncio.Event,
    client: Wanda,
    watching: Coroutine[Any, Any, NoReturn],
    keeping: Coroutine[Any, Any, NoReturn],
    *,
    orders_within_s: float,
) -> None:
    """Stay connected until a signal comes; orders under way then have `orders_within_s` to be accepted or refused.

    Raises:
        StartRefused: Discord closed the connection and a reconnect is pointless.
        Unhealthy: Wanda could not work for too long.
        OwnershipLost: another process has the database, or shards of this one; the gateway is left at once.
    """
    connection = asyncio.create_task(client.connect(reconnect=True), name="gateway")
    signalled = asyncio.create_task(stopping.wait(), name="signals")
    watch = asyncio.create_task(watching, name="health")
    keep = asyncio.create_task(keeping, name="shards")
    try:
        await asyncio.wait({connection, signalled, watch, keep}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            log.info("stopping: nothing new is accepted, running jobs are taken up at the next start")
            client.is_stopping = True
            await client.services.orders_under_way.all_ended(within_s=orders_within_s)
        elif watch.done() or keep.done():
            await (keep if keep.done() else watch)
        else:
            await connection
    except (Unhealthy, OwnershipLost) as error:
        log.critical("%s", error)
        faulthandler.dump_traceback_later(SLACK_S, exit=True)  # in case that the shutdown needs what does not work
        if isinstance(error, OwnershipLost):
            await client.close()
        raise
    except (discord.DiscordException, OSError) as error:
        raise StartRefused(f"Discord ended the connection for good: {error}") from error
    else:
        faulthandler.cancel_dump_traceback_later()
    finally:
        for task in (connection, signalled, watch, keep):
            task.cancel()
        await asyncio.wait({connection, signalled, watch, keep})
