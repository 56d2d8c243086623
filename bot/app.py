"""The order in which the bot starts, runs and stops; `bot/composition.py` says what it is built of."""

import asyncio
import faulthandler
import logging
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NoReturn, TypeAlias

import discord
from pydantic import SecretStr

from bot import garbage
from bot.client import Wanda, log_in, unreachable
from bot.composition import compose
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
from bot.files.files import Files
from bot.files.opening import begin_with, check_shared, open_files
from bot.ledger import warming
from bot.log import set_up
from bot.net.reachable import UnreachableError, reach
from bot.net.transport import make_http
from bot.process import allow_many_connections, on_signals, unless
from bot.runner.orphans import empty_scratch
from bot.runner.runner import Runner
from bot.session_starts import StartLimits
from bot.settings import DiscordSettings, RunningSettings, Settings, WebSettings
from bot.shard_keeper import ShardKeeper
from bot.sharding import Shards
from bot.storage.database import open_store
from bot.storage.owned_store import OwnedStore
from bot.tasks import end, patiently
from bot.texts.operators import missing_keys
from bot.units import counted
from bot.web.calls import Calls
from bot.web.gauges import serve_gauges
from bot.web.health import Health
from bot.web.server import Route, WebServer
from bot.workers.environment import use_scratch
from bot.workers.protection import protect_and_warn

log = logging.getLogger(__name__)
_Started: TypeAlias = tuple[Wanda, Health, Coroutine[Any, Any, NoReturn]]
GATEWAY_QUIET_S = 20.0  # Discord closes connections now and then; the next one stands within seconds
SLACK_S = 30.0  # more than a shutdown takes
HEAD_START_S = 1.0  # of new sessions before the jobs, which keep the process busy; a Discord that is silent delays none
ORDERS_SHARE = 0.2  # of the time to stop, which the runner has the rest of


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
    allow_many_connections()
    stopping = on_signals()
    async with AsyncExitStack() as stack:
        stack.callback(
            set_up(
                settings.log.level,
                [token, key, *settings.fal.further_secrets, *settings.files.secrets],
                form=settings.log.format,
            )
        )
        started = await unless(stopping, _start(stack, settings, token.get_secret_value(), begin_anew=begin_anew))
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
    # Beside the login, which takes longer.
    warm = store.warm(partial(warming.hold_and_settle, at=time.time()))
    stack.push_async_callback(end, asyncio.create_task(warm, name="warm the database"))
    files = await _open_files(settings, store, begin_anew=begin_anew)
    log.info("the database is %s; the data folder is %s", store.database, settings.storage.data_dir.absolute())
    http = make_http(settings.fal)
    stack.push_async_callback(http.aclose)
    is_new = store.database.is_new and not begin_anew
    client, runner = await compose(stack, settings, store, files, http, calls=calls, is_new_database=is_new)
    await _reach_discord(settings.discord, patience_s)
    await log_in(client, token)
    await store.begun()
    garbage.collect_rarely()
    client.add_listener(garbage.freeze_when_ready, "on_ready")
    await client.services.keeper.orphans.at_start()
    await runner.start()
    stack.push_async_callback(runner.stop)
    client.services.film_driver.start()
    stack.push_async_callback(client.services.film_driver.stop)
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
    """Go on with what the last owner of these shards left: first with what its members wait for, then with its jobs."""
    taking_up = asyncio.create_task(client.take_up(shards), name="take up shards")
    try:
        await asyncio.wait({taking_up}, timeout=HEAD_START_S)
        if resumed := await runner.take_up(shards):
            log.info("took up %s", counted(resumed, "unfinished job"))
        await client.services.film_driver.look()
        await taking_up
    finally:
        await end(taking_up)


async def _start_limits(client: Wanda) -> StartLimits:
    try:
        return await client.start_limits()
    except (discord.DiscordException, OSError) as error:
        raise unreachable(error) from error


async def _open_files(settings: Settings, store: OwnedStore, *, begin_anew: bool) -> Files:
    """Open the place where files are kept, and wait for one that is not there yet.

    Raises:
        SettingsRefused: other processes would not find the files.
        StartRefused: it is another database's.
        FilesUnavailable: it cannot be used; the sentence says why.
    """
    use_scratch(settings.storage.data_dir / "scratch")
    await empty_scratch(settings.storage.data_dir / "scratch")
    files = open_files(settings.storage, settings.files)
    check_shared(files, settings.shards.plan)
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
    return files


async def _serve(stack: AsyncExitStack, settings: WebSettings, *routes: Route) -> Health:
    """Listen before anything else is opened, so that a port in use leaves nothing behind."""
    health = Health()
    stack.push_async_callback(health.close)
    if settings.port:
        server = WebServer(settings.host, settings.port, [*health.routes(), *routes], settings=settings)
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


def _use_checks(health: Health, store: OwnedStore, files: Files, client: Wanda) -> None:
    """Check from now on that the database and the data folder take a write and are ours, the files, and the gateway."""

    async def gateway() -> None:
        if client.is_opening:
            raise NotYet("Wanda connects her shards, one after another, at the pace that Discord allows.")
        if not client.is_connected():
            raise DiscordBusy("There is no connection to Discord's gateway; it is tried again all the time.")

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
