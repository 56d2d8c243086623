"""The client of fal's platform API, on the stand-in and on a scripted server."""

import logging
import time

import httpx
import pytest

from bot.errors import FalAccountError, FalProtocolError, FalUnreachable
from bot.fal.platform import FalPlatform
from bot.net.transport import make_http
from sandbox.fal.server import ADMIN_KEY, FalSandbox
from tests.support.scripted_fal import KEY, ScriptedFal, fal_settings, json_answer, reset, text_answer

WAN27 = "fal-ai/wan/v2.7/image-to-video"
HOUR_S = 3600


async def test_reads_the_account() -> None:
    """The balance, the bill in pages and the past requests are read, each with its own key."""
    async with FalSandbox(seconds_per_job=0.05, is_strict=True) as sandbox, httpx.AsyncClient() as http:
        environment = sandbox.environment()
        settings = fal_settings(sandbox.url, key=environment["FAL_KEY"], admin_key=ADMIN_KEY)
        for n in range(3):
            body = {"request": f"other-{n}", "endpoint": WAN27, "nano_usd": n, "ago_s": 60 - n}
            (await http.post(f"{sandbox.url}/sandbox/bill", json=body)).raise_for_status()
        async with make_http(settings) as wire:
            platform = FalPlatform(wire, settings)
            now = time.time()
            assert await platform.balance() == 24.5
            first = await platform.billing_page(now - HOUR_S, now + 1, limit=2)
            last = await platform.billing_page(now - HOUR_S, now + 1, limit=2, cursor=first.cursor)
            assert [one.nano_usd for one in (*first.items, *last.items)] == [0, 1, 2]
            assert last.cursor is None
            assert (await platform.request_page([WAN27], now - HOUR_S, now)).items == ()
        without = fal_settings(sandbox.url, key=environment["FAL_KEY"], admin_key=environment["FAL_KEY"])
        async with make_http(without) as wire:
            with pytest.raises(FalAccountError) as caught:
                await FalPlatform(wire, without).balance()
            assert caught.value.status == 403


async def test_the_admin_key_stays_where_it_belongs(fal: ScriptedFal, caplog: pytest.LogCaptureFixture) -> None:
    """The admin key goes to the platform API's host only, and is in no log, error or repr."""
    caplog.set_level(logging.DEBUG)
    admin_key = "admin-id:admin-secret"
    fal.on("balance", json_answer(422, {"detail": f"bad {admin_key}"}), reset, text_answer(200, f"<p>{admin_key}"))
    settings = fal_settings(fal.url, admin_key=admin_key, queue_url="http://127.0.0.3:1")
    async with make_http(settings) as wire:
        platform = FalPlatform(wire, settings)
        for _ in range(3):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it does not tell
                await platform.balance()
            assert "admin-secret" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {settings}"
        with pytest.raises(FalProtocolError):
            platform._http.headers_for(settings.queue_url, as_admin=True)
    assert set(fal.seen) == {"balance"}
    assert "admin-secret" not in caplog.text
    assert KEY not in caplog.text


async def test_without_an_admin_key(fal: ScriptedFal) -> None:
    """Without an admin key nothing is sent, and a server that is down can be asked again."""
    settings = fal_settings(fal.url)
    async with make_http(settings) as wire:
        with pytest.raises(FalAccountError, match="FAL_ADMIN_KEY"):
            await FalPlatform(wire, settings).balance()
    assert fal.seen == []
    away = fal_settings("http://127.0.0.1:1", admin_key="id:secret")
    async with make_http(away) as wire:
        with pytest.raises(FalUnreachable):
            await FalPlatform(wire, away).billing_page(0.0, 1.0, limit=10)
