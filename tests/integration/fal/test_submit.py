import asyncio
import logging
import socket

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from bot.errors import FalAccountError, FalError, FalRefused, FalReplyLost, FalUnreachable
from bot.fal.client import FalClient
from tests.support.scripted_fal import (
    ENDPOINT,
    ID,
    KEY,
    Responder,
    ScriptedFal,
    StillClock,
    client_of,
    close,
    fal_settings,
    garbage,
    half,
    huge,
    json_answer,
    reset,
    scripted_fal,
    stall,
    text_answer,
)


def closed_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_taken(fal: ScriptedFal) -> None:
    """One POST sends the payload and the key, and returns fal's id and URLs."""
    fal.on("submit", json_answer(200, fal.accepted()))
    async with client_of(fal.url) as client:
        taken = await client.submit(ENDPOINT, {"prompt": "ä", "duration": 5})
    assert taken.request_id == ID
    assert taken.status_url == f"{fal.url}/fal-ai/wan/requests/{ID}/status"
    assert fal.seen == ["submit"]
    assert fal.keys == [f"Key {KEY}"]
    assert fal.bodies == ['{"prompt":"ä","duration":5}'.encode()]
    assert fal.targets == [f"/{ENDPOINT}"]


LOST: list[tuple[str, Responder]] = [
    ("closed", close),
    ("reset", reset),
    ("stalled", stall),
    ("half a reply", half),
    ("no HTTP", garbage),
    ("endless", huge),
    ("not JSON", text_answer(200, "<html>")),
    ("500", text_answer(500)),
    ("503", json_answer(503, {"detail": "x"})),
    ("redirect", text_answer(307, headers={"Location": "/elsewhere"})),
]


@pytest.mark.parametrize("answer", [answer for _, answer in LOST], ids=[name for name, _ in LOST])
async def test_lost(fal: ScriptedFal, answer: Responder) -> None:
    """A submit with an unreadable reply is lost, and is never sent again."""
    fal.on("submit", answer)
    async with client_of(fal.url, reply_timeout_s=0.3, reply_mib_max=1) as client:
        with pytest.raises(FalReplyLost):
            await client.submit(ENDPOINT, {"prompt": "x"})
    assert fal.seen == ["submit"]


@pytest.mark.parametrize("answer", [close, reset, stall, garbage], ids=["closed", "reset", "stalled", "no HTTP"])
@pytest.mark.parametrize("transport", [AiohttpTransport, httpx.AsyncHTTPTransport])
async def test_lost_on_any_transport(
    fal: ScriptedFal, answer: Responder, transport: type[httpx.AsyncBaseTransport]
) -> None:
    """A lost reply is recognised on any transport, although httpx-aiohttp raises `ConnectTimeout` for it."""
    fal.on("submit", answer)
    clock = StillClock()
    settings = fal_settings(fal.url, reply_timeout_s=0.3)
    async with httpx.AsyncClient(transport=transport()) as http:
        client = FalClient(http, settings, sleep=clock.sleep, random=lambda: 0.0, clock=clock)
        with pytest.raises(FalReplyLost):
            await client.submit(ENDPOINT, {"prompt": "x"})
    assert fal.seen == ["submit"]


@pytest.mark.parametrize("transport", [None, AiohttpTransport, httpx.AsyncHTTPTransport])
async def test_refused_connection(transport: type[httpx.AsyncBaseTransport] | None) -> None:
    """A refused connection is retried with backoff, a bounded number of times."""
    url, clock = f"http://127.0.0.1:{closed_port()}", StillClock()
    settings = fal_settings(url)
    if transport is None:
        async with client_of(url, clock) as client:
            with pytest.raises(FalUnreachable):
                await client.submit(ENDPOINT, {})
    else:
        async with httpx.AsyncClient(transport=transport()) as http:
            client = FalClient(http, settings, sleep=clock.sleep, random=lambda: 0.0, clock=clock)
            with pytest.raises(FalUnreachable):
                await client.submit(ENDPOINT, {})
    assert clock.slept == [2, 4, 8]


async def test_unknown_name() -> None:
    """A host name that does not resolve counts as never connected."""
    async with client_of("http://queue.invalid", retries=0) as client:
        with pytest.raises(FalUnreachable):
            await client.submit(ENDPOINT, {})


async def test_no_tls(fal: ScriptedFal) -> None:
    """A failed TLS handshake counts as never connected."""
    async with client_of(fal.url.replace("http:", "https:"), retries=1, connect_timeout_s=2.0) as client:
        with pytest.raises(FalUnreachable):
            await client.submit(ENDPOINT, {})
    assert fal.seen == []


async def test_silent_connect() -> None:
    """A connect without an answer ends after the connect timeout and counts as never connected."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):  # fill the backlog, so that the next connect waits
            filler.setblocking(False)  # noqa: FBT003 - the socket API has it so
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with client_of(url, retries=0, connect_timeout_s=0.2) as client:
            with pytest.raises(FalUnreachable):
                await client.submit(ENDPOINT, {})


async def test_later(fal: ScriptedFal) -> None:
    """A 429 proves that fal did not accept the request, so the submit is retried."""
    clock = StillClock()
    fal.on("submit", text_answer(429), text_answer(429), json_answer(200, fal.accepted()))
    async with client_of(fal.url, clock) as client:
        assert (await client.submit(ENDPOINT, {})).request_id == ID
    assert fal.count("submit") == 3
    assert clock.slept == [2, 4]


@pytest.mark.parametrize(
    ("status", "error"), [(401, FalAccountError), (403, FalAccountError), (404, FalRefused), (422, FalRefused)]
)
async def test_refused(fal: ScriptedFal, status: int, error: type[FalError]) -> None:
    """A refusal is final, and is not tried again."""
    fal.on("submit", json_answer(status, {"detail": "No."}))
    async with client_of(fal.url) as client:
        with pytest.raises(error):
            await client.submit(ENDPOINT, {})
    assert fal.count("submit") == 1


async def test_own_connection(fal: ScriptedFal) -> None:
    """Every submit uses a new connection, never a kept-alive one."""
    fal.on("submit", json_answer(200, fal.accepted()))
    fal.on("cancel", json_answer(200, {"status": "OK"}))
    async with client_of(fal.url) as client:
        taken = await client.submit(ENDPOINT, {})
        await client.cancel(taken)
        await client.cancel(taken)
        await client.submit(ENDPOINT, {})
    assert fal.peers[1] == fal.peers[2], "other requests do share connections"
    assert len(set(fal.peers)) == 3


async def test_foreign_urls(fal: ScriptedFal) -> None:
    """If fal's reply has URLs on a foreign host, the documented URLs are used, so that host never gets the key."""
    async with scripted_fal() as foreign:
        fal.on("submit", json_answer(200, fal.accepted(f"{foreign.url}/fal-ai/wan/requests/{ID}")))
        fal.on("cancel", json_answer(202, {"status": "CANCELLATION_REQUESTED"}))
        async with client_of(fal.url) as client:
            taken = await client.submit(ENDPOINT, {})
            assert await client.cancel(taken) == "requested"
        assert foreign.seen == []
        assert fal.seen == ["submit", "cancel"]


async def test_no_key_set(fal: ScriptedFal) -> None:
    """Without a key nothing is sent, and the operator is told what to set."""
    async with client_of(fal.url, key=None) as client:
        with pytest.raises(FalAccountError, match="FAL_KEY"):
            await client.submit(ENDPOINT, {})
    assert fal.seen == []


async def test_key_is_never_told(fal: ScriptedFal, caplog: pytest.LogCaptureFixture) -> None:
    """The key is in no log line, error or repr, even when fal echoes it or the connection breaks."""
    caplog.set_level(logging.DEBUG)
    fal.on("submit", json_answer(422, {"detail": f"bad key {KEY}"}), reset, garbage)
    async with client_of(fal.url) as client:
        for _ in range(3):
            with pytest.raises(FalError) as caught:
                await client.submit(ENDPOINT, {})
            told = [str(caught.value), repr(caught.value), repr(caught.value.__cause__), repr(vars(client))]
            assert not any("key-secret" in words for words in told)
    assert "key-secret" not in caplog.text


async def test_cancelled_submit_closes(fal: ScriptedFal) -> None:
    """A cancelled submit closes its connection."""
    fal.on("submit", stall)
    async with client_of(fal.url) as client:
        task = asyncio.create_task(client.submit(ENDPOINT, {}))
        await fal.until(lambda fal: fal.open == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fal.until(lambda fal: fal.open == 0)
    assert fal.seen == ["submit"]
