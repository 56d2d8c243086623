import gc
import tracemalloc
import weakref
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from bot.errors import (
    FalAccountError,
    FalError,
    FalFailure,
    FalNotReady,
    FalProtocolError,
    FalRefused,
    FalReplyTooLarge,
    FalUnreachable,
)
from bot.fal.client import FalClient
from bot.fal.wire.types import UnitPrice
from bot.net.transport import make_http
from tests.support.job_samples import REQUESTER
from tests.support.scripted_fal import (
    COMPLETED,
    KEY,
    Responder,
    ScriptedFal,
    StillClock,
    client_of,
    close,
    deaf,
    events,
    fal_settings,
    garbage,
    half,
    huge,
    json_answer,
    reset,
    scripted_fal,
    stall,
    text_answer,
    urls,
)

URL = "https://v3.fal.media/files/out.mp4"
VIDEO = {"video": {"url": URL, "file_size": 7}, "seed": 42}
CONTENT = bytes(range(256)) * 2500 + b"end"
MIB = 1024 * 1024


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A file of several chunks and a remainder."""
    path = tmp_path / "a.png"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A large file."""
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(48 * MIB)
    return path


def ticket(base: str) -> dict[str, str]:
    """An upload's good answer, with a signature that must arrive letter for letter."""
    return {"upload_url": f"{base}/put/1?sig=a%2Fb%2Bc%3D&x=y+z", "file_url": f"{base}/files/a.png"}


async def test_upload(fal: ScriptedFal, picture: Path) -> None:
    """The key is sent to request a signed URL, but not to that URL, which gets the whole file with its length."""
    async with scripted_fal() as cdn:
        fal.on("initiate", json_answer(200, ticket(cdn.url)))
        cdn.on("put", text_answer(200))
        async with client_of(fal.url) as client:
            url = await client.upload(picture, file_name="a.png", content_type="image/png")
    assert url == f"{cdn.url}/files/a.png"
    assert fal.targets == ["/storage/upload/initiate?storage_type=fal-cdn-v3"]
    assert fal.keys == [f"Key {KEY}"]
    assert cdn.targets == ["/put/1?sig=a%2Fb%2Bc%3D&x=y+z"]
    assert cdn.keys == [None]
    assert cdn.bodies == [CONTENT]
    assert cdn.headers[0]["Content-Type"] == "image/png"
    assert cdn.headers[0]["Content-Length"] == str(len(CONTENT))


async def test_upload_again(fal: ScriptedFal, picture: Path) -> None:
    """After any passing failure the upload restarts, a bounded number of times."""
    good = json_answer(200, ticket(fal.url))
    fal.on("initiate", reset, text_answer(503), text_answer(429), text_answer(200, "<html>"), good)
    fal.on("put", close, text_answer(500), text_answer(403), text_answer(200))
    clock = StillClock()
    async with client_of(fal.url, clock, retries=7) as client:
        assert await client.upload(picture, file_name="a", content_type="image/png") == f"{fal.url}/files/a.png"
    assert fal.bodies[-1] == CONTENT
    assert clock.slept == [2, 4, 8, 16, 20, 20, 20]


@pytest.mark.parametrize(
    ("initiate", "put", "error"),
    [
        (json_answer(403, {"detail": "User is locked. Reason: Exhausted balance."}), None, FalAccountError),
        (json_answer(422, {"detail": "bad"}), None, FalRefused),
        (text_answer(502), None, FalUnreachable),
        (close, None, FalUnreachable),
        (stall, None, FalUnreachable),
        (huge, None, FalReplyTooLarge),
        (json_answer(200, {"upload_url": "ftp://x/y", "file_url": "https://x/y"}), None, FalProtocolError),
        (None, text_answer(413), FalRefused),
        (None, text_answer(500), FalUnreachable),
        (None, reset, FalUnreachable),
    ],
)
async def test_upload_fails(
    fal: ScriptedFal, picture: Path, initiate: Responder | None, put: Responder | None, error: type[FalError]
) -> None:
    """A failed upload raises the error for its cause."""
    fal.on("initiate", initiate or json_answer(200, ticket(fal.url)))
    fal.on("put", put or text_answer(200))
    async with client_of(fal.url, retries=1, reply_timeout_s=1.0, reply_mib_max=1) as client:
        with pytest.raises(error) as caught:
            await client.upload(picture, file_name="a", content_type="image/png")
    assert type(caught.value) is error


async def test_upload_takes_too_long(fal: ScriptedFal, picture: Path) -> None:
    """One timeout covers the whole upload."""
    fal.on("initiate", stall)
    async with client_of(fal.url, upload_timeout_s=0.2) as client:
        with pytest.raises(FalUnreachable, match="longer than"):
            await client.upload(picture, file_name="a", content_type="image/png")


async def test_upload_that_is_not_taken(fal: ScriptedFal, film: Path) -> None:
    """If the server stops reading, the upload ends after the reply timeout, not after the upload timeout."""
    fal.on("initiate", json_answer(200, ticket(fal.url)))
    fal.on("put", deaf)
    fal.takes_bodies = False
    async with client_of(fal.url, retries=1, reply_timeout_s=0.3, upload_timeout_s=20.0) as client:
        with pytest.raises(FalUnreachable, match="no whole reply"):
            await client.upload(film, file_name="large.mp4", content_type="video/mp4")
    assert fal.count("put") == 2


async def test_upload_of_a_file_that_shrank(fal: ScriptedFal, tmp_path: Path) -> None:
    """A file that is shorter than announced is detected at once, and fal stores no part of it."""
    path = tmp_path / "a.png"
    path.write_bytes(CONTENT)

    async def shrink(request: web.Request) -> web.StreamResponse:
        path.write_bytes(b"")
        return await json_answer(200, ticket(fal.url))(request)

    fal.on("initiate", shrink)
    fal.on("put", text_answer(200))
    async with client_of(fal.url, retries=0) as client:
        with pytest.raises(FalUnreachable):
            await client.upload(path, file_name="a", content_type="image/png")
    assert fal.bodies == []


async def test_upload_memory(fal: ScriptedFal, film: Path) -> None:
    """A large file is never held in memory as a whole."""
    fal.on("initiate", json_answer(200, ticket(fal.url)))
    fal.on("put", text_answer(200))
    fal.keep_bodies = False
    async with client_of(fal.url) as client:
        tracemalloc.start()
        try:
            await client.upload(film, file_name="large.mp4", content_type="video/mp4")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert fal.received_bytes == 48 * MIB
    assert peak < 12 * MIB


async def test_missing_file(fal: ScriptedFal, tmp_path: Path) -> None:
    """A missing file is an OSError, and no request is sent."""
    async with client_of(fal.url) as client:
        with pytest.raises(FileNotFoundError):
            await client.upload(tmp_path / "gone", file_name="a", content_type="image/png")
    assert fal.seen == []


async def test_result(fal: ScriptedFal) -> None:
    """A result is fetched despite passing failures, with the units that fal charged."""
    good = json_answer(200, VIDEO, {"X-Fal-Billable-Units": "5.5"})
    fal.on("result", text_answer(502), reset, text_answer(503), half, garbage, text_answer(200, "<html>"), good)
    async with client_of(fal.url, retries=7) as client:
        output = await client.result(urls(fal.url))
    assert (output.url, output.size_bytes, output.seed, output.billed_units) == (URL, 7, 42, 5.5)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (json_answer(400, {"detail": "Request is still in progress"}), FalNotReady),
        (json_answer(422, {"detail": [{"type": "image_load_error", "msg": "x"}]}), FalFailure),
        (text_answer(500, "Internal Server Error", {"X-Fal-Error-Type": "runner_server_error"}), FalFailure),
        (json_answer(401, {"detail": "No user found for Key ID and Secret"}), FalAccountError),
        (json_answer(404, {"status": "NOT_FOUND"}), FalRefused),
    ],
)
async def test_no_result(fal: ScriptedFal, answer: Responder, error: type[FalError]) -> None:
    """A final answer is not retried."""
    fal.on("result", answer)
    async with client_of(fal.url) as client:
        with pytest.raises(error) as caught:
            await client.result(urls(fal.url))
    assert type(caught.value) is error
    assert fal.count("result") == 1


@pytest.mark.parametrize("answer", [text_answer(503), text_answer(200, "<html>down for maintenance</html>")])
async def test_result_while_fal_is_down(fal: ScriptedFal, answer: Responder) -> None:
    """While fal is down, or a gateway speaks in its place, a result is asked for a few times, then unreachable."""
    fal.on("result", answer)
    async with client_of(fal.url, retries=3) as client:
        with pytest.raises(FalUnreachable):
            await client.result(urls(fal.url))
    assert fal.count("result") == 4


async def test_result_nonsense(fal: ScriptedFal) -> None:
    """A malformed success is retried a bounded number of times."""
    fal.on("result", huge)
    async with client_of(fal.url, reply_mib_max=1) as client:
        with pytest.raises(FalProtocolError):
            await client.result(urls(fal.url))
    assert fal.count("result") == 4


async def test_redirect_is_not_followed(fal: ScriptedFal) -> None:
    """A redirect is not followed, so its target never gets the key."""
    async with scripted_fal() as foreign:
        fal.on("result", text_answer(302, headers={"Location": f"{foreign.url}/x"}))
        async with client_of(fal.url, retries=0) as client:
            with pytest.raises(FalProtocolError):
                await client.result(urls(fal.url))
        assert foreign.seen == []


async def test_cookies_are_not_kept(fal: ScriptedFal) -> None:
    """Cookies that fal sets are never sent back."""
    set_it = {"Set-Cookie": "who=wanda; Path=/"}
    fal.on("result", json_answer(200, VIDEO, set_it))
    fal.on("submit", json_answer(200, fal.accepted(), set_it))
    fal.on("stream", events(COMPLETED))
    async with client_of(fal.url) as client:
        await client.result(urls(fal.url))
        await client.submit("fal-ai/wan", {})
        await client.result(urls(fal.url))
        assert [change async for change in client.follow(urls(fal.url), deadline_s=60, requester=REQUESTER)]
    assert fal.seen == ["result", "submit", "result", "stream"]
    assert not any("Cookie" in headers for headers in fal.headers)


async def test_a_reply_is_gone_once_it_is_read(fal: ScriptedFal) -> None:
    """Nothing of it waits for the garbage collector, which comes rarely."""
    fal.on("result", json_answer(200, VIDEO))
    replies: list[weakref.ref[httpx.Response]] = []

    async def note(reply: httpx.Response) -> None:
        replies.append(weakref.ref(reply))

    settings = fal_settings(fal.url)
    async with make_http(settings) as http:
        http.event_hooks = {"response": [note]}
        client = FalClient(http, settings, sleep=StillClock().sleep, random=lambda: 0.0, clock=StillClock())
        gc.disable()
        try:
            await client.result(urls(fal.url))
            assert [reply() for reply in replies] == [None]
        finally:
            gc.enable()


async def test_foreign_urls(fal: ScriptedFal) -> None:
    """No request is sent to a stored URL whose host is no longer configured."""
    async with client_of("http://127.0.0.1:1") as client:
        for call in (client.result, client.cancel):
            with pytest.raises(FalProtocolError):
                await call(urls(fal.url))
    assert fal.seen == []


@pytest.mark.parametrize(
    ("status", "word", "answer"),
    [
        (200, "OK", "removed"),
        (202, "CANCELLATION_REQUESTED", "requested"),
        (400, "ALREADY_COMPLETED", "already_completed"),
        (404, "NOT_FOUND", "not_found"),
    ],
)
async def test_cancel(fal: ScriptedFal, status: int, word: str, answer: str) -> None:
    """A cancel gets one of its four answers despite passing failures."""
    fal.on("cancel", text_answer(503), reset, json_answer(status, {"status": word}))
    async with client_of(fal.url) as client:
        assert await client.cancel(urls(fal.url)) == answer


async def test_prices(fal: ScriptedFal) -> None:
    """Prices are read from all pages, with at most fifty ids per request."""
    row = {"endpoint_id": "fal-ai/wan-i2v", "unit_price": 0.2, "unit": "video", "currency": "USD"}
    more = {"prices": [row | {"endpoint_id": "a/b", "unit_price": 0.1}], "has_more": True, "next_cursor": "c/1"}
    fal.on("prices", json_answer(200, more), json_answer(200, {"prices": [row], "has_more": False}))
    async with client_of(fal.url) as client:
        prices = await client.unit_prices(["a/b", "fal-ai/wan-i2v", "a/b"])
        assert prices == {
            "a/b": UnitPrice(Decimal("0.1"), "video"),
            "fal-ai/wan-i2v": UnitPrice(Decimal("0.2"), "video"),
        }
        fal.on("prices", json_answer(200, {"prices": []}))
        assert await client.unit_prices([f"a/{n}" for n in range(120)]) == {}
    assert fal.count("prices") == 5
    assert fal.targets[1].endswith("&cursor=c/1")
    assert [target.count("endpoint_id=") for target in fal.targets[2:]] == [50, 50, 20]


async def test_prices_are_asked_for_once(fal: ScriptedFal) -> None:
    """The price list, which also checks the key while an operator waits, is requested without retries."""
    clock = StillClock()
    fal.on("prices", json_answer(200, {"prices": []}), text_answer(401), text_answer(503), close)
    async with client_of(fal.url, clock) as client:
        await client.unit_prices(["fal-ai/wan-i2v"])
        with pytest.raises(FalAccountError):
            await client.unit_prices(["fal-ai/wan-i2v"])
        for _ in range(2):
            with pytest.raises(FalUnreachable):
                await client.unit_prices(["fal-ai/wan-i2v"])
    assert clock.slept == []


async def test_the_operator_reads_of_an_outage_once(
    fal: ScriptedFal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However many requests fail, there is one line when fal's trouble begins, and one when it is over."""
    monkeypatch.setattr("bot.fal.http.TROUBLE_QUIET_S", 0)
    fal.on("result", *[text_answer(503)] * 3, json_answer(200, VIDEO))
    async with client_of(fal.url, StillClock()) as client:
        await client.result(urls(fal.url))
        await client.result(urls(fal.url))
    lines = [record.getMessage() for record in caplog.records if record.name == "bot.trouble"]
    host = fal.url.removeprefix("http://")
    assert lines == [
        f"trouble with fal ({host}) begins: it answers 503",
        f"trouble with fal ({host}) is over after 0 s (3 failures)",
    ]
