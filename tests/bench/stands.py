"""The stand-ins, each in a process of its own, and whoever is measured against them, in another."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import aiohttp

from bot.tasks import end
from sandbox.stage import ControlClient, Process, file_body
from tests.support.media_samples import png

Name: TypeAlias = Literal["wanda", "peer", "bare"]
Mark: TypeAlias = tuple[float, dict[str, float]]  # a moment, and what each had used of a processor's time by then
READY_WITHIN_S = 60.0
LOOK_AGAIN_S = 0.02
MEMORY_LOOK_S = 0.05
MISSED_MS = 3000.0  # what a command counts as that Discord no longer waited for
# What an operator of a busy bot would set: the budgets must not be what ends a benchmark.
OPEN_HANDED = {
    "WANDA_MEMBER_DAILY_USD": "1000000",
    "WANDA_SERVER_MONTHLY_USD": "1000000",
    "WANDA_JOBS_IN_FLIGHT_MAX": "20000",
    "WANDA_WEB_PORT": "0",
}
# One seed and one picture: the stand-in then renders one film for all, and rendering is not what is measured.
ORDER: dict[str, Any] = {"prompt": "the lake begins to shimmer", "resolution": "720p", "duration": 2, "seed": 7}


@dataclass(frozen=True, slots=True)
class Subject:
    """A measured bot: its process, and the gauges inside it."""

    process: Process
    gauges: ControlClient

    async def reset(self) -> None:
        """Begin a new window for the loop's lag."""
        await self.gauges.post("reset", {})

    async def read(self) -> dict[str, Any]:
        """Return lag_p50_ms, lag_p99_ms and lag_max_ms since `reset`, and when it noticed which completion."""
        return await self.gauges.get("gauges")

    def resident_bytes(self) -> int:
        """Return what its processes hold of the machine's memory; pages that several share count once."""
        return sum(_proportional_bytes(pid) for pid in _family(self.process.pid))

    def cpu_s(self) -> float:
        """Return the processor time that it and its living workers have had, in seconds."""
        return sum(_cpu_s(pid) for pid in _family(self.process.pid))

    @asynccontextmanager
    async def memory_watched(self) -> AsyncGenerator[list[int]]:
        """Append what is resident every `MEMORY_LOOK_S`, until the context is left."""
        seen = [self.resident_bytes()]

        async def look() -> None:
            while True:
                await asyncio.sleep(MEMORY_LOOK_S)
                seen.append(await asyncio.to_thread(self.resident_bytes))

        task = asyncio.create_task(look())
        try:
            yield seen
        finally:
            await end(task)


class Stands:
    """Both stand-ins while the context is entered. fal takes every job at once and works for an hour, until told."""

    def __init__(self, folder: Path, *, seconds_per_job: float = 3600.0, concurrency: int = 10_000) -> None:
        """`folder` holds the picture that members attach."""
        self._speed = ("--seconds-per-job", str(seconds_per_job), "--concurrency", str(concurrency))
        self._folder = folder
        self._stack = AsyncExitStack()
        self._processes: dict[str, Process] = {}
        self.environment: dict[str, str] = {}
        self.discord: ControlClient
        self.fal: ControlClient
        self.http: aiohttp.ClientSession
        self.picture = folder / "lake.png"

    async def __aenter__(self) -> Self:
        """Start both, on free ports."""
        self.picture.write_bytes(png(640, 480))
        try:
            for only in ("discord", "fal"):
                port = ("--discord-port", "0") if only == "discord" else ("--fal-port", "0", *self._speed)
                stand = await Process.start(f"sandbox/{only}", "-m", "sandbox", "serve", "--only", only, *port, env={})
                self._processes[only] = stand
                self._stack.push_async_callback(stand.stop)
                await stand.until(lambda line: line == "ready")
                pairs = [line.split("=", 1) for line in stand.lines if "=" in line]
                self.environment |= {key: value for key, value in pairs if key.isupper()}
            self.http = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=600), connector=aiohttp.TCPConnector(limit=0)
            )
            self._stack.push_async_callback(self.http.close)
        except BaseException:
            await self._stack.aclose()
            raise
        self.discord = ControlClient(self.http, _origin(self.environment["DISCORD_API_URL"]))
        self.fal = ControlClient(self.http, _origin(self.environment["FAL_QUEUE_URL"]))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop both."""
        await self._stack.aclose()

    async def start(self, name: Name, data: Path, **settings: str) -> Subject:
        """Start whoever is measured, with `data` as its folder, and return once it is connected to Discord."""
        process = await self.spawn(name, data, **settings)
        try:
            subject = await self.gauged(process)
            await process.until(lambda line: "is ready" in line, within_s=READY_WITHIN_S)
        except BaseException:
            await process.stop()
            raise
        return subject

    async def spawn(self, name: Name, data: Path, **settings: str) -> Process:
        """Start whoever is measured, and wait for nothing."""
        env = {**self.environment, **OPEN_HANDED, "WANDA_DATA_DIR": str(data), **settings}
        return await Process.start(name, "-m", "tests.bench.subject", name, env=env)

    async def gauged(self, process: Process) -> Subject:
        """Return it with its gauges, once it has said where they are."""
        line = await process.until(lambda line: line.startswith("gauges="), within_s=READY_WITHIN_S)
        return Subject(process, ControlClient(self.http, line.partition("=")[2]))

    @asynccontextmanager
    async def subject(self, name: Name, data: Path, **settings: str) -> AsyncGenerator[Subject]:
        """Whoever is measured, running until the context is left."""
        subject = await self.start(name, data, **settings)
        try:
            yield subject
        finally:
            await subject.process.stop()

    async def burst(self, count: int, *, over_s: float = 0.0, channel: str = "general") -> dict[str, list[Any]]:
        """Have a member run so many commands, at once or over a time; returns `ack_ms` and `message_id` of each.

        An `ack_ms` of None is a command that was not answered within Discord's three seconds.
        """
        body = {"user": "maker", "channel": channel, "command": "wan27 image", "options": ORDER}
        order = {**body, "files": {"image": file_body(self.picture)}, "count": count, "over_s": over_s}
        return await self.discord.post("burst", order)

    def cpu_s(self) -> dict[str, float]:
        """Return the seconds of a processor's time that `discord` and `fal` have used so far.

        What one used in a time, divided by that time, says how near it came to being the bottleneck: it has one loop.
        """
        return {name: _cpu_s(process.pid) for name, process in self._processes.items()}

    def mark(self) -> Mark:
        """Return what `busy_since` counts from."""
        return time.monotonic(), self.cpu_s()

    def busy_since(self, mark: Mark) -> float:
        """Return which part of a processor the busier of both has used since then."""
        then, used_s = mark
        return max(now_s - used_s[name] for name, now_s in self.cpu_s().items()) / (time.monotonic() - then)

    async def traffic(self) -> dict[str, Any]:
        """Return how many requests of each kind arrived at fal's queue, and how many streams are open."""
        return await self.fal.get("traffic")

    async def submits(self) -> int:
        """Return how many submits arrived at fal's queue."""
        return (await self.traffic())["requests"].get("submit", 0)

    async def videos(self) -> dict[str, float]:
        """Return when each card of the channel got its video, in Unix seconds, by the message's id."""
        return await self.discord.get("attached")


async def until(look: Callable[[], Awaitable[bool]], *, what: str, within_s: float) -> None:
    """Look again and again until it is so.

    Raises:
        TimeoutError: it was not so within `within_s` seconds.
    """
    give_up_at = time.monotonic() + within_s
    while not await look():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"after {within_s:g} s there was still no {what}")
        await asyncio.sleep(LOOK_AGAIN_S)


def missed(ack_ms: list[float | None]) -> int:
    """Return how many commands were not answered in time."""
    return sum(1 for one in ack_ms if one is None)


def waited(ack_ms: list[float | None]) -> list[float]:
    """Return how long each member waited, who gives up when Discord does."""
    return [MISSED_MS if one is None else one for one in ack_ms]


def answered(ack_ms: list[float | None]) -> list[float]:
    """Return the answered ones' times."""
    return [one for one in ack_ms if one is not None]


def new_folder(folder: Path) -> Path:
    """Return a new, empty folder in there."""
    return Path(tempfile.mkdtemp(dir=folder))


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


def _family(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    found, waiting = list[int](), [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            waiting += _numbers(task)
    return found


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text().split()]
    except OSError:
        return []


def _cpu_s(pid: int) -> float:
    """Return the time in user and system mode, all threads together; see proc_pid_stat(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
