"""fal's webhooks of every kind, from the stand-in's POST to the job's end, on both engines."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import random
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.cli import check
from bot.errors import SettingsRefused
from bot.fal.client import FalClient
from bot.jobs.calls import take_call
from bot.jobs.model import Job
from bot.ledger.audit import totals, verify
from bot.runner import job_channel
from bot.runner.runner import Runner
from bot.settings import Settings, WebSettings
from bot.sharding import Shards, ShardsNow, every_shard, shard_plan
from bot.storage.database import open_store
from bot.storage.owned_store import OwnedStore
from bot.web.calls import Calls
from bot.web.server import WebServer
from tests.support.ports import free_port
from tests.support.runner_rig import RunnerRig, make_runner, postgres_server, rig, store, store_settings, wait_for
from tests.support.stores import PostgresServer, settings_for

__all__ = ["postgres_server", "rig", "store", "store_settings"]
TWO = {"submit": 1, "result": 1}
SQLITE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # nothing that engines differ in
FLAGGED = {"at": "result", "error_type": "content_policy_violation"}


@dataclass
class Called:
    """A runner whose fal calls it, at a web server of its own; `route` is that of the webhooks."""

    rig: RunnerRig
    url: str
    calls: Calls

    async def order(self, job_id: str = "a" * 32, **options: Any) -> None:
        """Order a video."""
        await self.rig.runner.accept(await self.rig.order(job_id, **options))

    async def settings(self, **changes: Any) -> None:
        """Change fal's settings."""
        await self._post("settings", changes)

    async def request(self) -> dict[str, Any]:
        """Return the last request that reached fal, once there is one."""

        async def look() -> dict[str, Any] | None:
            listed = await self.rig.requests()
            return listed[-1] if listed else None

        return await wait_for(look)

    async def finish(self) -> None:
        """Have fal finish what runs, and wait until the last request has ended."""

        async def ended() -> bool | None:
            await self._post("finish", {"count": 1})
            return True if (await self.request())["state"] == "COMPLETED" else None

        await wait_for(ended)

    async def call(self, **wrong: Any) -> int:
        """Have fal call about the last request, now; returns the answer's status."""
        request_id = (await self.request())["id"]
        return (await self._post("webhook", {"request": request_id, **wrong}))["status"]

    async def _post(self, path: str, body: Any) -> Any:
        reply = await self.rig.http.post(f"{self.rig.fal.url}/sandbox/{path}", json=body)
        reply.raise_for_status()
        return reply.json()


@pytest.fixture
async def called(rig: RunnerRig) -> AsyncIterator[Called]:
    """A runner that follows no job closely, and hears of each by fal's webhook alone."""
    async with AsyncExitStack() as stack:
        yield await make_called(stack, rig)


async def make_called(
    stack: AsyncExitStack, rig: RunnerRig, *, shards: ShardsNow = every_shard, by: Calls | None = None, **fal: Any
) -> Called:
    """Return a runner with webhooks in place of the rig's; those of its jobs go to `by`, another process's."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = rig.settings.model_copy(
        update={
            "web": WebSettings(port=port, public_url=url),
            "fal": rig.settings.fal.model_copy(update={"streams_max": 0, "keys_pause_s": 0.0, **fal}),
        }
    )
    calls = Calls(settings)
    server = WebServer("127.0.0.1", port, calls.routes)
    await server.start()
    stack.push_async_callback(server.close)
    assert isinstance(rig.store, OwnedStore)
    rig.runner = make_runner(
        settings,
        rig.store,
        rig.http,
        rig.cards,
        member_microusd=5_000_000,
        webhooks=await (by or calls).addresses(rig.store),
        shards=shards,
    )
    await calls.addresses(rig.store)
    rig.others.append(rig.runner)
    client = FalClient(rig.http, settings.fal, sleep=asyncio.sleep, random=random, clock=time.time)
    await job_channel.hear(rig.store, rig.runner)
    calls.take(stack, rig.store, client, rig.runner)
    return Called(rig, url, calls)


async def test_two_requests_make_a_video(called: Called) -> None:
    """A job that nobody watches asks fal twice: to submit it, and for its result."""
    await called.order()
    job = await called.rig.until(lambda job: job.told)
    assert (job.state, (await called.request())["asked"]) == ("done", TWO)
    assert [job.state for job in called.rig.cards.delivered] == ["delivering"]
    assert await called.rig.store.read(verify()) == []


@SQLITE
async def test_a_watched_job_hears_of_both(rig: RunnerRig) -> None:
    """Within the limit of streams a job shows its progress, and its stream and its webhook bring one video."""
    async with AsyncExitStack() as stack:
        called = await make_called(stack, rig, streams_max=1)
        await called.settings(seconds_per_job=3600)
        await called.order()
        await rig.until(lambda job: job.state == "running")
        await called.finish()
        await rig.until(lambda job: job.told)
        assert (await called.request())["asked"] == TWO | {"stream": 1}
        assert len(rig.cards.delivered) == 1


@pytest.mark.parametrize(
    "fault", [{"copies": 3}, {"payload_error": True}, {"delay_s": 0.3}], ids=["thrice", "odd", "late"]
)
@SQLITE
async def test_a_webhook_may_be_odd(called: Called, fault: dict[str, Any]) -> None:
    """Sent three times, without its payload, or late: the video comes once."""
    await called.rig.fault(at="webhook", **fault)
    await called.order()
    await called.rig.until(lambda job: job.told)
    assert (await called.request())["asked"] == TWO
    assert (len(called.rig.cards.delivered), await called.rig.store.read(verify())) == (1, [])


@SQLITE
async def test_a_failure_is_called_too(called: Called) -> None:
    """Of a request that failed the result says why, and nothing is charged that fal did not bill."""
    await called.rig.fault(**FLAGGED)
    await called.order()
    job = await called.rig.until(lambda job: job.told)
    assert (job.state, job.failure and job.failure.kind) == ("failed", "content_policy_violation")
    assert (await called.request())["asked"] == TWO


@SQLITE
async def test_a_webhook_before_the_end_is_not_believed(called: Called) -> None:
    """What fal hands out decides: a call that comes before there is a result ends nothing, and the next one does."""
    await called.settings(seconds_per_job=3600)
    await called.order()
    await called.rig.until(lambda job: job.state == "queued")
    assert await called.call() == 200
    await called.rig.until(lambda job: job.state == "running" and job.completed_at is None)
    await called.finish()
    await called.rig.until(lambda job: job.state == "done")


async def test_a_webhook_after_the_end_changes_nothing(called: Called) -> None:
    """The same again is answered like the first, so that fal does not send it again."""
    await called.order()
    before = await called.rig.until(lambda job: job.told)
    assert [await called.call() for _ in range(2)] == [200, 200]
    assert await called.rig.job() == before


@pytest.fixture
async def server_url(postgres_server: PostgresServer) -> AsyncGenerator[str]:
    """A database with the whole schema, which nobody has taken."""
    async with postgres_server.whole_database() as url:
        yield url


@asynccontextmanager
async def two_processes(
    rig: RunnerRig, url: str, folder: Path, of_other: Collection[int]
) -> AsyncGenerator[tuple[Called, Called]]:
    """Two processes with one database: one with these shards, which takes the webhooks, and the owner of shard 0."""
    async with AsyncExitStack() as stack:
        processes: list[Called] = []
        for shard, held in ((1, frozenset(of_other)), (0, frozenset({0}))):
            store = await open_store(settings_for(folder / str(shard), url), shard_plan(f"{shard}/2"))
            stack.push_async_callback(store.close)
            stack.push_async_callback(stop_all, processes)
            assert store.ownership is not None
            assert not held or await store.ownership.claim(most=1) == held
            by = processes[0].calls if processes else None
            shards = Shards(2, held)
            mine = replace(rig, store=store, others=[])
            processes.append(await make_called(stack, mine, shards=lambda shards=shards: shards, by=by))
        other, owner = processes
        await owner.settings(seconds_per_job=3600)
        yield other, owner


@pytest.mark.parametrize(("lost", "of_other"), [(False, {1}), (True, ())], ids=["followed", "uncertain"])
@SQLITE
async def test_another_process_takes_it(
    rig: RunnerRig, server_url: str, tmp_path: Path, *, lost: bool, of_other: Collection[int]
) -> None:
    """A webhook may come to any process, also to a standby; the one that has the job's shard goes on with it."""
    async with two_processes(rig, server_url, tmp_path, of_other) as (other, owner):
        if lost:
            await rig.fault(lose_reply=True)
        await owner.order()
        await owner.rig.until(lambda job: job.told if lost else job.state == "queued")
        assert (await owner.request())["webhook"].startswith(other.url)
        await owner.finish()
        await owner.rig.until(lambda job: job.state == "done")
        assert (await owner.request())["asked"] == TWO
        assert (len(rig.cards.delivered), other.rig.runner._tasks._tasks) == (1, {})


@SQLITE
async def test_another_process_cancels_it(rig: RunnerRig, server_url: str, tmp_path: Path) -> None:
    """A cancel that another process stores wakes the owner of a parked job, whose card says at once how it ends."""
    async with two_processes(rig, server_url, tmp_path, {1}) as (other, owner):
        await rig.fault(at="webhook", lose_reply=True, times=100)
        await owner.order()
        await parked(owner)
        assert (await other.rig.runner.cancel("a" * 32, member_id=2)).startswith("Wanda asked fal to stop.")
        assert (await owner.rig.until(lambda job: job.told)).state == "cancelled"
        await wait_for(lambda: forgotten(owner.rig.runner))
        await wait_for(lambda: forgotten(other.rig.runner))


async def stop_all(processes: list[Called]) -> None:
    """Stop the runners that are left, before their databases are closed."""
    while processes:
        await processes.pop().rig.runner.stop()


@pytest.mark.parametrize(
    ("forged", "status"), [("signature", 401), ("timestamp", 401), ("unsigned", 401), ("request", 404), ("body", 400)]
)
@SQLITE
async def test_a_forged_webhook_changes_nothing(called: Called, forged: str, status: int) -> None:
    """A webhook that fal did not sign now for this request is refused, and the right one is taken afterwards."""
    await called.settings(seconds_per_job=3600)
    await called.order()
    before = await called.rig.until(lambda job: job.state == "queued")
    assert await called.call(forged=forged) == status
    assert await called.rig.job() == before
    assert await called.call() == 200


@SQLITE
async def test_an_address_that_wanda_did_not_make(called: Called) -> None:
    """Job ids are public: without the proof in the address nothing is read, and nobody learns which jobs there are."""
    await called.order()
    await called.rig.until(lambda job: job.told)
    url = (await called.request())["webhook"]
    for other in (url[:-1], url[:-4] + "0000", f"{called.url}/fal/{'b' * 32}/{url[-40:]}", f"{called.url}/fal/%FF/%00"):
        reply = await called.rig.http.post(other, content=b"x" * 100)
        assert (reply.status_code, reply.json()) == (404, {"wanda": "unknown"})
    assert (await called.rig.http.post(url, content=b"x" * 600_000)).status_code == 413
    assert (await called.rig.http.get(url)).status_code == 405


@SQLITE
async def test_a_body_without_an_announced_length(called: Called) -> None:
    """Of such a body too no more is read than the limit."""
    await called.order()
    await called.rig.until(lambda job: job.told)
    signed = {f"X-Fal-Webhook-{name}": "1" for name in ("Request-Id", "User-Id")}
    signed |= {"X-Fal-Webhook-Timestamp": str(int(time.time())), "X-Fal-Webhook-Signature": "0" * 128}

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 65_536

    reply = await called.rig.http.post((await called.request())["webhook"], content=endless(), headers=signed)
    assert reply.status_code == 400


@SQLITE
async def test_one_address_keeps_no_other_job_waiting(called: Called) -> None:
    """Whoever has learned one job's address can hold two webhooks of that job open, and no more."""
    await called.order()
    await called.rig.until(lambda job: job.told)
    url = str((await called.request())["webhook"])
    signed = {"X-Fal-Webhook-Request-Id": "1", "X-Fal-Webhook-User-Id": "1", "X-Fal-Webhook-Signature": "0" * 128}
    signed |= {"X-Fal-Webhook-Timestamp": str(int(time.time()))}
    head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
    parts = urlsplit(url)
    opened = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(2)]
    for _, writer in opened:
        writer.write(f"POST {parts.path} HTTP/1.1\r\nHost: wanda\r\nContent-Length: 9\r\n{head}\r\n".encode())

    async def refused() -> bool | None:
        reply = await called.rig.http.post(url, content=b"{}", headers=signed)
        return True if (reply.status_code, reply.json()) == (503, {"wanda": "busy"}) else None

    await wait_for(refused)
    await called.order("b" * 32)
    assert (await called.rig.until(lambda job: job.told, "b" * 32)).state == "done"
    for _, writer in opened:
        writer.close()


async def test_a_lost_reply_is_found_again(called: Called) -> None:
    """A job whose submit's reply was lost becomes a video when fal calls; its member pays nothing, the server does."""
    await called.settings(seconds_per_job=3600)
    await called.rig.fault(lose_reply=True)
    await called.order()
    lost = await called.rig.until(lambda job: job.told)
    assert (lost.state, lost.handle) == ("uncertain", None)
    await called.finish()
    job = await called.rig.until(lambda job: job.told and job.state == "done")
    assert (job.charged_microusd, job.revived_at is not None) == (0, True)
    assert (await called.request())["asked"] == TWO
    (server,) = await called.rig.store.read(totals())
    assert (server.held_microusd, server.exposed_microusd, server.spent_microusd) == (0, 0, job.quote_microusd)
    assert await called.rig.store.read(verify()) == []


@SQLITE
async def test_a_webhook_is_sent_again_until_it_is_taken(called: Called) -> None:
    """While nobody takes webhooks the answer is "later", and fal's next try brings the video."""
    await called.settings(webhook_retry_s=0.05)
    route = called.calls.routes[0]
    answer = route._answer
    route.use(None)
    await called.order()

    async def refused() -> int | None:
        attempts = (await called.request())["webhook_attempts"]
        return attempts if attempts > 1 else None

    await wait_for(refused)
    route.use(answer)
    await called.rig.until(lambda job: job.state == "done")
    assert (await called.request())["asked"] == TWO


@SQLITE
async def test_without_any_webhook_fal_is_looked_at(rig: RunnerRig) -> None:
    """A job whose webhook never comes is found by a slow look."""
    async with AsyncExitStack() as stack:
        called = await make_called(stack, rig, look_s=0.2)
        await rig.fault(at="webhook", lose_reply=True, times=100)
        await called.order()
        await rig.until(lambda job: job.state == "done")
        asked = (await called.request())["asked"]
        assert (asked["submit"], asked["result"], "stream" in asked, asked["status"] >= 1) == (1, 1, False, True)


async def test_a_webhook_whose_word_was_lost_is_found_by_the_sweep(called: Called) -> None:
    """Taken by another process whose notification did not arrive, it is in the row, where the sweep looks."""
    await called.settings(seconds_per_job=3600)
    await called.order()
    await called.rig.until(lambda job: job.state == "queued")
    request_id = (await called.request())["id"]
    taking = take_call("a" * 32, request_id, queue_url=called.rig.fal.url, now=time.time())
    assert await called.rig.store.write(taking) == "stored"
    await called.finish()
    await called.rig.runner.sweep()
    await called.rig.until(lambda job: job.state == "done")


@pytest.mark.parametrize("began", [True, False])
@SQLITE
async def test_a_cancel_of_what_nobody_watches(called: Called, began: bool) -> None:
    """Before the cancel fal is asked whether it had begun, because it may bill that; then it is followed closely."""
    await called.settings(seconds_per_job=3600, concurrency=1)
    await called.order("b" * 32)
    await called.rig.until(lambda job: job.state == "queued", "b" * 32)
    if not began:
        await called.order()
        await called.rig.until(lambda job: job.state == "queued")
    job_id = "b" * 32 if began else "a" * 32
    said = await called.rig.runner.cancel(job_id, member_id=2)
    assert said.startswith("Wanda asked fal to stop.")
    job = await called.rig.until(lambda job: job.told, job_id)
    assert (job.state, job.started_at is not None) == ("cancelled", began)
    assert (job.failure and job.failure.billed) == ("perhaps" if began else "no")


@SQLITE
async def test_a_job_that_waits_for_its_webhook_has_no_task(called: Called) -> None:
    """It takes its place among the running jobs, and has a timer; no sweep gives it a task."""
    await called.settings(seconds_per_job=3600)
    await called.order()
    runner = called.rig.runner
    await parked(called)
    await runner.sweep()
    assert (runner._tasks._tasks, len(runner._tasks.parked)) == ({}, 1)
    with runner._tasks.beginning(0) as running:
        assert running == 1
    await called.finish()
    await called.rig.until(lambda job: job.told)
    assert (len(runner._tasks.parked), called.rig.cards.shown[-1][1].is_parked) == (0, True)
    await wait_for(lambda: forgotten(runner))


async def parked(called: Called) -> None:
    """Wait until the one job waits for its webhook."""

    async def look() -> bool | None:
        return True if list(called.rig.runner._tasks.parked) else None

    await wait_for(look)


async def forgotten(runner: Runner) -> bool | None:
    """Return True once the runner keeps nothing of any job."""
    return True if not (runner._tasks.known or runner._progress._live or runner._wakes._woken) else None


@SQLITE
async def test_a_cancel_while_fal_is_looked_at(called: Called) -> None:
    """The look ends without an answer, and the job is followed from then on: its card shows how the cancel ends."""
    await called.settings(seconds_per_job=3600)
    await called.rig.fault(at="webhook", lose_reply=True, times=100)
    await called.order()
    await parked(called)
    await called.rig.runner.stop()
    await called.rig.fault(at="status", delay_s=0.5)
    async with AsyncExitStack() as stack:
        again = await make_called(stack, called.rig)
        await again.rig.runner.start()

        async def is_looked_at() -> bool | None:
            return True if again.rig.runner._wakes.looking else None

        await wait_for(is_looked_at)
        await again.rig.runner.cancel("a" * 32, member_id=2)
        await again.rig.until(lambda job: job.state == "cancelled")


@SQLITE
async def test_a_cancel_before_a_job_is_parked(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not parked then, as if nobody had asked for a cancel, but followed: its card shows how the cancel ends."""
    await called.settings(seconds_per_job=3600)
    await called.rig.fault(at="webhook", lose_reply=True, times=100)
    runner = called.rig.runner
    typical_s, cancelled = runner._driver._typical_s, asyncio.Event()

    async def late(job: Job) -> float | None:
        if not cancelled.is_set():
            await runner.cancel(job.id, member_id=2)
            cancelled.set()
        return await typical_s(job)

    monkeypatch.setattr(runner._driver, "_typical_s", late)
    await called.order()
    await called.rig.until(lambda job: job.state == "cancelled")


@SQLITE
async def test_at_its_deadline_fal_is_asked_once_more(rig: RunnerRig) -> None:
    """A job that no webhook ends is looked at when its time is over, and is uncertain where fal still makes it."""
    rig.settings = rig.settings.model_copy(update={"jobs": rig.settings.jobs.model_copy(update={"deadline_s": 0.5})})
    async with AsyncExitStack() as stack:
        called = await make_called(stack, rig)
        await called.settings(seconds_per_job=3600)
        await called.order()
        job = await rig.until(lambda job: job.told)
        assert (job.state, job.failure and job.failure.kind) == ("uncertain", "unfinished")
        assert (await called.request())["asked"] == TWO


@SQLITE
async def test_another_key_of_fals_is_asked_for(called: Called) -> None:
    """fal may change its key at any time; a signature that fits none has the keys read again."""
    await called.order()
    await called.rig.until(lambda job: job.told)
    assert await called.call() == 200
    await called._post("webhook-key", {})
    assert await called.call() == 200


@SQLITE
async def test_forged_signatures_do_not_make_wanda_ask_for_keys(rig: RunnerRig) -> None:
    """However many are forged, fal's keys are asked for once in a while."""
    async with AsyncExitStack() as stack:
        called = await make_called(stack, rig, keys_pause_s=3600.0)
        await called.order()
        await rig.until(lambda job: job.told)
        await called._post("webhook-key", {})
        assert [await called.call() for _ in range(3)] == [401, 401, 401]


@SQLITE
async def test_a_restart_looks_at_once(called: Called) -> None:
    """A webhook that came while Wanda was off may not come again, so her next start looks at fal itself."""
    await called.settings(seconds_per_job=3600)
    await called.rig.fault(at="webhook", lose_reply=True, times=100)
    await called.order()
    await called.rig.until(lambda job: job.state == "queued")
    await called.rig.runner.stop()
    await called.finish()
    async with AsyncExitStack() as stack:
        again = await make_called(stack, called.rig)
        assert await again.rig.runner.start() == 1
        await again.rig.until(lambda job: job.state == "done")


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://wanda.example", 1),
        ("https://wanda.example?a=1", 1),
        ("https://me@wanda.example", 1),
        ("wanda.example", 1),
    ],
)
def test_an_address_that_fal_cannot_call(url: str, port: int) -> None:
    """The public address is https, without a query, or this machine's."""
    with pytest.raises(ValueError, match="WANDA_PUBLIC_URL"):
        WebSettings.model_validate({"WANDA_PUBLIC_URL": url, "WANDA_WEB_PORT": port})


def test_without_a_web_server_nobody_can_call() -> None:
    """The address without the port is refused at the start, with what to do."""
    with pytest.raises(SettingsRefused, match="set WANDA_WEB_PORT"):
        Calls(Settings(web=WebSettings(port=0, public_url="https://wanda.example")))


async def checked(**web: Any) -> str:
    """Return the line about webhooks of `python -m bot check`."""
    (finding,) = await check._webhooks(Settings(web=WebSettings(**web)))
    return str(finding)


@SQLITE
async def test_the_check_goes_the_public_way(called: Called) -> None:
    """`python -m bot check` asks at the public address, of a running Wanda, or in her place before the first run."""
    port = int(called.url.rpartition(":")[2])
    there = f"ok   webhooks        {called.url} leads to Wanda's port {port}; fal comes the same way, from outside"
    assert await checked(port=port, public_url=called.url) == there
    port = free_port()
    assert (await checked(port=port, public_url=f"http://127.0.0.1:{port}")).startswith("ok ")
    assert await check._webhooks(Settings()) == []


@SQLITE
async def test_the_check_finds_a_wrong_proxy(rig: RunnerRig) -> None:
    """Where somebody else answers, or nobody, it says what the proxy has to do."""
    port = free_port()
    said = await checked(port=port, public_url=rig.fal.url)
    assert said.startswith(f"FIX  webhooks        a POST to {rig.fal.url}/fal/… is answered 401, and not by Wanda; ")
    assert f"have the proxy pass POST /fal/… on to port {port} of this machine, over HTTP, unchanged" in said
    assert "cannot be reached from here" in await checked(port=port, public_url=f"http://127.0.0.1:{free_port()}")
    assert "WANDA_WEB_PORT is 0" in await checked(port=0, public_url=rig.fal.url)
