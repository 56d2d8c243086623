"""*webhook*: how soon one of fal's webhooks is stored, and what a job costs that only waits for one.

*to stored* posts signed webhooks for jobs that fal has, one after the other, to the receiver behind its web server on
loopback; a reading is the time from the POST to the answer, after the commit. *in flight* has 1,000 such jobs at fal
with no stream at all, and then lets some of them end. They are ordered a hundred at a time, and read when no worker is
left: what a rush of orders takes for a moment, and the allocator keeps, is no waiting job's.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from random import random

import aiohttp
from nacl.signing import SigningKey

from bot.fal.client import FalClient
from bot.fal.webhook_keys import WebhookKeys
from bot.fal.wire.addresses import WEBHOOK_PATH
from bot.fal.wire.types import Handle
from bot.fal.wire.webhook import webhook_url
from bot.ids import new_id
from bot.jobs import acceptance, events, transactions
from bot.jobs.calls import webhook_key
from bot.ledger.model import Shipped
from bot.net.transport import make_http
from bot.settings import FalSettings, StorageSettings
from bot.storage.database import open_store
from bot.storage.owned_store import OwnedStore
from bot.web.fal_webhooks import FalWebhooks
from bot.web.server import Route, WebServer
from tests.bench import thousand
from tests.bench.figures import Case, Goal, Reading, Spec, percentile
from tests.bench.flight import aloft
from tests.support.job_samples import PLACES, a_job
from tests.support.ports import free_port
from tests.support.stores import PostgresServer, settings_for

WEBHOOKS = 300
AT_ONCE = 100
REACHED_WITHIN_S = 30.0
_CAP_MICROUSD = 10**12
_KEY = SigningKey(bytes(range(32)))


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield a case for each engine, and the one with 1,000 jobs in flight; PostgreSQL runs until the context exits."""
    # Outside the bench's folder, which only its owner may enter: PostgreSQL runs as another user.
    home = Path(tempfile.mkdtemp(prefix="wanda-pg-"))
    server = PostgresServer(home, options=())
    try:
        await asyncio.to_thread(server.start)
        yield [_stored("SQLite", folder, None), _stored("PostgreSQL", folder, server), _in_flight()]
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(home)


def _stored(engine: str, folder: Path, server: PostgresServer | None) -> Case:
    async def wanda() -> Reading:
        url = "" if server is None else await server.new_database()
        return await _take(settings_for(Path(tempfile.mkdtemp(dir=folder)), url))

    p50 = Spec(key="p50", label=f"to stored, {engine}, p50", unit="ms", goals=(Goal(bound="at most", value=5),))
    return Case(
        specs=(p50, Spec(key="p99", label=f"to stored, {engine}, p99", unit="ms")), contestants={"Wanda": wanda}
    )


async def _take(settings: StorageSettings) -> Reading:
    """Return how long each webhook took, in milliseconds."""
    async with AsyncExitStack() as stack:
        store = await open_store(settings)
        stack.push_async_callback(store.close)
        url, receiver = await _receiver(stack, store)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        took: list[float] = []
        for number in range(WEBHOOKS):
            job_id = await _job_at_fal(store, number)
            address, body, headers = webhook_url(url, receiver, job_id), *_signed(f"r-{number}")
            began = time.perf_counter()
            async with http.post(address, data=body, headers=headers) as reply:
                reply.raise_for_status()
            took.append((time.perf_counter() - began) * 1000)
        return {"p50": percentile(took, 50), "p99": percentile(took, 99)}


async def _receiver(stack: AsyncExitStack, store: OwnedStore) -> tuple[str, bytes]:
    """Return the address of a receiver that knows our key as fal's, and the key of its addresses."""
    known = FalSettings()
    http = await stack.enter_async_context(make_http(known))
    keys = WebhookKeys(FalClient(http, known, sleep=asyncio.sleep, random=random, clock=time.time), known)
    keys._keys, keys._read_at = (_KEY.verify_key,), time.time()
    mac_key = await store.read(webhook_key())
    taking = FalWebhooks(store, keys, mac_key=mac_key, queue_url=known.queue_url, at_once=32, on_stored=None)
    port = free_port()
    server = WebServer("127.0.0.1", port, [Route("POST", WEBHOOK_PATH, taking.answer, body_bytes_max=100_000)])
    await server.start()
    stack.push_async_callback(server.close)
    return f"http://127.0.0.1:{port}", mac_key


async def _job_at_fal(store: OwnedStore, number: int) -> str:
    """Store a job that waits in fal's queue, and return its id."""
    server = 1 + number // 50  # within the places of each
    job = a_job(id=new_id(at=time.time()), guild_id=server, created_at=time.time(), updated_at=time.time())
    url = f"https://queue.fal.run/fal-ai/wan/requests/r-{number}"
    handle = Handle(request_id=f"r-{number}", status_url=f"{url}/status", response_url=url, cancel_url=f"{url}/cancel")
    shipped = Shipped(member_daily_microusd=_CAP_MICROUSD, server_monthly_microusd=_CAP_MICROUSD)
    await store.write(acceptance.accept(job, shipped, PLACES), guild_id=job.guild_id)
    for event in (events.Uploaded(()), events.Submitted(handle)):
        await store.write(transactions.advance(job.id, event, now=time.time()), guild_id=job.guild_id)
    return job.id


def _signed(request_id: str) -> tuple[bytes, dict[str, str]]:
    body = b'{"request_id": "%s", "status": "OK", "payload": {"video": {"url": "https://v3.fal.media/x"}}}' % (
        request_id.encode()
    )
    stamp = str(int(time.time()))
    text = f"{request_id}\nuser\n{stamp}\n{sha256(body).hexdigest()}"
    names = {"Request-Id": request_id, "User-Id": "user", "Timestamp": stamp}
    names["Signature"] = _KEY.sign(text.encode()).signature.hex()
    return body, {f"X-Fal-Webhook-{name}": value for name, value in names.items()}


def _in_flight() -> Case:
    label = f"{thousand.IN_FLIGHT:,} in flight without a stream"
    return Case(
        specs=(
            Spec(key="kb_per_job", label=label, unit="KB a job", goals=(Goal(bound="at most", value=20),)),
            Spec(key="asked", label=f"{label}, requests to fal", unit="a job", goals=(Goal(bound="at most", value=2),)),
            Spec(key="noticed_p50", label=f"{label}, completed to noticed, p50", unit="ms"),
        ),
        contestants={"Wanda": _fly},
        is_long=True,
    )


async def _fly() -> Reading:
    port = str(free_port())
    settings = {
        "WANDA_WEB_PORT": port,
        "WANDA_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WANDA_FAL_STREAMS_MAX": "0",
    }
    with tempfile.TemporaryDirectory(prefix="wanda-bench-webhook-") as folder:
        async with aloft(Path(folder), "wanda", **settings) as flight:
            _, idle_bytes = await flight.warm_up()
            await flight.launch_many(thousand.IN_FLIGHT, at_once=AT_ONCE, within_s=REACHED_WITHIN_S)
            waiting_bytes = await flight.resting_bytes()
            landing = await flight.land(thousand.LANDED, within_s=thousand.NOTICED_WITHIN_S)
    return {
        "kb_per_job": (waiting_bytes - idle_bytes) / 1000 / thousand.IN_FLIGHT,
        "asked": landing.asked_per_job,
        "noticed_p50": landing.late(50),
    }
