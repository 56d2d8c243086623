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
    """A server that takes webhooks; it answers the first `failures` with 500, and the first `redirects` with 307."""

    url: str = ""
    failures: int = 0
    redirects: int = 0
    calls: asyncio.Queue[tuple[dict[str, Any], bytes, dict[str, str]]] = field(
        default_factory=asyncio.Queue[tuple[dict[str, Any], bytes, dict[str, str]]]
    )

    async def handle(self, request: web.Request) -> web.Response:
        """Take one call."""
        self.calls.put_nowait((await request.json(), await request.read(), dict(request.headers)))
        self.failures -= 1
        self.redirects -= 1
        if self.redirects >= 0:
            return web.Response(status=307, headers={"Location": self.url})
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


def verdict(key: VerifyKey, body: bytes, headers: dict[str, str]) -> bool:
    """Return whether the call's signature is the key's."""
    signed = "\n".join([*(headers[f"X-Fal-Webhook-{name}"] for name in SIGNED), sha256(body).hexdigest()])
    try:
        key.verify(signed.encode(), bytes.fromhex(headers["X-Fal-Webhook-Signature"]))
    except BadSignatureError:
        return False
    return True


async def test_a_webhook_can_be_wrong(fal: FalRequests, receiver: Receiver) -> None:
    """One planned call is signed by another key, is old, unsigned, about another request, or no notice at all."""
    handle = (await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")).json()
    key, ours = await public_key(fal), handle["request_id"]
    _, _, first = await receiver.next()

    async def call(**wrong: Any) -> tuple[Any, bytes, dict[str, str]]:
        answer = await fal.control("webhook", {"request": ours, **wrong})
        assert answer.json() == {"status": 200}
        return await receiver.next()

    _, body, headers = await call(forged="signature")
    assert not verdict(key, body, headers)
    _, body, headers = await call(forged="timestamp")
    assert verdict(key, body, headers)
    assert int(first["X-Fal-Webhook-Timestamp"]) - int(headers["X-Fal-Webhook-Timestamp"]) > 290
    _, _, headers = await call(forged="unsigned")
    assert not [name for name in headers if name.startswith("X-Fal-Webhook")]
    notice, body, headers = await call(forged="request")
    assert (verdict(key, body, headers), notice["request_id"] == ours) == (True, False)
    notice, body, headers = await call(forged="body")
    assert (verdict(key, body, headers), type(notice)) == (True, list)
    notice, _, _ = await call(payload_error=True)
    assert (notice["status"], notice["payload"], "not JSON serializable" in notice["payload_error"]) == (
        "OK",
        None,
        True,
    )
    assert (await fal.control("webhook", {"request": "unknown"})).status_code == 400


async def test_a_webhook_can_come_late_twice_early_or_not_at_all(fal: FalRequests, receiver: Receiver) -> None:
    """Faults at "webhook" delay a call, repeat it, or lose it; a control route sends one before the end."""
    await fal.control("settings", {"webhook_retry_s": 0.01})
    for fault in ({"lose_reply": True}, {"copies": 2, "delay_s": 0.1}):
        await fal.control("faults", {"at": "webhook", **fault})
    await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")
    bodies = [(await receiver.next())[1] for _ in range(2)]
    assert (len(set(bodies)), (await fal.requests())[0]["webhook_attempts"]) == (1, 3)
    await fal.control("settings", {"seconds_per_job": 3600})
    early = (await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")).json()["request_id"]
    await fal.control("webhook", {"request": early})
    notice, _, _ = await receiver.next()
    assert (notice["request_id"], notice["payload"]) == (early, None)
    assert (await fal.control("faults", {"at": "result", "copies": 2})).status_code == 400


async def test_the_key_can_change(fal: FalRequests, receiver: Receiver) -> None:
    """After a change webhooks are signed with the key that the key set then holds."""
    await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")
    _, body, headers = await receiver.next()
    before = await public_key(fal)
    await fal.control("webhook-key", {})
    assert (await public_key(fal) != before, verdict(before, body, headers)) == (True, True)
    await fal.control("webhook", {"request": (await fal.requests())[0]["id"]})
    _, body, headers = await receiver.next()
    assert (verdict(before, body, headers), verdict(await public_key(fal), body, headers)) == (False, True)


async def test_a_redirect_is_not_followed(fal: FalRequests, receiver: Receiver) -> None:
    """A redirect counts as a failure, and is tried again at the same address."""
    await fal.control("settings", {"webhook_retry_s": 0.01})
    receiver.redirects = 2
    await fal.post(WAN27, QUICK, query=f"?fal_webhook={receiver.url}")
    for _ in range(3):
        await receiver.next()
    assert (receiver.calls.qsize(), (await fal.requests())[0]["webhook_attempts"]) == (0, 3)
