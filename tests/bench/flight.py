"""Jobs in flight: many commands, all of them at fal, which works on them until it is told to land some.

The yardsticks fly in turn what they measure with the same steps: warm up, launch, settle, land.
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

WARM_UP_JOBS = 10
END_WITHIN_S = 60.0
SETTLE_LOOK_S = 0.5
SETTLE_WITHIN_S = 5.0
SETTLED_WITHIN = 0.005  # two looks at the memory that differ by less than this part of it
LANDINGS_PER_S = 40.0
BURST = 500
TAIL_S = 1.0  # what the last landings have to be noticed, and their results to be asked for, before anybody asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What a subject made of jobs that ended at fal.

    `late_ms` says for each how long after fal it knew; for the `unnoticed` ones, how long it had not known so far.
    `asked` counts the requests at fal's queue about them from first to last; `fal_busy` is the part of a processor's
    time that sandbox/fal used, `seconds` how long all of this took.
    """

    late_ms: Sequence[float]
    unnoticed: int
    asked: int
    lag_p99_ms: float
    fal_busy: float

    @property
    def asked_per_job(self) -> float:
        """Requests at fal's queue for each of them."""
        return self.asked / len(self.late_ms)

    def late(self, per_cent: float) -> float:
        """Return how late, in milliseconds, so many per cent of them were noticed at most."""
        return percentile(self.late_ms, per_cent)


class Flight:
    """A subject, and what it has in flight at fal."""

    def __init__(self, stands: Stands, subject: Subject) -> None:
        self.stands = stands
        self.subject = subject

    async def warm_up(self) -> int:
        """Have a few jobs made from beginning to end; returns the bytes that are resident once it rests again."""
        await self.launch(WARM_UP_JOBS, within_s=END_WITHIN_S)

        async def delivered() -> bool:
            # Again and again, as the last of them may have reached fal's door without having begun yet.
            await self.stands.fal.post("finish", {"count": WARM_UP_JOBS})
            posted = await self.stands.discord.get("messages", channel="general")
            return sum(1 for message in posted if message["attachments"]) >= WARM_UP_JOBS

        await until(delivered, what="end of the warm-up", within_s=END_WITHIN_S)
        return await self.settled_bytes()

    async def launch(self, count: int, *, within_s: float, over_s: float = 0.0) -> int:
        """Have so many commands run, at once or over a time; returns how many fal has: all, or those in `within_s`."""
        before = await self.stands.submits()
        await self.stands.burst(count, over_s=over_s)

        async def arrived() -> bool:
            return await self.stands.submits() >= before + count

        with contextlib.suppress(TimeoutError):
            await until(arrived, what="jobs at fal", within_s=within_s)
        return await self.stands.submits() - before

    async def launch_many(self, count: int, *, within_s: float) -> None:
        """Have so many commands run, in bursts that each wait until fal has the last: as fast as the subject can."""
        for done in range(0, count, BURST):
            await self.launch(min(BURST, count - done), within_s=within_s)

    async def settled_bytes(self) -> int:
        """Return the bytes that are resident once that hardly changes any more, or after `SETTLE_WITHIN_S`."""
        give_up_at, before = time.monotonic() + SETTLE_WITHIN_S, 0
        while True:
            now = await asyncio.to_thread(self.subject.resident_bytes)
            if abs(now - before) <= now * SETTLED_WITHIN or time.monotonic() > give_up_at:
                return now
            before = now
            await asyncio.sleep(SETTLE_LOOK_S)

    async def land(self, count: int, *, within_s: float) -> Landing:
        """End so many jobs at fal, the oldest first and paced, and wait until the subject knows, or the time is over.

        Nobody looks into the subject while they land: reading its gauges would be a lag of its own.
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
        """Return the gauges as they are when all of these were noticed, or when the time is over."""
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
async def aloft(folder: Path, name: Name) -> AsyncGenerator[Flight]:
    """A fresh subject before fresh stand-ins, until the context is left."""
    async with Stands(folder) as stands, stands.subject(name, folder / "data") as subject:
        yield Flight(stands, subject)
