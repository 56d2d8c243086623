"""Runs each stand-in and each measured bot in its own process."""

import asyncio
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
from tests.bench.figures import percentile
from tests.support.media_samples import png
from tests.support.process_costs import cpu_s_of, family_cpu_s, family_of, proportional_bytes

Name: TypeAlias = Literal["wanda", "peer", "bare"]
Mark: TypeAlias = tuple[float, dict[str, float]]  # a time, and the CPU seconds that each stand-in had used by then
READY_WITHIN_S = 60.0
LOOK_AGAIN_S = 0.02
MEMORY_LOOK_S = 0.05
MISSED_MS = 3000.0  # the time of a command that missed Discord's limit
# Settings of a busy bot, so that no budget ends a benchmark.
OPEN_HANDED = {
    "WANDA_MEMBER_DAILY_USD": "1000000",
    "WANDA_SERVER_MONTHLY_USD": "1000000",
    "WANDA_JOBS_IN_FLIGHT_MAX": "20000",
    "WANDA_SERVER_JOBS_IN_FLIGHT_MAX": "20000",
    "WANDA_MEMBER_JOBS_IN_FLIGHT_MAX": "20000",
    "WANDA_FILES_WAITING_MEMBER_MAX": "10000",
    "WANDA_FILES_WAITING_SERVER_MAX": "20000",
    "WANDA_WEB_PORT": "0",
}
# One seed and one picture: the stand-in renders one film for all jobs, so that rendering is not measured.
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
        """Return lag_p50_ms, lag_p99_ms and lag_max_ms since `reset`, and the time of each noticed completion."""
        return await self.gauges.get("gauges")

    def resident_bytes(self) -> int:
        """Return the resident bytes of its processes; shared pages count once."""
        return sum(proportional_bytes(pid) for pid in family_of(self.process.pid))

    def cpu_s(self) -> float:
        """Return the CPU time of the process, its workers and what they have started, in seconds."""
        return family_cpu_s(self.process.pid)

    @asynccontextmanager
    async def memory_watched(self) -> AsyncGenerator[list[int]]:
        """Append the resident bytes every `MEMORY_LOOK_S`, until the context exits."""
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
    """Both stand-ins; by default fal runs all jobs at once, each for an hour, unless told to finish."""

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
                no_pause = ("--discord-port", "0", "--identify-interval-s", "0")
                port = no_pause if only == "discord" else ("--fal-port", "0", *self._speed)
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
        """Start a bot with `data` as its folder, and return once it is connected to Discord."""
        process = await self.spawn(name, data, **settings)
        try:
            subject = await self.gauged(process)
            await process.until(lambda line: "is ready" in line, within_s=READY_WITHIN_S)
        except BaseException:
            await process.stop()
            raise
        return subject

    async def spawn(self, name: Name, data: Path, **settings: str) -> Process:
        """Start a bot's process without waiting for it."""
        env = {**self.environment, **OPEN_HANDED, "WANDA_DATA_DIR": str(data), **settings}
        return await Process.start(name, "-m", "tests.bench.subject", name, env=env)

    async def gauged(self, process: Process) -> Subject:
        """Return the bot with its gauges, once it has printed their address."""
        line = await process.until(lambda line: line.startswith("gauges="), within_s=READY_WITHIN_S)
        return Subject(process, ControlClient(self.http, line.partition("=")[2]))

    @asynccontextmanager
    async def subject(self, name: Name, data: Path, **settings: str) -> AsyncGenerator[Subject]:
        """Yield a running bot, until the context exits."""
        subject = await self.start(name, data, **settings)
        try:
            yield subject
        finally:
            await subject.process.stop()

    async def burst(
        self, count: int, *, over_s: float = 0.0, channel: str = "general", with_picture: bool = True
    ) -> dict[str, list[Any]]:
        """Have a member send `count` commands, at once or over a time; return `ack_ms` and `message_id` of each.

        `ack_ms` is None for a command that was not answered within Discord's three seconds. Commands without a picture
        are for yardsticks that measure nothing of the way to fal: they get there in half of the time.
        """
        files = {"image": file_body(self.picture)} if with_picture else {}
        body = {"user": "maker", "channel": channel, "command": f"wan27 {'image' if with_picture else 'text'}"}
        return await self.discord.post(
            "burst", {**body, "options": ORDER, "files": files, "count": count, "over_s": over_s}
        )

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds that `discord` and `fal` have used so far.

        Each has one event loop: near one CPU second per second, it is the bottleneck.
        """
        return {name: cpu_s_of(process.pid) for name, process in self._processes.items()}

    def mark(self) -> Mark:
        """Return a start for `busy_since`."""
        return time.monotonic(), self.cpu_s()

    def busy_since(self, mark: Mark) -> float:
        """Return the busier stand-in's share of a CPU since `mark`."""
        then, used_s = mark
        return max(now_s - used_s[name] for name, now_s in self.cpu_s().items()) / (time.monotonic() - then)

    async def traffic(self) -> dict[str, Any]:
        """Return the number of requests of each kind at fal's queue, and of open streams."""
        return await self.fal.get("traffic")

    async def submits(self) -> int:
        """Return how many submits arrived at fal's queue."""
        return (await self.traffic())["requests"].get("submit", 0)

    async def videos(self) -> dict[str, float]:
        """Return when each card of the channel got its video, in Unix seconds, by the message's id."""
        return await self.discord.get("videos")


async def until(look: Callable[[], Awaitable[bool]], *, what: str, within_s: float) -> None:
    """Call `look` repeatedly until it returns true.

    Raises:
        TimeoutError: it did not within `within_s` seconds.
    """
    give_up_at = time.monotonic() + within_s
    while not await look():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"after {within_s:g} s there was still no {what}")
        await asyncio.sleep(LOOK_AGAIN_S)


def missed(ack_ms: list[float | None]) -> int:
    """Return the number of commands that were not answered in time."""
    return sum(1 for one in ack_ms if one is None)


def waited(ack_ms: list[float | None]) -> list[float]:
    """Return how long each member waited, at most Discord's limit."""
    return [MISSED_MS if one is None else one for one in ack_ms]


def first_answers(key: str, ack_ms: list[float | None]) -> dict[str, float]:
    """Return the readings `<key>_p50`, `<key>_p99` and `<key>_missed` of these commands."""
    times = waited(ack_ms)
    return {
        f"{key}_p50": percentile(times, 50),
        f"{key}_p99": percentile(times, 99),
        f"{key}_missed": missed(ack_ms),
    }


def answered(ack_ms: list[float | None]) -> list[float]:
    """Return the times of the answered commands."""
    return [one for one in ack_ms if one is not None]


def new_folder(folder: Path) -> Path:
    """Return a new, empty folder in `folder`."""
    return Path(tempfile.mkdtemp(dir=folder))


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])
