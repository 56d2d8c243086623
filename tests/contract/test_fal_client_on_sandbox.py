import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.errors import FalAccountError, FalFailure, FalNotReady, FalRefused, FalReplyLost, FalUnreachable
from bot.fal.client import FalClient
from bot.fal.wire.types import FalStatus, Handle
from bot.net.transport import make_http
from bot.settings import FalSettings
from sandbox.fal.server import FalSandbox
from tests.support.job_samples import REQUESTER
from tests.support.media_samples import png

ENDPOINT = "fal-ai/wan-i2v"
TABLE: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "unit/fal/wire/samples/errors.json").read_text())
# One of each status and source; the unit tests read every row.
ERRORS = list({(row["status"], row["source"]): row for row in TABLE}.values())


@pytest.fixture
async def fal() -> AsyncIterator[FalSandbox]:
    """The stand-in, rendering fast."""
    sandbox = FalSandbox(seconds_per_job=0.3, seed=1, is_still=True)
    await sandbox.start(port=0)
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def client(fal: FalSandbox) -> AsyncIterator[FalClient]:
    """The real client, pointed at it by its own environment variables, with short waits."""
    values: dict[str, Any] = fal.environment() | {"poll_min_s": 0.02, "poll_max_s": 0.1, "retries": 3}
    settings = FalSettings(**values)
    async with make_http(settings) as http:
        yield FalClient(http, settings, sleep=asyncio.sleep, random=lambda: 0.0, clock=time.monotonic)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A picture that the mode takes."""
    path = tmp_path / "a.png"
    path.write_bytes(png(640, 480))
    return path


async def submitted(client: FalClient, picture: Path) -> Handle:
    """A request that fal has taken."""
    url = await client.upload(picture, file_name="a.png", content_type="image/png")
    return await client.submit(ENDPOINT, {"prompt": "a calm sea", "image_url": url, "seed": 7})


async def followed(client: FalClient, request: Handle) -> list[FalStatus]:
    """Every change until the end."""
    async with asyncio.timeout(20):
        return [change async for change in client.follow(request, deadline_s=20, requester=REQUESTER)]


async def test_whole_way(client: FalClient, fal: FalSandbox, picture: Path) -> None:
    """Upload, submit, follow, fetch: the video is there, with its seed and the units that fal charged."""
    request = await submitted(client, picture)
    told = await followed(client, request)
    assert any(change.state == "running" for change in told)
    assert told[-1].state == "completed"
    assert len([change for change in told if change.state == "running" and change.fraction is not None]) > 0
    output = await client.result(request)
    assert output.seed == 7
    assert output.billed_units is not None
    async with httpx.AsyncClient() as http:
        video = (await http.get(output.url)).content
    assert video[4:8] == b"ftyp"


async def test_positions(client: FalClient, picture: Path) -> None:
    """Requests beyond what fal runs at once wait with a position, and all are completed."""
    requests = [await submitted(client, picture) for _ in range(4)]
    told = await asyncio.gather(*(followed(client, request) for request in requests))
    assert any(change.state == "queued" and change.position is not None for change in told[-1])
    assert all(changes[-1].state == "completed" for changes in told)


async def test_too_early(client: FalClient, picture: Path) -> None:
    """A result that is not there yet says so."""
    request = await submitted(client, picture)
    with pytest.raises(FalNotReady):
        await client.result(request)


async def test_cancel(client: FalClient, fal: FalSandbox, picture: Path) -> None:
    """A cancel is answered by what it found, and the result tells that it was cancelled."""
    fal.settings.seconds_per_job = 30
    requests = [await submitted(client, picture) for _ in range(3)]
    assert await client.cancel(requests[2]) == "removed"
    told = await followed(client, requests[2])
    assert told[-1].state == "completed"
    with pytest.raises(FalFailure) as caught:
        await client.result(requests[2])
    assert caught.value.kind == "client_cancelled"
    assert await client.cancel(requests[2]) == "already_completed"
    async with asyncio.timeout(10):
        async for change in client.follow(requests[0], deadline_s=10, requester=REQUESTER):
            if change.state == "running":
                assert await client.cancel(requests[0]) == "requested"
    with pytest.raises(FalFailure):
        await client.result(requests[0])


async def test_failures(client: FalClient, fal: FalSandbox, picture: Path) -> None:
    """A documented error comes back as its own kind, with its status."""
    fal.settings.seconds_per_job = 0
    url = await client.upload(picture, file_name="a.png", content_type="image/png")
    for row in ERRORS:
        fal.faults.plan({"at": "result", "error_type": row["type"], "status": row["status"]})
        request = await client.submit(ENDPOINT, {"prompt": "a calm sea", "image_url": url})
        await followed(client, request)
        with pytest.raises(FalFailure) as caught:
            await client.result(request)
        assert (caught.value.kind, caught.value.status) == (row["type"], row["status"])


async def test_lost_reply(client: FalClient, fal: FalSandbox, picture: Path) -> None:
    """A submit whose reply is lost is one request at fal, and never two."""
    fal.faults.plan({"at": "submit", "lose_reply": True})
    with pytest.raises(FalReplyLost):
        await submitted(client, picture)
    async with httpx.AsyncClient(base_url=fal.url) as http:
        assert len((await http.get("/sandbox/submits")).json()) == 1
        assert len((await http.get("/sandbox/requests")).json()) == 1


@pytest.mark.parametrize(
    "faults",
    [
        [{"at": "stream", "cut": True, "times": 3}],
        [{"at": "stream", "status": 405, "times": 100}],
        [{"at": "stream", "status": 503, "times": 100}, {"at": "status", "status": 500, "times": 3}],
        [{"at": "stream", "status": 404, "times": 100}, {"at": "status", "lose_reply": True, "times": 3}],
        [{"at": "requeue"}],
        [{"at": "result", "status": 503, "body": "busy", "times": 3}],
        [{"at": "result", "cut": True}],
        [{"at": "upload", "status": 500, "times": 2}],
    ],
)
async def test_trouble(client: FalClient, fal: FalSandbox, picture: Path, faults: list[dict[str, Any]]) -> None:
    """With passing trouble in any request the video is still made."""
    for fault in faults:
        fal.faults.plan(fault)
    request = await submitted(client, picture)
    assert (await followed(client, request))[-1].state == "completed"
    assert (await client.result(request)).seed == 7


async def test_account(client: FalClient, fal: FalSandbox, picture: Path) -> None:
    """A locked account refuses uploads and submits by its name."""
    fal.faults.plan({"locked": True})
    for call in (
        client.upload(picture, file_name="a.png", content_type="image/png"),
        client.submit(ENDPOINT, {"prompt": "x"}),
    ):
        with pytest.raises(FalAccountError) as caught:
            await call
        assert caught.value.status == 403


async def test_full_queue_and_unknown_endpoint(client: FalClient, fal: FalSandbox) -> None:
    """A 429 is retried, and an unknown endpoint is a refusal."""
    fal.faults.plan({"at": "submit", "status": 429, "times": 4})
    with pytest.raises(FalUnreachable):
        await client.submit(ENDPOINT, {"prompt": "x"})
    with pytest.raises(FalRefused):
        await client.submit("fal-ai/no-such-model", {"prompt": "x"})


async def test_key_and_prices(client: FalClient, fal: FalSandbox) -> None:
    """The key is taken, a wrong one is not, and every mode's endpoint has a price."""
    prices = await client.unit_prices([ENDPOINT, "fal-ai/wan/v2.7/image-to-video"])
    assert set(prices) == {ENDPOINT, "fal-ai/wan/v2.7/image-to-video"}
    values: dict[str, Any] = fal.environment() | {"FAL_KEY": "wrong:key"}
    settings = FalSettings(**values)
    async with make_http(settings) as http:
        other = FalClient(http, settings, sleep=asyncio.sleep, random=lambda: 0.0, clock=time.monotonic)
        with pytest.raises(FalAccountError):
            await other.unit_prices([ENDPOINT])


async def test_unknown_request(client: FalClient, fal: FalSandbox) -> None:
    """A request that fal does not know ends the following."""
    at = f"{fal.url}/fal-ai/wan-i2v/requests/nobody"
    nobody = Handle(request_id="nobody", status_url=f"{at}/status", response_url=at, cancel_url=f"{at}/cancel")
    with pytest.raises(FalRefused):
        await followed(client, nobody)
    assert await client.cancel(nobody) == "not_found"
