"""Webhooks of the stand-in follow fal's (https://docs.fal.ai/documentation/model-apis/inference/webhooks)."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from tests.support.fal_requests import QUICK, WAN27, FalRequests

SIGNED = ("Request-Id", "User-Id", "Timestamp")


@dataclass
class Receiver:
    """A server that takes webhooks; it answers the first `failures` of them with 500."""

    url: str = ""
    failures: int = 0
    calls: asyncio.Queue[tuple[dict[str, Any], bytes, dict[str, str]]] = field(
        default_factory=asyncio.Queue[tuple[dict[str, Any], bytes, dict[str, str]]]
    )

    async def handle(self, request: web.Request) -> web.Response:
        """Take one call."""
        self.calls.put_nowait((await request.json(), await request.read(), dict(request.headers)))
        self.failures -= 1
        return web.Response(status=500 if self.failures >= 0 else 200)

    async def next(self) -> tuple[dict[str, Any], bytes, dict[str, str]]:
        """Return the next call's JSON, body and headers."""
        async with asyncio.timeout(15):
            return await self.calls.get()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/done", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/done"
    yield receiver
    await runner.cleanup()


async def public_key(fal: FalRequests) -> VerifyKey:
    """Return the key of fal's key set."""
    (key,) = (await fal.http.get("/.well-known/jwks.json")).json()["keys"]
    return VerifyKey(base64.urlsafe_b64decode(key["x"] + "="))


async def test_the_result_comes_by_webhook_with_a_signature(fal: FalRequests, receiver: Receiver) -> None:
    """The body is the result, and the signature covers ids, time and body."""
    handle = (await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")).json()
    notice, body, headers = await receiver.next()
    assert (notice["request_id"], notice["gateway_request_id"]) == (handle["request_id"], handle["request_id"])
    assert (notice["status"], notice["payload"]) == ("OK", (await fal.get(handle["response_url"])).json())
    signed = "\n".join([*(headers[f"X-Fal-Webhook-{name}"] for name in SIGNED), sha256(body).hexdigest()])
    signature = bytes.fromhex(headers["X-Fal-Webhook-Signature"])
    key = await public_key(fal)
    key.verify(signed.encode(), signature)
    with pytest.raises(BadSignatureError):
        key.verify(signed.encode() + b"x", signature)


async def test_a_failure_comes_by_webhook_too(fal: FalRequests, receiver: Receiver) -> None:
    """Its status is ERROR, with the answer that the result GET gives."""
    await fal.control("faults", {"at": "result", "error_type": "content_policy_violation"})
    await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")
    notice, _, _ = await receiver.next()
    assert (notice["status"], notice["payload"]["detail"][0]["type"]) == ("ERROR", "content_policy_violation")


async def test_a_webhook_is_tried_again(fal: FalRequests, receiver: Receiver) -> None:
    """A receiver that fails is called again until it takes the call."""
    await fal.control("settings", {"webhook_retry_s": 0.01})
    receiver.failures = 2
    await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")
    bodies = [(await receiver.next())[1] for _ in range(3)]
    assert len(set(bodies)) == 1
    assert (await fal.requests())[0]["webhook_attempts"] == 3


async def test_no_other_machine_is_called(fal: FalRequests) -> None:
    """The stand-in calls this machine only, and says so."""
    answer = await fal.post(WAN27, QUICK, query="?fal_webhook=http%3A%2F%2Fexample.com")
    assert answer.status_code == 501
    assert "calls this machine only" in answer.json()["detail"]
