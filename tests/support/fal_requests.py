"""A client of sandbox/fal for its tests, over raw HTTP, without the bot's code or fal's package."""

import io
import json
from typing import Any

import av
import httpx

from sandbox.fal.server import FalSandbox

WAN27 = "fal-ai/wan/v2.7/image-to-video"
WAN27_REFERENCE = "fal-ai/wan/v2.7/reference-to-video"
WAN27_EDIT = "fal-ai/wan/v2.7/edit-video"
WAN27_TEXT = "fal-ai/wan/v2.7/text-to-video"
WAN25_TEXT = "fal-ai/wan-25-preview/text-to-video"
WAN25 = "fal-ai/wan-25-preview/image-to-video"
WAN22 = "fal-ai/wan/v2.2-a14b/video-to-video"
WAN21 = "fal-ai/wan-i2v"
APPS = {
    WAN27: "fal-ai/wan",
    WAN27_REFERENCE: "fal-ai/wan",
    WAN27_EDIT: "fal-ai/wan",
    WAN27_TEXT: "fal-ai/wan",
    WAN25_TEXT: "fal-ai/wan-25-preview",
    WAN25: "fal-ai/wan-25-preview",
    WAN22: "fal-ai/wan",
    WAN21: "fal-ai/wan-i2v",
}
QUICK: dict[str, Any] = {"prompt": "A kite", "resolution": "720p", "duration": 2, "seed": 7}


class FalRequests:
    """A client of one stand-in."""

    def __init__(self, sandbox: FalSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http
        self.key = {"Authorization": f"Key {sandbox.environment()['FAL_KEY']}"}

    async def upload(self, data: bytes, content_type: str = "image/png") -> str:
        """Upload a file, and return its URL."""
        promise = await self.http.post(
            "/storage/upload/initiate",
            params={"storage_type": "fal-cdn-v3"},
            json={"file_name": "input", "content_type": content_type},
            headers=self.key,
        )
        urls = promise.raise_for_status().json()
        sent = await self.http.put(urls["upload_url"], content=data, headers={"Content-Type": content_type})
        sent.raise_for_status()
        return urls["file_url"]

    async def post(self, endpoint: str, body: Any, *, query: str = "", **headers: str) -> httpx.Response:
        """Submit, and return the raw answer."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(f"/{endpoint}{query}", json=body, headers=self.key | names)

    async def submit(self, endpoint: str, body: Any, **headers: str) -> dict[str, Any]:
        """Submit, and return the accepted request's id and URLs."""
        return (await self.post(endpoint, body, **headers)).raise_for_status().json()

    async def get(self, url: str) -> httpx.Response:
        """GET with the key."""
        return await self.http.get(url, headers=self.key)

    async def events(self, handle: dict[str, Any], query: str = "?logs=1") -> list[dict[str, Any]]:
        """Follow a request's stream to its end; returns all statuses."""
        found: list[dict[str, Any]] = []
        async with self.http.stream("GET", f"{handle['status_url']}/stream{query}", headers=self.key) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    found.append(json.loads(line.removeprefix("data: ")))
                else:
                    assert line in {"", ": ping"}
        return found

    async def run(self, endpoint: str, body: Any) -> httpx.Response:
        """Submit, follow to the end, and return the result's answer."""
        handle = await self.submit(endpoint, body)
        await self.events(handle)
        return await self.get(handle["response_url"])

    async def error(self, endpoint: str, body: Any) -> dict[str, Any]:
        """Run a request that must fail with a model error, and return the error's first entry."""
        result = await self.run(endpoint, body)
        assert result.status_code == 422, result.text
        return result.json()["detail"][0]

    async def control(self, path: str, body: Any) -> httpx.Response:
        """POST to the control surface, which needs no key."""
        return await self.http.post(f"/sandbox/{path}", json=body)

    async def requests(self) -> list[dict[str, Any]]:
        """List what was accepted."""
        return (await self.http.get("/sandbox/requests")).json()


def video_facts(data: bytes) -> dict[str, Any]:
    """Decode a whole MP4 and return its codec, size, length and frames."""
    with av.open(io.BytesIO(data), "r") as container:
        video = container.streams.video[0]
        codec = video.codec_context
        found: dict[str, Any] = {
            "codec": codec.name,
            "pix_fmt": codec.pix_fmt,
            "size": (codec.width, codec.height),
            "seconds": None if container.duration is None else container.duration / 1_000_000,
            "fps": None if video.average_rate is None else float(video.average_rate),
            "audio": [stream.codec_context.name for stream in container.streams.audio],
        }
        found["frames"] = sum(1 for _ in container.decode(video=0))
    return found
