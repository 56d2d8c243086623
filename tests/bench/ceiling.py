"""*ceiling*: the rates that the stand-ins reach with a minimal client, an upper bound of all other figures.

Each stand-in is one event loop. If a yardstick's rate comes near one of these, it measures the stand-in and not the
bot; `Stands.cpu_s` shows how busy they were.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.figures import Case, Reading, Spec
from tests.bench.peer import ENDPOINT
from tests.bench.raw import Line, RawAnswer, rate, request
from tests.bench.stands import ORDER, Stands

LINES = 16
EACH_S = 0.8
COPYING = 2  # connections that copy files
FILE_BYTES = 9_000_000  # fits the limit of an ordinary server
STREAMS = 1_000
STREAMED_JOB_S = 2.5
HELD_JOB_S = 3600.0
COMMANDS = 600
WITHIN_S = 30.0


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield a case for each stand-in; both run until the context exits."""
    async with Stands(folder) as stands:
        async with stands.subject("bare", folder):
            pass  # it has synced the commands, which Discord keeps
        yield [
            _case(_Fal(stands).read, "fal", ("status", "submit"), "stream events"),
            _case(_Discord(stands).read, "discord", ("first answer", "edit of an answer"), "gateway events"),
        ]


def _case(read: Callable[[], Any], name: str, requests: Sequence[str], events: str) -> Case:
    specs = [Spec(key=what, label=f"sandbox/{name}, {what}", unit="requests/s") for what in requests]
    specs.append(Spec(key="events", label=f"sandbox/{name}, {events}", unit="events/s"))
    for key, what in (("up", "files to it"), ("down", "files from it")):
        specs.append(Spec(key=key, label=f"sandbox/{name}, {what}", unit="MB/s"))
    return Case(specs=tuple(specs), contestants={"limit": read})


class _Fal:
    """sandbox/fal: requests at its queue, events of its streams, files."""

    def __init__(self, stands: Stands) -> None:
        self._stands = stands
        self._url = stands.environment["FAL_QUEUE_URL"]
        self._key = {"Authorization": f"Key {stands.environment['FAL_KEY']}", "Content-Type": "application/json"}

    async def read(self) -> Reading:
        await self._stands.fal.post("settings", {"concurrency": 10_000, "seconds_per_job": HELD_JOB_S})
        line = await Line.to(self._url)
        picture = await self._upload(line, self._stands.picture.read_bytes())
        submit = self._submit({"image_url": picture, "prompt": ORDER["prompt"], "duration": 2, "seed": 7})
        status = request("GET", json.loads((await submit(line)).body)["status_url"], self._key)
        film = await self._upload(line, bytes(FILE_BYTES))
        line.close()
        get = request("GET", film)
        return {
            "status": await rate(self._url, LINES, repeat(lambda line: line.ask(status)), EACH_S),
            "submit": await rate(self._url, LINES, repeat(submit), EACH_S),
            "up": await self._megabytes(lambda line: self._upload(line, bytes(FILE_BYTES))),
            "down": await self._megabytes(lambda line: line.ask(get, keep=False)),
            "events": await self._events(submit),
        }

    def _submit(self, wanted: dict[str, Any]) -> Callable[[Line], Any]:
        body = json.dumps(wanted).encode()
        head = request("POST", f"{self._url}/{ENDPOINT}", self._key, size=len(body))
        return lambda line: line.ask(head, body)

    async def _upload(self, line: Line, data: bytes) -> str:
        body = json.dumps({"file_name": "lake.png", "content_type": "image/png"}).encode()
        start = f"{self._url}/storage/upload/initiate?storage_type=fal-cdn-v3"
        ticket = json.loads((await line.ask(request("POST", start, self._key, size=len(body)), body)).body)
        await line.ask(request("PUT", ticket["upload_url"], {"Content-Type": "image/png"}, size=len(data)), data)
        return ticket["file_url"]

    async def _megabytes(self, copy: Callable[[Line], Any]) -> float:
        return await rate(self._url, COPYING, repeat(copy), EACH_S) * FILE_BYTES / 1e6

    async def _events(self, submit: Callable[[Line], Any]) -> float:
        """Start many streamed jobs at one moment; return the events per second."""
        fal = self._stands.fal
        await fal.post("settings", {"concurrency": 1, "seconds_per_job": STREAMED_JOB_S})
        handles: list[RawAnswer] = []

        async def queue(line: Line) -> None:
            handles.append(await submit(line))

        await rate(self._url, LINES, repeat(queue, STREAMS), WITHIN_S)
        counts = [_Counted() for _ in handles]
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
            for handle, counted in zip(handles, counts, strict=True):
                group.create_task(self._stream(json.loads(handle.body)["status_url"], counted))
            while not all(counted.events for counted in counts):  # noqa: ASYNC110 - of as many streams
                await asyncio.sleep(0.02)
            began, before = time.perf_counter(), sum(counted.events for counted in counts)
            await fal.post("settings", {"concurrency": 10_000})
        took_s = max(counted.last_at for counted in counts) - began
        return (sum(counted.events for counted in counts) - before) / took_s

    async def _stream(self, status_url: str, counted: "_Counted") -> None:
        line = await Line.to(status_url)
        try:
            await line.pieces(request("GET", f"{status_url}/stream?logs=1", self._key), counted.seen)
        finally:
            line.close()


@dataclass
class _Counted:
    """The events of one stream so far, and when the last one came."""

    events: int = 0
    last_at: float = 0.0

    def seen(self, piece: bytes) -> bool:
        """Count the events; return whether the last one has come."""
        self.events += piece.count(b"data:")
        self.last_at = time.perf_counter()
        return b'"COMPLETED"' in piece


class _Discord:
    """sandbox/discord: commands over the gateway, their answers and the edits of these, files."""

    def __init__(self, stands: Stands) -> None:
        self._stands = stands
        self._api = stands.environment["DISCORD_API_URL"]
        self._json = {"Content-Type": "application/json"}

    async def read(self) -> Reading:
        commands: list[dict[str, Any]] = []
        async with self._gateway() as socket:
            burst = asyncio.create_task(self._stands.burst(COMMANDS))
            first_at = 0.0
            while len(commands) < COMMANDS:
                event = json.loads(await socket.receive_str())
                if event.get("t") == "INTERACTION_CREATE":
                    first_at = first_at or time.perf_counter()
                    commands.append(event["d"])
            events = (COMMANDS - 1) / (time.perf_counter() - first_at)
            answers = await rate(self._api, LINES, [partial(self._answer, one) for one in commands], WITHIN_S)
            await burst
        edits = await rate(self._api, LINES, [partial(self._edit, one) for one in commands], WITHIN_S)
        posted: list[str] = []
        uploads = [partial(self._attach, one, posted) for one in commands]
        up = await rate(self._api, COPYING, uploads, EACH_S) * FILE_BYTES / 1e6
        get = request("GET", posted[0])
        down = await rate(posted[0], COPYING, repeat(lambda line: line.ask(get, keep=False)), EACH_S) * FILE_BYTES / 1e6
        return {"first answer": answers, "edit of an answer": edits, "events": events, "up": up, "down": down}

    @asynccontextmanager
    async def _gateway(self) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        """An identified connection with the intents for servers and commands only."""
        token, url = self._stands.environment["DISCORD_TOKEN"], self._stands.environment["DISCORD_GATEWAY_URL"]
        async with self._stands.http.ws_connect(f"{url}?v=10&encoding=json", max_msg_size=0) as socket:
            await socket.send_json({"op": 2, "d": {"token": token, "intents": 1, "properties": {}}})
            while json.loads(await socket.receive_str()).get("t") != "GUILD_CREATE":
                pass
            yield socket

    async def _answer(self, command: dict[str, Any], line: Line) -> None:
        body = b'{"type":5}'
        url = f"{self._api}/interactions/{command['id']}/{command['token']}/callback?with_response=1"
        await line.ask(request("POST", url, self._json, size=len(body)), body)

    async def _edit(self, command: dict[str, Any], line: Line) -> None:
        body = b'{"content":"queued, 3 ahead"}'
        await line.ask(request("PATCH", self._original(command), self._json, size=len(body)), body)

    async def _attach(self, command: dict[str, Any], posted: list[str], line: Line) -> None:
        head = (
            b'--x\r\nContent-Disposition: form-data; name="payload_json"\r\nContent-Type: application/json\r\n\r\n'
            b'{"attachments":[{"id":"0","filename":"video.mp4"}]}\r\n--x\r\nContent-Disposition: form-data; '
            b'name="files[0]"; filename="video.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
        )
        body = head + bytes(FILE_BYTES) + b"\r\n--x--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await line.ask(request("PATCH", self._original(command), kind, size=len(body)), body)
        posted.append(json.loads(answer.body)["attachments"][0]["url"])

    def _original(self, command: dict[str, Any]) -> str:
        return f"{self._api}/webhooks/{command['application_id']}/{command['token']}/messages/@original"
