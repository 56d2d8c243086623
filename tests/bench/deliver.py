"""*deliver*: the time from a job's completion at fal until its video is posted, and the memory of 50 at once.

Each run has its own stand-ins, with a server whose upload limit is 50 MiB, and results of 1, 9 and 25 MiB. *One at a
time* is the median of deliveries one after the other. *50 at once* is the time from the first of 50 simultaneous
completions to the last video. The limit (`copying.py`) transfers finished results, four at once as Wanda does. Wanda
and the limit keep the files.

The load of the busier stand-in shows whether the last figure measures the stand-in instead of the bot.

The memory is that of the bot with 50 results of 25 MiB: the peak of its resident memory, minus that when idle after its
first deliveries.
"""

import asyncio
import tempfile
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias

from sandbox.stage import eventually, file_body
from tests.bench.copying import Transfer, copy_all
from tests.bench.figures import Case, Goal, Reading, Spec
from tests.bench.stands import ORDER, Stands

_SIZES_MIB = (1, 9, 25)
_SINGLES = 6
_TOGETHER = 50
_WARM_UPS = 4
_LIMIT_AT_ONCE = 4  # as Wanda: eight at once were no faster, 50 were slower
_WITHIN_S = 120.0
_REST_S = 0.1  # after a video, so that the bot's remaining work does not count for the next one
_CALM_S = 0.5  # after the commands, until the first edits of their cards are done
_CHANNEL = "premiere"
_WORLD: dict[str, Any] = {
    "servers": [{"name": "Cinema", "tier": 2}],
    "channels": [{"name": _CHANNEL, "server": "Cinema"}],
}
_ENDPOINT = "fal-ai/wan/v2.7/image-to-video"
_Took: TypeAlias = tuple[float, float]  # milliseconds, and the busier stand-in's share of a CPU during them
_GOAL = Goal(bound="at most", value=1.3, times="limit")
_MEMORY = Spec(
    key="memory",
    label=f"peak memory above idle while {_TOGETHER} × {_SIZES_MIB[-1]} MB are delivered",
    unit="MB",
    goals=(Goal(bound="at most", value=64),),
)
_BUSY = Spec(
    key="busy",
    label=f"busiest stand-in while {_TOGETHER} × {_SIZES_MIB[-1]} MB are delivered",
    unit="% of a core",
    note="100 is its ceiling",
)


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the one case: a contestant's run gives all of its figures."""
    specs = [
        Spec(key=f"{size} {number}", label=f"{size} MB, {how}", unit="ms", goals=(_GOAL,))
        for size in _SIZES_MIB
        for number, how in ((1, "one at a time"), (_TOGETHER, f"{_TOGETHER} at once"))
    ]
    yield [
        Case(
            specs=(*specs, _MEMORY, _BUSY),
            contestants={
                "limit": lambda: _limit(folder),
                "peer": lambda: _bot(folder, "peer"),
                "Wanda": lambda: _bot(folder, "wanda"),
            },
            slow=frozenset({"peer"}),
        )
    ]


async def _bot(folder: Path, name: Literal["wanda", "peer"]) -> Reading:
    """Measure a bot's deliveries."""
    reading: dict[str, float] = {}
    async with _hall(folder) as (stands, home), stands.subject(name, home / "data") as subject:
        for together in (1, _WARM_UPS):
            await _delivered(stands, _SIZES_MIB[0], _WARM_UPS, together=together)
        idle_bytes = subject.resident_bytes()
        for size in _SIZES_MIB:
            reading[f"{size} 1"] = _median_ms(await _delivered(stands, size, _SINGLES, together=1))
        for size in _SIZES_MIB:
            async with subject.memory_watched() as seen_bytes:
                ((together_ms, busy),) = await _delivered(stands, size, _TOGETHER, together=_TOGETHER)
            peak_mb = (max(seen_bytes) - idle_bytes) / 1e6
            reading |= {f"{size} {_TOGETHER}": together_ms, "memory": peak_mb, "busy": busy * 100}
    return reading


async def _limit(folder: Path) -> Reading:
    """Measure the same transfers with plain sockets."""
    reading: dict[str, float] = {}
    async with _hall(folder) as (stands, home):
        targets = await _messages(stands, home, _WARM_UPS + len(_SIZES_MIB) * (_SINGLES + _TOGETHER))
        await _copied(stands, home, await _results(stands, _SIZES_MIB[0], _WARM_UPS), targets)
        for size in _SIZES_MIB:
            sources = await _results(stands, size, _SINGLES)
            reading[f"{size} 1"] = _median_ms([await _copied(stands, home, [source], targets) for source in sources])
        for size in _SIZES_MIB:
            sources = await _results(stands, size, _TOGETHER)
            together_ms, busy = await _copied(stands, home, sources, targets)
            reading |= {f"{size} {_TOGETHER}": together_ms, "busy": busy * 100}
    return reading


def _median_ms(lots: Sequence[_Took]) -> float:
    return median(took_ms for took_ms, _ in lots)


@asynccontextmanager
async def _hall(folder: Path) -> AsyncGenerator[tuple[Stands, Path]]:
    """Yield stand-ins with a channel for large files, and a folder; delete their files afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        async with Stands(Path(home)) as stands:
            await stands.discord.post("world", _WORLD)
            yield stands, Path(home)


async def _delivered(stands: Stands, size_mib: int, number: int, *, together: int) -> list[_Took]:
    """Have a bot deliver `number` videos, `together` at a time; return what each batch took."""
    await stands.fal.post("settings", {"result_mb": size_mib})
    await stands.burst(number, channel=_CHANNEL)
    await _begun(stands, number)
    await asyncio.sleep(_CALM_S)
    return [await _lot(stands, together) for _ in range(number // together)]


async def _lot(stands: Stands, together: int) -> _Took:
    before = await _films(stands)
    mark = stands.mark()
    finished = set((await stands.fal.post("finish", {"count": together}))["requests"])
    came = await _came(stands, before, together)
    busy = stands.busy_since(mark)
    completed = [one["completed_at"] for one in await stands.fal.get("requests") if one["id"] in finished]
    await asyncio.sleep(_REST_S)
    return (max(came) - min(completed)) * 1000, busy


async def _copied(stands: Stands, home: Path, sources: Sequence[str], targets: list[str]) -> _Took:
    """Transfer the results into the messages, and return what it took."""
    before = await _films(stands)
    transfers = [Transfer(source, home / f"{len(targets)}.mp4", targets.pop()) for source in sources]
    mark, began = stands.mark(), time.time()
    await asyncio.to_thread(copy_all, transfers, at_once=min(_LIMIT_AT_ONCE, len(transfers)))
    came = await _came(stands, before, len(transfers))
    busy = stands.busy_since(mark)
    await asyncio.sleep(_REST_S)
    return (max(came) - began) * 1000, busy


async def _messages(stands: Stands, home: Path, number: int) -> list[str]:
    """Have `number` commands answered, and return the URLs that edit the answers."""
    async with stands.subject("bare", home / "bare"):
        await stands.burst(number, channel=_CHANNEL)
    paths = [one.get("path", "").split("/") for one in await stands.discord.get("transcript")]
    tokens = [path[3] for path in paths if path[1:2] == ["interactions"]]
    first = stands.environment["DISCORD_TOKEN"].partition(".")[0]  # of a token: the bot's id
    bot = urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode()
    api = stands.environment["DISCORD_API_URL"]
    return [f"{api}/webhooks/{bot}/{token}/messages/@original" for token in tokens]


async def _results(stands: Stands, size_mib: int, number: int) -> list[str]:
    """Have `number` videos made, and return their URLs."""
    await stands.fal.post("settings", {"result_mb": size_mib})
    url = f"{stands.environment['FAL_QUEUE_URL']}/{_ENDPOINT}"
    headers = {"Authorization": f"Key {stands.environment['FAL_KEY']}"}
    picture = f"data:image/png;base64,{file_body(stands.picture)['base64']}"
    for _ in range(number):
        async with stands.http.post(url, json={**ORDER, "image_url": picture}, headers=headers) as reply:
            reply.raise_for_status()
    await _begun(stands, number)
    finished = set((await stands.fal.post("finish", {"count": number}))["requests"])

    async def made() -> list[str] | None:
        listed = [one for one in await stands.fal.get("requests") if one["id"] in finished]
        return [one["video_url"] for one in listed] if all(one["video_url"] for one in listed) else None

    return await eventually(made, what="results", within_s=_WITHIN_S)


async def _begun(stands: Stands, number: int) -> None:
    """Wait until `number` requests are in progress at fal."""

    async def running() -> bool | None:
        states = [one["state"] for one in await stands.fal.get("requests")]
        return states.count("IN_PROGRESS") == number or None

    await eventually(running, what="requests in progress", within_s=_WITHIN_S)


async def _came(stands: Stands, before: Mapping[str, float], number: int) -> list[float]:
    """Wait until `number` more messages have their video; return when each got it, in Unix seconds."""

    async def new() -> list[float] | None:
        came = [at for message, at in (await _films(stands)).items() if message not in before]
        return came if len(came) >= number else None

    return await eventually(new, what="videos", within_s=_WITHIN_S)


async def _films(stands: Stands) -> dict[str, float]:
    return await stands.discord.get("videos", channel=_CHANNEL)
