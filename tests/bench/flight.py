"""A flight: many jobs in progress at fal, some of which then end ("land").

Yardsticks use the same steps: warm up, launch, settle, land.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.figures import percentile
from tests.bench.stands import Name, Stands, Subject, until
from tests.support.process_costs import family_of

WARM_UP_JOBS = 10
END_WITHIN_S = 60.0
SETTLE_LOOK_S = 0.5
SETTLE_WITHIN_S = 5.0
SETTLED_WITHIN = 0.005  # two memory readings that differ by less than this fraction
LANDINGS_PER_S = 40.0
BURST = 250  # a slow machine still answers so many within Discord's three seconds
WORKER_IDLE_S = 3.0  # in place of five minutes
TAIL_S = 1.0  # how long after the last landing the gauges are read first


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """How a subject noticed jobs that ended at fal.

    `late_ms` is the delay of each notice; for the `unnoticed` jobs, the time since they ended. `asked` counts their
    requests at fal's queue from submit to result, `fal_busy` is the stand-in's share of a CPU, and `seconds` the
    duration.
    """

    late_ms: Sequence[float]
    unnoticed: int
    asked: int
    lag_p99_ms: float
    fal_busy: float

    @property
    def asked_per_job(self) -> float:
        """Requests at fal's queue per job."""
        return self.asked / len(self.late_ms)

    def late(self, per_cent: float) -> float:
        """Return the percentile of the delays, in milliseconds."""
        return percentile(self.late_ms, per_cent)


class Flight:
    """A subject and its jobs in flight."""

    def __init__(self, stands: Stands, subject: Subject) -> None:
        self.stands = stands
        self.subject = subject

    async def warm_up(self) -> tuple[int, int]:
        """Have a few jobs made; return the resident bytes then, and once no worker process is left."""
        await self.launch(WARM_UP_JOBS, within_s=END_WITHIN_S)

        async def delivered() -> bool:
            # Repeated, because a submitted request may not be in progress yet.
            await self.stands.fal.post("finish", {"count": WARM_UP_JOBS})
            posted = await self.stands.discord.get("messages", channel="general")
            names = [file["filename"] for message in posted for file in message["attachments"]]
            return sum(name.endswith(".mp4") for name in names) >= WARM_UP_JOBS

        await until(delivered, what="end of the warm-up", within_s=END_WITHIN_S)
        return await self.settled_bytes(), await self.resting_bytes()

    async def launch(self, count: int, *, within_s: float, over_s: float = 0.0, with_picture: bool = True) -> int:
        """Send `count` commands, at once or over a time; return how many reached fal within `within_s`."""
        before = await self.stands.submits()
        await self.stands.burst(count, over_s=over_s, with_picture=with_picture)
        return await self.arrived(before + count, within_s=within_s) - before

    async def arrived(self, count: int, *, within_s: float) -> int:
        """Wait at most `within_s` until so many submits have arrived at fal; return how many have."""

        async def all_arrived() -> bool:
            return await self.stands.submits() >= count

        with contextlib.suppress(TimeoutError):
            await until(all_arrived, what="jobs at fal", within_s=within_s)
        return await self.stands.submits()

    async def launch_many(
        self, count: int, *, within_s: float, at_once: int = BURST, with_picture: bool = True
    ) -> None:
        """Send `count` commands in bursts, each once fal has all of the previous burst: as fast as the subject can."""
        for done in range(0, count, at_once):
            await self.launch(min(at_once, count - done), within_s=within_s, with_picture=with_picture)

    async def settled_bytes(self) -> int:
        """Return the resident bytes once they are stable, or after `SETTLE_WITHIN_S`."""
        give_up_at, before = time.monotonic() + SETTLE_WITHIN_S, 0
        while True:
            now = await asyncio.to_thread(self.subject.resident_bytes)
            if abs(now - before) <= now * SETTLED_WITHIN or time.monotonic() > give_up_at:
                return now
            before = now
            await asyncio.sleep(SETTLE_LOOK_S)

    async def resting_bytes(self) -> int:
        """Return the resident bytes once no worker process is left."""

        async def alone() -> bool:
            return len(family_of(self.subject.process.pid)) == 1

        await until(alone, what="end of the workers", within_s=END_WITHIN_S)
        return await self.settled_bytes()

    async def land(self, count: int, *, within_s: float) -> Landing:
        """End `count` jobs at fal, oldest first at a fixed rate, and wait at most `within_s` until the subject notices.

        The gauges are not read while the jobs end, because reading them would add lag.
        """
        await self.subject.reset()
        began, busy_s = time.monotonic(), self.stands.cpu_s()
        landed: list[str] = []
        for n in range(count):
            landed += (await self.stands.fal.post("finish", {"count": 1}))["requests"]
            await asyncio.sleep(max(0.0, began + (n + 1) / LANDINGS_PER_S - time.monotonic()))
        await asyncio.sleep(TAIL_S)
        took_s, used_s = time.monotonic() - began, self.stands.cpu_s()
        gauges = await self._when_noticed(landed, within_s)
        listed = {one["id"]: one for one in await self.stands.fal.get("requests")}
        return _landing([listed[one] for one in landed], gauges, fal_busy=(used_s["fal"] - busy_s["fal"]) / took_s)

    async def _when_noticed(self, landed: Sequence[str], within_s: float) -> dict[str, Any]:
        """Return the gauges once all these jobs were noticed, or after `within_s`."""
        give_up_at = time.monotonic() + within_s
        while True:
            gauges = await self.subject.read()
            if gauges["noticed"].keys() >= set(landed) or time.monotonic() > give_up_at:
                return gauges | {"read_at": time.time()}
            await asyncio.sleep(TAIL_S)


def _landing(landed: Sequence[dict[str, Any]], gauges: dict[str, Any], *, fal_busy: float) -> Landing:
    noticed, so_far = gauges["noticed"], gauges["read_at"]
    return Landing(
        late_ms=[(noticed.get(one["id"], so_far) - one["completed_at"]) * 1000 for one in landed],
        unnoticed=sum(1 for one in landed if one["id"] not in noticed),
        asked=sum(sum(one["asked"].values()) for one in landed),
        lag_p99_ms=gauges["lag_p99_ms"],
        fal_busy=fal_busy,
    )


@asynccontextmanager
async def aloft(folder: Path, name: Name, **settings: str) -> AsyncGenerator[Flight]:
    """Yield a new subject with new stand-ins, until the context exits."""
    settings = {"WANDA_PROBE_IDLE_S": str(WORKER_IDLE_S), **settings}
    async with Stands(folder) as stands, stands.subject(name, folder / "data", **settings) as subject:
        yield Flight(stands, subject)
