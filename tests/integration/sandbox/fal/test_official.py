"""fal's own Python client, unmodified but for its base URLs, on the stand-in."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import fal_client
import pytest
from fal_client import client as official

from tests.support.fal_requests import QUICK, WAN21, WAN27, FalRequests, video_facts
from tests.support.media_samples import png

# The package leaves parts of its signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false


@pytest.fixture(autouse=True)
def _here(fal: FalRequests, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the package at the stand-in: its base URLs are constants of its module."""
    monkeypatch.setattr(official, "QUEUE_URL_FORMAT", f"{fal.sandbox.url}/")
    monkeypatch.setattr(official, "REST_URL", fal.sandbox.url)
    monkeypatch.setattr(official, "CDN_URL", fal.sandbox.url)
    monkeypatch.setenv("FAL_KEY", fal.sandbox.environment()["FAL_KEY"])


@pytest.fixture
async def client() -> AsyncIterator[fal_client.AsyncClient]:
    """The package's client; it has no way to close its connections, so the test closes its private ones."""
    client = fal_client.AsyncClient()
    yield client
    await (await client._client).aclose()


async def test_subscribe_with_an_uploaded_file(
    fal: FalRequests, client: fal_client.AsyncClient, tmp_path: Path
) -> None:
    """upload_file, subscribe with logs, and the result work together."""
    path = tmp_path / "a.png"
    path.write_bytes(png(320, 240))
    url = await client.upload_file(path)
    seen: list[Any] = []
    output = await client.subscribe(
        WAN27, QUICK | {"image_url": url}, with_logs=True, on_queue_update=seen.append, priority="low", start_timeout=60
    )
    assert isinstance(seen[-1], fal_client.Completed)
    assert seen[-1].logs
    assert video_facts((await fal.http.get(output["video"]["url"])).content)["frames"] == 32


async def test_submit_and_follow(fal: FalRequests, client: fal_client.AsyncClient) -> None:
    """submit, status, iter_events and result speak the stand-in's queue, positions included."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 0.3})
    await client.submit(WAN27, QUICK)
    handle = await client.submit(WAN27, QUICK)
    assert await handle.status() == fal_client.Queued(position=0)
    kinds = {type(event) async for event in handle.iter_events(with_logs=True)}
    assert kinds == {fal_client.Queued, fal_client.InProgress, fal_client.Completed}
    assert (await client.result(WAN27, handle.request_id))["seed"] == 7


async def test_cancel_and_errors(fal: FalRequests, client: fal_client.AsyncClient) -> None:
    """Cancelling and failing raise the client's own errors with fal's types."""
    await fal.control("settings", {"seconds_per_job": 30})
    handle = await client.submit(WAN27, QUICK)
    await handle.cancel()
    with pytest.raises(fal_client.FalClientHTTPError) as cancelled:
        await handle.get()
    assert (cancelled.value.status_code, cancelled.value.error_type) == (499, "client_cancelled")
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        await client.subscribe(WAN21, {})
    assert refused.value.status_code == 422


async def in_thread(call: Callable[..., Any], *args: Any) -> Any:
    """Call the blocking client without blocking the stand-in."""
    return await asyncio.to_thread(call, *args)


# The blocking client forgets the connection of each upload, so it is collected here, where it may be.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_blocking_client(tmp_path: Path) -> None:
    """The blocking client uploads, large files in parts too, and subscribes."""
    path = tmp_path / "a.png"
    path.write_bytes(png(320, 240))
    client = fal_client.SyncClient()
    url = await in_thread(client.upload_file, path)
    output = await in_thread(client.subscribe, WAN27, QUICK | {"image_url": url})
    assert output["video"]["num_frames"] == 32
    client._client.close()
    gc.collect()


async def test_upload_in_parts(
    fal: FalRequests, client: fal_client.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file above the client's threshold comes in parts and is one file afterwards."""
    monkeypatch.setattr(official, "MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr(official, "MULTIPART_CHUNK_SIZE", 1000)
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * 10)
    url = await client.upload_file(path)
    assert (await fal.http.get(url)).content == path.read_bytes()


async def test_fallback_upload(fal: FalRequests, client: fal_client.AsyncClient) -> None:
    """The client's second way of uploading works too."""
    url = await client.upload(b"hello", "text/plain", repository="fal")
    answer = await fal.http.get(url)
    assert (answer.content, answer.headers["content-type"]) == (b"hello", "text/plain")
