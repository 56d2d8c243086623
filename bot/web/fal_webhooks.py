"""Takes fal's webhooks: POST /fal/{job}/{mac}, proven in two ways, stored in one transaction, answered at once.

The address is one that Wanda made, and the body is signed by fal. Neither says what was made or billed: the process
that drives the job asks fal for the result, with Wanda's own key.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Literal, TypeAlias

from aiohttp import web

from bot import metrics
from bot.errors import FalError, FalProtocolError, StorageError
from bot.fal.webhook_keys import WebhookKeys
from bot.fal.wire.webhook import is_mac_of, read_request_id, read_signature
from bot.jobs.calls import Taken, take_call
from bot.log import job_scope
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
BODY_TIMEOUT_S = 10.0  # fal itself gives up after 15 s
OF_ONE_JOB_MAX = 2  # so that whoever has learned one address, from a proxy's log, keeps no other job waiting
Verdict: TypeAlias = (
    Taken
    | Literal[
        "unreadable",  # no JSON that names a request, or too long, or too slow
        "unsigned",  # without a signature, or with one that is none
        "stale",  # signed too long ago, or in the future
        "forged",  # signed by somebody else, or changed on its way
        "busy",  # too many at once
        "failed",  # fal's keys or the database could not be asked
    ]
)
# fal sends a webhook again, ten times within two hours, unless the answer is a success.
STATUS: Mapping[Verdict, int] = {
    "stored": 200,
    "known": 200,
    "unknown": 404,
    "other": 404,
    "unreadable": 400,
    "unsigned": 401,
    "stale": 401,
    "forged": 401,
    "busy": 503,
    "failed": 503,
}
for _verdict in STATUS:
    metrics.WEBHOOKS.labels(_verdict)  # tells 0 until the first one comes


class FalWebhooks:
    """Answers fal's webhooks, `at_once` at a time; the others are to come again.

    `mac_key` proves addresses. `on_stored` is called with the id of each job that goes on, after the commit. `clock` is
    in Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        keys: WebhookKeys,
        *,
        mac_key: bytes,
        queue_url: str,
        at_once: int,
        on_stored: Callable[[str], None] | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._keys = keys
        self._mac_key = mac_key
        self._queue_url = queue_url
        self._at_once = at_once
        self._on_stored = on_stored
        self._clock = clock
        self._under_way: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one webhook. Who does not know a job's address learns nothing, and costs no more than a digest."""
        job_id, mac = request.match_info["job"], request.match_info["mac"]
        if not is_mac_of(mac, self._mac_key, job_id):
            return _answer("unknown")
        if self._under_way.total() >= self._at_once or self._under_way[job_id] >= OF_ONE_JOB_MAX:
            return _answer("busy")
        begun = time.perf_counter()
        self._under_way[job_id] += 1
        try:
            with job_scope(job_id):
                verdict = await self._take(job_id, request)
                level = logging.INFO if STATUS[verdict] == HTTPStatus.OK else logging.WARNING
                log.log(level, "fal called: %s", verdict)
        finally:
            self._under_way -= Counter((job_id,))
            metrics.WEBHOOK_SECONDS.observe(time.perf_counter() - begun)
        return _answer(verdict)

    async def _take(self, job_id: str, request: web.Request) -> Verdict:
        signature = read_signature(request.headers)
        if signature is None:
            return "unsigned"
        if not signature.is_fresh(self._clock()):
            return "stale"
        body = await _body(request)
        if body is None:
            return "unreadable"
        try:
            if not await self._keys.prove(signature, body):
                return "forged"
            taken = await self._store_call(job_id, body)
        except (FalError, StorageError) as error:
            log.warning("fal's webhook is to come again: %s", error)
            return "failed"
        if taken == "stored" and self._on_stored is not None:
            self._on_stored(job_id)
        return taken

    async def _store_call(self, job_id: str, body: bytes) -> Verdict:
        try:
            request_id = read_request_id(body)
        except FalProtocolError:
            return "unreadable"
        taking = take_call(job_id, request_id, queue_url=self._queue_url, now=self._clock())
        return await self._store.write(taking, guild_id=None)  # it locks the row of the job alone


async def _body(request: web.Request) -> bytes | None:
    """Return the whole body; None if it is too long, or does not come."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except (TimeoutError, web.HTTPRequestEntityTooLarge, web.RequestPayloadError):
        return None


def _answer(verdict: Verdict) -> web.Response:
    metrics.WEBHOOKS.labels(verdict).inc()
    return web.json_response({"wanda": verdict}, status=STATUS[verdict])
