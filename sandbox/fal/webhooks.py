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

import aiohttp
from aiohttp import web
from nacl.signing import SigningKey

from sandbox.fal.queue import FalJob

__all__ = ["Webhooks", "is_reachable"]

RETRIES_MAX = 10
TIMEOUT_S = 15.0
USER_ID = "sandbox-user"


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
    """Delivers results. `retry_s()` is the time before the first retry; each later one waits longer by as much."""

    clock: Callable[[], float]
    retry_s: Callable[[], float]
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

    async def close(self) -> None:
        """Give up what is not delivered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, job: FalJob, url: str) -> None:
        """POST until the receiver answers 2xx, at most `RETRIES_MAX` times more."""
        body = json.dumps(_notice(job)).encode()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            for attempt in range(RETRIES_MAX + 1):
                await asyncio.sleep(self.retry_s() * attempt)
                job.webhook_attempts += 1
                try:
                    headers = self._signed(job.id, body) | {"Content-Type": "application/json"}
                    async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                        if answer.ok and answer.status < 300:  # noqa: PLR2004 - a redirect is a failure
                            return
                except (aiohttp.ClientError, TimeoutError):
                    continue

    def _signed(self, request_id: str, body: bytes) -> dict[str, str]:
        """Return the headers that prove the body, now."""
        stamp = str(int(self.clock()))
        text = "\n".join((request_id, USER_ID, stamp, sha256(body).hexdigest()))
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": USER_ID,
            "X-Fal-Webhook-Timestamp": stamp,
            "X-Fal-Webhook-Signature": self._key.sign(text.encode()).signature.hex(),
        }


def _notice(job: FalJob) -> dict[str, Any]:
    """Return the body of the webhook."""
    payload = None if job.reply is None else job.reply.body
    notice: dict[str, Any] = {"request_id": job.id, "gateway_request_id": job.id, "payload": payload}
    if not job.failed:
        return notice | {"status": "OK"}
    status = 0 if job.reply is None else job.reply.status
    return notice | {"status": "ERROR", "error": f"Invalid status code: {status}"}
