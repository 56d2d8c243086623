"""Looks at fal through the stand-in: what breaks, what cannot be read, and what comes back."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import random
from typing import Any

import httpx
import pytest

from bot import metrics
from bot.catalogue.registry import MODES, price_table
from bot.cli.check_fal import check_fal
from bot.errors import Closed, FalAccountError, SettingsRefused
from bot.fal.client import FalClient
from bot.jobs.alarms import alarms_on
from bot.net.transport import make_http
from bot.runner.alarms import Alarms
from bot.runner.fal_account import FalAccount
from bot.runner.fal_watch import FalWatch
from bot.settings import FalSettings, Settings, WatchSettings
from bot.sharding import every_shard
from sandbox.fal.server import FalSandbox
from tests.support.runner_rig import wait_for
from tests.support.stores import MemoryStore

ENDPOINT = "fal-ai/wan/v2.7/image-to-video"


@dataclass
class Rig:
    """A watch on the stand-in, with a database in memory; `balance` is what its account has."""

    fal: FalSandbox
    http: httpx.AsyncClient
    store: MemoryStore
    alarms: Alarms
    account: FalAccount
    client: FalClient
    balance: float = 100.0

    def watch(self, **settings: Any) -> FalWatch:
        """Return the watch with these settings."""

        async def balance() -> float:
            return self.balance

        return FalWatch(
            self.client,
            self.alarms,
            self.account,
            self.store,
            balance=balance,
            prices=price_table(),
            settings=WatchSettings(**settings),
            shards=every_shard,
        )

    async def plan(self, path: str, **body: Any) -> None:
        """Change something at the stand-in."""
        (await self.http.post(f"{self.fal.url}/sandbox/{path}", json=body)).raise_for_status()

    def on(self) -> set[tuple[str, str, bool]]:
        """Return the alarms that are on, and whether each closes."""
        return {(one.kind, one.mode, one.closes) for one in self.alarms.on}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A watch that retries nothing and waits for no reply for more than half a second."""
    async with FalSandbox(is_strict=True) as fal:
        addresses: dict[str, Any] = dict(fal.environment())
        settings = FalSettings(reply_timeout_s=0.5, retries=0, **addresses)
        async with make_http(settings) as http:
            client = FalClient(http, settings, sleep=asyncio.sleep, random=random, clock=time.time)
            store = MemoryStore()
            alarms = Alarms(store, clock=time.time)
            account = FalAccount(alarms, client.check_account, pause_s=0.02)
            yield Rig(fal, http, store, alarms, account, client)
            await account.close()


async def test_what_is_never_read_is_missed(rig: Rig) -> None:
    """The alert counts a price list that this process never could read from its first look."""
    labels = {"what": "price"}
    metrics.FAL_LOOKED_AT.labels(**labels).set(0)
    await rig.plan("faults", at="pricing", status=500, times=9)
    watch, began = rig.watch(), time.time()
    assert not await watch.look_at_prices()
    first = metrics.REGISTRY.get_sample_value("wanda_fal_look_timestamp_seconds", labels)
    assert first is not None
    assert first >= began
    assert not await watch.look_at_prices()
    assert metrics.REGISTRY.get_sample_value("wanda_fal_look_timestamp_seconds", labels) == first


async def test_a_quiet_day(rig: Rig) -> None:
    """Where all is as it should be there is no alarm, and the list prices are remembered."""
    watch = rig.watch()
    assert [await watch.look_at_account(), await watch.look_at_prices(), await watch.look_at_schemas()] == [True] * 3
    assert rig.on() == set()
    rig.alarms.check(*(mode.id for mode in MODES))


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 404, "body": "gone"},
        {"status": 200, "body": "<html>"},
        {"status": 200, "body": {"prices": 7, "paths": []}},
        {"status": 302},
        {"cut": True},
        {"lose_reply": True},
        {"delay_s": 5},
        {"bomb_mib": 64},
    ],
    ids=str,
)
async def test_what_cannot_be_read_changes_nothing(rig: Rig, fault: dict[str, Any]) -> None:
    """Garbage, errors, slow and cut answers turn no mode off and on; the next look is sooner."""
    await rig.plan("schemas", endpoint=ENDPOINT, remove=["seed"])
    watch = rig.watch()
    assert not await watch.look_at_schemas()
    assert rig.on() == {("schema", "wan27-image", True)}
    for at in ("schema", "pricing"):
        await rig.plan("faults", at=at, times=50, **fault)
    assert not await watch.look_at_prices()
    assert not await watch._look_at_schema(MODES[-1])
    assert {one for one in rig.on() if one[2]} == {("schema", "wan27-image", True)}


async def test_a_mode_that_is_off_comes_back(rig: Rig) -> None:
    """A broken schema and a raised price close their modes alone, in every process, until they fit again."""
    watch = rig.watch()
    await watch.look_at_prices()
    await rig.plan("schemas", endpoint=ENDPOINT, require=["style"])
    await rig.plan("prices", endpoint="fal-ai/wan-i2v", unit_price="0.5")
    await watch.look_at_schemas()
    await watch.look_at_prices()
    other = Alarms(rig.store, clock=time.time)
    await other.refresh()
    for alarms in (rig.alarms, other):
        assert dict(alarms.off()) == {"wan27-image": "schema", "wan21-image": "price"}
        with pytest.raises(Closed, match=r"Wan 2\.7 image is off for now, because fal changed what it takes"):
            alarms.check("wan22-video", "wan27-image")
        alarms.check("wan22-video")
    (await rig.http.delete(f"{rig.fal.url}/sandbox/faults")).raise_for_status()
    assert await watch.look_at_schemas()
    assert await watch.look_at_prices()
    assert await rig.store.read(alarms_on()) == ()


async def test_what_is_told_alone(rig: Rig) -> None:
    """A price that is gone or lower and a schema that is gone are told; a mode that is kept on stays on."""
    watch = rig.watch(modes_kept_on="wan27-image")
    await watch.look_at_prices()
    await rig.plan("prices", endpoint="fal-ai/wan-i2v", gone=True)
    await rig.plan("prices", endpoint="fal-ai/wan/v2.2-a14b/video-to-video", unit_price=0.01)
    await rig.plan("prices", endpoint=ENDPOINT, currency="EUR")
    await rig.plan("schemas", endpoint="fal-ai/wan-i2v", gone=True)
    await rig.plan("schemas", endpoint=ENDPOINT, remove=["prompt"])
    await watch.look_at_prices()
    await watch.look_at_schemas()
    assert rig.on() == {
        *((kind, mode, False) for kind in ("price", "schema") for mode in ("wan27-image", "wan21-image")),
        ("price", "wan22-video", False),
    }
    assert rig.alarms.off() == {}
    with pytest.raises(SettingsRefused, match="WANDA_MODES_KEPT_ON is not usable: there is no mode wan99"):
        rig.watch(modes_kept_on="wan99")


async def test_a_balance_that_hovers(rig: Rig) -> None:
    """A low balance is over when it is a tenth above the warning, and is told anew when it is used up."""
    watch = rig.watch()
    said: list[str] = []
    for rig.balance in (10.0, 9.99, 10.5, 9.5, 0.0, -3.0, 10.99, 11.0, 10.5):
        await watch.look_at_account()
        said.append(next((one.what for one in rig.alarms.on), ""))
    assert said == ["", "low", "low", "low", "used up", "used up", "low", "", ""]


async def test_a_locked_account_is_probed_until_it_opens(rig: Rig) -> None:
    """A lock closes everything, in whatever words fal says it, and is over with the first probe that passes."""
    await rig.plan("faults", locked=True)
    await rig.watch().look_at_account()
    assert rig.on() == {("account", "", True)}
    assert set(rig.alarms.off().values()) == {"account"}
    await rig.account.opened(within_s=0.05)
    assert rig.account.is_closed
    await rig.plan("faults", locked=False)
    await rig.account.opened(within_s=20)
    assert rig.on() == set()
    await rig.plan("faults", at="upload", status=403, body={"detail": "No access to this endpoint"})
    await rig.watch().look_at_account()
    assert rig.on() == {("account", "", True)}

    async def over() -> bool | None:
        return True if not rig.on() else None

    await wait_for(over)


async def test_whether_it_is_the_account_or_one_mode(rig: Rig) -> None:
    """A 403 for a mode that names no lock closes the account if uploads are refused too, and else nothing."""
    forbidden = FalAccountError("Forbidden", status=403)
    expected = {("access", "wan27-image", False)}

    async def is_so() -> bool | None:
        return True if rig.on() == expected else None

    await rig.account.note(forbidden, mode="wan27-image")
    await wait_for(is_so)
    rig.alarms.check("wan27-image")
    await rig.plan("faults", at="upload", status=403, body={"detail": "Forbidden"}, times=1000)
    expected.add(("account", "", True))
    await rig.account.note(forbidden, mode="wan21-image")
    await wait_for(is_so)
    expected.remove(("access", "wan27-image", False))
    rig.account.note_taken("wan27-image")
    await wait_for(is_so)


async def test_a_probe_that_fal_does_not_answer_says_nothing(rig: Rig) -> None:
    """While fal cannot be asked, nobody is told that it takes the account's files; the next 403 asks again."""
    forbidden = FalAccountError("Forbidden", status=403)
    await rig.plan("faults", at="upload", status=503, times=1)
    await rig.account.note(forbidden, mode="wan27-image")
    assert rig.account._judging is not None
    await rig.account._judging
    assert rig.on() == set()
    await rig.account.note(forbidden, mode="wan27-image")
    await rig.account._judging
    assert rig.on() == {("access", "wan27-image", False)}


async def test_a_key_that_is_refused(rig: Rig) -> None:
    """A price list that refuses the key has the account asked at once."""
    rig.fal.keys.clear()
    assert not await rig.watch().look_at_prices()
    assert [one.what for one in rig.alarms.on] == ["key"]
    assert rig.account.is_closed


async def test_check_says_it_at_once(rig: Rig) -> None:
    """`bot check` finds what the watch would, one line for each, and is silent about it where all is well."""
    addresses: dict[str, Any] = {**rig.fal.environment(), **rig.fal.admin_environment()}
    settings = Settings(fal=FalSettings(**addresses))
    assert all(one.fine for one in await check_fal(settings))
    await rig.plan("faults", locked=True)
    await rig.plan("settings", balance_usd=3.5)
    await rig.plan("prices", endpoint=ENDPOINT, unit_price=0.12)
    await rig.plan("schemas", endpoint=ENDPOINT, remove=["seed"])
    wrong = {one.subject: one.text for one in await check_fal(settings) if not one.fine}
    assert wrong.keys() == {"fal", "fal's balance", "wan27-image", "schemas"}
    assert wrong["fal"].startswith("fal has locked the account (403)")
    assert wrong["fal's balance"] == "$3.50, below the $10.00 of your warning; top it up"
    assert wrong["wan27-image"].startswith("fal lists $0.12 a second; Wanda counts $0.10 at 720p, $0.15 at 1080p; look")
    assert wrong["schemas"] == "fal's schema of Wan 2.7 image has changed: `seed` is gone."
