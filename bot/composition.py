"""Builds the client, the runner and the services from the settings, each with what it needs."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import httpx

from bot.bounded import Bounded, Bounds
from bot.cards.channel_queue import ChannelQueue
from bot.cards.end_log import log_end
from bot.cards.film_cards import FilmCards
from bot.cards.job_cards import JobCards
from bot.cards.notice_poster import may_ping_by
from bot.cards.offered_reactions import OfferedReactions
from bot.cards.parent_links import ParentLinks
from bot.cards.result_file import ResultFiles, from_fal
from bot.cards.set_cards import CardsOfOrders, SetCards
from bot.catalogue.picker import Picker
from bot.catalogue.price import PriceTable
from bot.client import Services, Wanda
from bot.drawing.painter import Painter
from bot.fal.client import FalClient
from bot.fal.platform import FalPlatform
from bot.files.files import Files
from bot.jobs.model import Job
from bot.jobs.places import FileBounds
from bot.ledger.model import Shipped
from bot.media.ffmpeg import Ffmpeg
from bot.media.fitter import Fitter
from bot.media.intake import Intake
from bot.media.joiner import Joiner
from bot.media.last_frame import LastFrame
from bot.media.probe import Prober
from bot.media.shrinker import Shrinker
from bot.net.file_session import FileSession
from bot.open_forms import OpenForms
from bot.refused_orders import RefusedOrders
from bot.runner import job_channel
from bot.runner.alarms import Alarms
from bot.runner.chip_ins import ChipIns
from bot.runner.event_writer import Listeners
from bot.runner.fal_account import FalAccount
from bot.runner.fal_steps import FalSteps, Webhooks
from bot.runner.fal_watch import FalWatch
from bot.runner.files_port import FilesOfJobs
from bot.runner.film_chip_ins import FilmChipIns
from bot.runner.film_driver import FilmDriver
from bot.runner.film_files import FilmFiles
from bot.runner.film_orders import FilmOrders
from bot.runner.job_files import keep_inputs
from bot.runner.lost_search import LostSearch
from bot.runner.order_space import OrderSpace
from bot.runner.orders_under_way import OrdersUnderWay
from bot.runner.orphans import Orphans
from bot.runner.pending_orders import PendingOrders
from bot.runner.reconciler import Reconciler
from bot.runner.retention import DAY_S, Retention
from bot.runner.retry_files import RetryFiles
from bot.runner.runner import Runner, file_bounds_of
from bot.runner.shot_maker import ShotMaker
from bot.session_starts import SessionStarts
from bot.settings import (
    JobSettings,
    MoneySettings,
    Settings,
)
from bot.sharding import ShardsNow
from bot.storage.owned_store import OwnedStore
from bot.storage.transaction import Store
from bot.tasks import end
from bot.texts.finished import OFFERED
from bot.units import MB
from bot.web.calls import Calls
from cogs.all import COGS


async def compose(
    stack: AsyncExitStack,
    settings: Settings,
    store: OwnedStore,
    files: Files,
    http: httpx.AsyncClient,
    *,
    calls: Calls,
    is_new_database: bool,
) -> tuple[Wanda, Runner]:
    """Build the client and the runner with everything they need; `stack` takes it down."""
    shares_starts = not settings.shards.plan.is_whole
    starts = SessionStarts(settings.shards.identify_every_s, store.ownership if shares_starts else None)
    client = await stack.enter_async_context(Wanda(settings.discord, COGS, starts))
    files_http = await stack.enter_async_context(FileSession())
    channel_queue = ChannelQueue()
    offered_reactions = await stack.enter_async_context(OfferedReactions(client, settings.cards, OFFERED))
    prober = await stack.enter_async_context(Prober.of(settings.media))
    ffmpeg = Ffmpeg(settings.media)
    results = ResultFiles(files_http, settings.downloads, prober, files=files, allowed=from_fal(settings.fal))
    stack.push_async_callback(results.close)
    picker = Picker.of(settings.money, settings.defaults)
    cards = await _cards(
        stack,
        settings,
        picker.prices,
        store,
        client,
        results=results,
        reactions=offered_reactions,
        channel_queue=channel_queue,
        shrinker=Shrinker(ffmpeg, prober, settings.media),
    )
    parent_links = await stack.enter_async_context(
        ParentLinks(client, store, settings.cards, redraw=cards.link_children, channel_queue=channel_queue)
    )
    painter = await stack.enter_async_context(Painter.of(settings.charts))
    fal = FalClient(http, settings.fal, sleep=asyncio.sleep, random=random.random, clock=time.time)
    alarms = Alarms(store, clock=time.time)
    await alarms.refresh()
    account = FalAccount(alarms, fal.check_account, pause_s=settings.jobs.account_pause_s)
    stack.push_async_callback(account.close)
    fal_steps = _fal_steps(fal, settings, files, await calls.addresses(store), account)

    def heard(job: Job) -> None:
        film_driver.heard(job)  # made below, because it needs the runner that tells it of each shot

    runner = _runner(
        settings,
        store,
        files,
        client,
        fal_steps=fal_steps,
        cards=cards,
        alarms=alarms,
        links=parent_links,
        on_shot=heard,
    )
    film_files = FilmFiles(
        files,
        Joiner(ffmpeg, prober, settings.media),
        LastFrame(ffmpeg, prober, settings.media),
        here=results.here,
    )
    film_driver, films, film_chip_ins = _films(
        settings,
        store,
        files,
        client,
        runner=runner,
        cards=cards.of_films,
        shots=film_files,
        prices=picker.prices,
    )
    await job_channel.hear(store, runner)
    calls.take(stack, store, fal, runner)
    platform = FalPlatform(http, settings.fal)
    order_space = OrderSpace(store, files, file_bounds_of(settings.jobs))
    client.services = Services(
        runner=runner,
        films=films,
        film_driver=film_driver,
        chip_ins=ChipIns(runner, store, settings.chip_ins, time.time, films=film_chip_ins),
        order_space=order_space,
        orders_under_way=OrdersUnderWay(),
        pending_orders=_pending_orders(order_space, settings.jobs),
        refused_orders=_refused_orders(settings.jobs),
        forms=OpenForms(_form_bounds(settings.jobs)),
        proposals=Bounded(_form_bounds(settings.jobs)),
        intake=Intake(files_http, prober, settings.media, settings.downloads, cdn_url=settings.discord.cdn_url),
        fitter=Fitter(ffmpeg, prober, settings.media),
        prober=prober,
        channel_queue=channel_queue,
        cards=cards,
        keeper=_keeper(store, files, client.held_shards, settings),
        reconciler=_reconciler(platform, store, client.held_shards, settings),
        lost_search=_lost_search(platform, store, client.held_shards, settings, runner),
        files=files,
        store=store,
        alarms=alarms,
        shipped=runner.shipped,
        picker=picker,
        painter=painter,
        settings=settings,
        clock=time.time,
        is_new_database=is_new_database,
    )
    watch = FalWatch(
        fal,
        alarms,
        account,
        store,
        balance=None if settings.fal.admin_key is None else platform.balance,
        prices=picker.prices,
        settings=settings.watch,
        shards=client.held_shards,
    )
    watching = asyncio.create_task(watch.keep_watching(), name="fal watch")
    stack.push_async_callback(end, watching)
    return client, runner


async def _cards(
    stack: AsyncExitStack, settings: Settings, prices: PriceTable, store: Store, client: Wanda, **parts: Any
) -> CardsOfOrders:
    """Build the cards of single jobs, of sets and of films, which share these parts."""
    options: dict[str, Any] = {
        **parts,
        "upload_timeout_s": settings.fal.upload_timeout_s,
        "may_ping": may_ping_by(store, settings.pings),
    }
    single = await stack.enter_async_context(JobCards(client, settings.cards, settings.jobs, **options))
    of_sets = await stack.enter_async_context(
        SetCards(
            prices,
            store,
            client,
            settings.cards,
            settings.jobs,
            beside=single,
            **options,
        )
    )
    of_films = await stack.enter_async_context(
        FilmCards(store, client, settings.cards, settings.jobs, beside=single, **options)
    )
    return CardsOfOrders(single, of_sets, of_films)


def _fal_steps(
    fal: FalClient, settings: Settings, files: Files, webhooks: Webhooks | None, account: FalAccount
) -> FalSteps:
    return FalSteps(
        fal,
        settings.jobs,
        files=files,
        poll_s=settings.fal.poll_min_s,
        doubt_s=settings.fal.result_patience_s,
        clock=time.time,
        account=account,
        webhooks=webhooks,
    )


def _runner(
    settings: Settings,
    store: Store,
    files: Files,
    client: Wanda,
    *,
    fal_steps: FalSteps,
    cards: CardsOfOrders,
    alarms: Alarms,
    links: ParentLinks,
    on_shot: Callable[[Job], None],
) -> Runner:
    def drafted(job: Job) -> None:
        if job.variation is not None and job.variation.final is not None:
            client.dispatch("draft_ended", job)

    def posted(job: Job) -> None:
        links.posted(job)
        drafted(job)

    def over(job: Job) -> None:
        log_end(job)
        drafted(job)

    return Runner(
        store=store,
        fal_steps=fal_steps,
        cards=cards,
        shipped=_shipped_limits(settings.money),
        settings=settings.jobs,
        clock=time.time,
        shards=client.held_shards,
        listeners=Listeners(
            posted=posted,
            ended=over,
            asked=partial(client.dispatch, "job_waits"),
            shot=on_shot,
        ),
        files=FilesOfJobs(
            keep=partial(keep_inputs, files=files),
            discard=_retry_files(store, files, settings).keep,
            forget=lambda job_id: files.remove_jobs([job_id]),
        ),
        check_open=alarms.check,
    )


def _films(
    settings: Settings,
    store: Store,
    files: Files,
    client: Wanda,
    *,
    runner: Runner,
    cards: FilmCards,
    shots: FilmFiles,
    prices: PriceTable,
) -> tuple[FilmDriver, FilmOrders, FilmChipIns]:
    maker = ShotMaker(files, shots, prices, clock=time.time)
    driver = FilmDriver(
        store=store,
        shots=runner,
        maker=maker,
        cards=cards,
        files=shots,
        settings=settings.films,
        shards=client.held_shards,
        clock=time.time,
        on_noted=runner.noted.set,
    )
    orders = FilmOrders(
        store=store,
        runner=runner,
        driver=driver,
        maker=maker,
        files=files,
        prices=prices,
        settings=settings.films,
        can_join=settings.media.encodes_at_once > 0,
        clock=time.time,
    )
    chip_ins = FilmChipIns(
        store=store,
        runner=runner,
        orders=orders,
        driver=driver,
        maker=maker,
        prices=prices,
        settings=settings.films,
        clock=time.time,
    )
    return driver, orders, chip_ins


def _pending_orders(order_space: OrderSpace, settings: JobSettings) -> PendingOrders:
    bounds = Bounds(
        of_member_max=settings.pending_orders_each_max,
        in_server_max=settings.pending_orders_in_server_max,
        most=settings.pending_orders_max,
    )
    return PendingOrders(order_space, bounds, life_s=settings.pending_order_life_s, clock=time.time)


def _refused_orders(settings: JobSettings) -> RefusedOrders:
    bounds = Bounds(
        of_member_max=settings.refused_orders_each_max,
        in_server_max=settings.refused_orders_in_server_max,
        most=settings.refused_orders_max,
    )
    return RefusedOrders(bounds, life_s=settings.refused_order_life_s, clock=time.time)


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


def _reconciler(platform: FalPlatform, store: Store, shards: ShardsNow, settings: Settings) -> Reconciler:
    return Reconciler(
        store=store,
        platform=platform,
        settings=settings.bills,
        has_key=settings.fal.admin_key is not None,
        shards=shards,
        clock=time.time,
    )


def _lost_search(
    platform: FalPlatform, store: Store, shards: ShardsNow, settings: Settings, runner: Runner
) -> LostSearch:
    return LostSearch(
        store=store,
        platform=platform,
        settings=settings.bills,
        queue_url=settings.fal.queue_url,
        deadline_s=settings.jobs.deadline_s,
        shards=shards,
        called=runner.heard,
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
        store=store,
        files=files,
        orphans=orphans,
        keep_s=settings.storage.keep_days * DAY_S,
        keep_drafts_s=settings.films.draft_days * DAY_S,
        clock=time.time,
    )
