"""Webhooks: fal POSTs a request's result, signed, to the URL that its submit named.

https://docs.fal.ai/documentation/model-apis/inference/webhooks
"""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
from aiohttp import web
from nacl.signing import SigningKey

from sandbox.fal.faults import FalFault, FalFaults, Forgery
from sandbox.fal.queue import FalJob

__all__ = ["Webhooks", "is_reachable"]

RETRIES_MAX = 10
TIMEOUT_S = 15.0
STALE_S = 301.0
USER_ID = "sandbox-user"
PAYLOAD_ERROR = (
    "Response payload is not JSON serializable. Either return a JSON serializable object or use the queue endpoint to "
    "retrieve the response."
)


def is_reachable(url: str) -> bool:
    """Return whether the stand-in may call the URL: on this machine only, unlike fal, which calls public hosts only."""
    parts = urlsplit(url)
    try:
        here = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        here = False
    return parts.scheme in {"http", "https"} and here


@dataclass
class Webhooks:
    """Delivers results. `retry_s()` is the time before the first retry; each later one waits longer by as much.

    Planned faults at "webhook" apply to one call each.
    """

    clock: Callable[[], float]
    retry_s: Callable[[], float]
    faults: FalFaults
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def send(self, job: FalJob) -> None:
        """Begin to deliver the result of an ended request, if it has a webhook."""
        if job.webhook is None:
            return
        task = asyncio.create_task(self._deliver(job, job.webhook))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @cached_property
    def _key(self) -> SigningKey:
        """The Ed25519 key, made at the first webhook."""
        return SigningKey.generate()

    async def keys(self, _: web.Request) -> web.Response:
        """Answer with the public key as a JSON Web Key Set."""
        public = base64.urlsafe_b64encode(self._key.verify_key.encode()).decode().rstrip("=")
        return web.json_response({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": public}]})

    def change_key(self) -> None:
        """Sign with another key from now on."""
        self.__dict__["_key"] = SigningKey.generate()

    async def close(self) -> None:
        """Give up what is not delivered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def call(self, job: FalJob, fault: FalFault | None) -> int | None:
        """Call a request's webhook once, whatever its state; returns the receiver's status, None without an answer."""
        if job.webhook is None:
            return None
        async with _session() as http:
            return await self._call(http, job, job.webhook, fault)

    async def _deliver(self, job: FalJob, url: str) -> None:
        """POST until the receiver answers 2xx, at most `RETRIES_MAX` times more."""
        async with _session() as http:
            for attempt in range(RETRIES_MAX + 1):
                await asyncio.sleep(self.retry_s() * attempt)
                fault = self.faults.take("webhook", job.endpoint)
                await asyncio.sleep(0.0 if fault is None else fault.delay_s)
                copies = 1 if fault is None else fault.copies
                answers = [await self._call(http, job, url, fault) for _ in range(copies)]
                if any(status is not None and 200 <= status < 300 for status in answers):  # noqa: PLR2004 - a redirect is a failure
                    return

    async def _call(self, http: aiohttp.ClientSession, job: FalJob, url: str, fault: FalFault | None) -> int | None:
        """POST once, never following a redirect; a lost call is counted and not sent."""
        job.webhook_attempts += 1
        if fault is not None and fault.lose_reply:
            return None
        body = json.dumps(_notice(job, fault)).encode()
        headers = self._signed(job.id, body, None if fault is None else fault.forged)
        try:
            headers = headers | {"Content-Type": "application/json"}
            async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    def _signed(self, request_id: str, body: bytes, forged: Forgery | None) -> dict[str, str]:
        """Return the headers that prove the body, now; forged ones look like fal's and are not."""
        stamp = str(int(self.clock() - (STALE_S if forged == "timestamp" else 0)))
        text = "\n".join((request_id, USER_ID, stamp, sha256(body).hexdigest()))
        key = SigningKey.generate() if forged == "signature" else self._key
        headers = {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": USER_ID,
            "X-Fal-Webhook-Timestamp": stamp,
            "X-Fal-Webhook-Signature": key.sign(text.encode()).signature.hex(),
        }
        return {} if forged == "unsigned" else headers


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))


def _notice(job: FalJob, fault: FalFault | None) -> Any:
    """Return the body of the webhook."""
    forged = None if fault is None else fault.forged
    if forged == "body":
        return ["not what fal sends"]
    request_id = str(uuid4()) if forged == "request" else job.id
    payload = None if job.reply is None else job.reply.body
    notice: dict[str, Any] = {"request_id": request_id, "gateway_request_id": request_id, "payload": payload}
    if fault is not None and fault.payload_error:
        return notice | {"status": "OK", "payload": None, "payload_error": PAYLOAD_ERROR}
    if not job.failed:
        return notice | {"status": "OK"}
    status = 0 if job.reply is None else job.reply.status
    return notice | {"status": "ERROR", "error": f"Invalid status code: {status}"}
