"""*start*: the time from the start of the process to the first answered command, with 0 and with 1,000 jobs to resume.

The command is sent as soon as the bot's gateway session exists, which is polled every 5 ms; the time ends when it is
acknowledged. The 1,000 jobs are real, though without pictures: an earlier process of Wanda accepted them and was killed
while fal worked on them, and each round starts with a copy of its data folder. "Followed" is when fal has an open
stream for each; the stand-in opens each stream after 50 ms, as a remote service would. The peer keeps its jobs in
memory and resumes none, so it starts with 0 only. The limit is discord.py with one command.
"""

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from tests.bench.figures import Case, Goal, Reading, Run, Spec, Who
from tests.bench.stands import READY_WITHIN_S, Name, Stands, answered, until

JOBS = 1000
LOOK_S = 0.005
STREAM_DELAY_S = 0.05
OPENINGS_MAX = 50
WITHIN_S = 120.0
SOON = Goal(bound="at most", value=2.0)
EMPTY = (Spec(key="first_s", label="first answer, nothing to resume", unit="s", goals=(SOON,)),)
FULL = (
    Spec(
        key="first_s", label=f"first answer, {JOBS:,} jobs to resume", unit="s", goals=(SOON,), note="peer: no resume"
    ),
    Spec(
        key="followed_s",
        label=f"all {JOBS:,} followed again",
        unit="s",
        goals=(Goal(bound="at most", value=15.0),),
        note=f"fal begins each stream after {STREAM_DELAY_S * 1000:g} ms",
    ),
    Spec(
        key="openings",
        label="streams being opened at once",
        unit="at most",
        goals=(Goal(bound="at most", value=OPENINGS_MAX),),
    ),
    Spec(key="lag_p99_ms", label="loop lag p99 until all are followed", unit="ms"),
    Spec(key="lag_max_ms", label="loop lag at worst until all are followed", unit="ms"),
)


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Leave 1,000 jobs behind, and yield the case without and the case with them.

    Each bot has its own stand-in for Discord: with another bot's commands in it, it would have to sync again.
    """
    async with AsyncExitStack() as stack:
        stands: dict[Name, Stands] = {}
        for name in ("wanda", "peer", "bare"):
            (folder / name).mkdir()
            stands[name] = await stack.enter_async_context(Stands(folder / name))
        left = await _left_behind(stands["wanda"], folder / "left")
        who: Mapping[Who, Name] = {"Wanda": "wanda", "peer": "peer", "limit": "bare"}
        empty: dict[Who, Run] = {
            each: partial(_with_nothing, stands[name], name, folder / f"{name}-data") for each, name in who.items()
        }
        full: dict[Who, Run] = {"Wanda": partial(_with_jobs, stands["wanda"], left, folder / "resumed")}
        yield [Case(specs=EMPTY, contestants=empty), Case(specs=FULL, contestants=full)]


async def _left_behind(stands: Stands, data: Path) -> Path:
    """Have Wanda accept 1,000 jobs, kill her once fal works on all of them, and return her folder."""
    subject = await stands.start("wanda", data, WANDA_SUBMITS_AT_ONCE="64", WANDA_INTAKES_AT_ONCE="64")
    try:
        taken = answered((await stands.burst(JOBS, over_s=10.0, with_picture=False))["ack_ms"])
        if len(taken) < JOBS:
            raise RuntimeError(f"only {len(taken)} of {JOBS} commands were answered, so there are not enough jobs")
        await until(partial(_streams, stands, JOBS), what=f"{JOBS} followed jobs", within_s=WITHIN_S)
    finally:
        await subject.process.stop(how=signal.SIGKILL)
    await until(partial(_streams, stands, 0), what="end of the streams", within_s=WITHIN_S)
    return data


async def _with_nothing(stands: Stands, name: Name, data: Path) -> Reading:
    """Start the bot and measure the time of its first answer."""
    began = time.perf_counter()
    process = await stands.spawn(name, data)
    try:
        return {"first_s": await _first_answer(stands) - began}
    finally:
        await process.stop(how=signal.SIGKILL)


async def _with_jobs(stands: Stands, left: Path, data: Path) -> Reading:
    """Start Wanda on a copy of the folder; measure the times of her first answer and of the last stream."""
    await asyncio.to_thread(shutil.rmtree, data, ignore_errors=True)
    await asyncio.to_thread(shutil.copytree, left, data)
    await stands.fal.delete("traffic")
    await stands.fal.post("faults", {"at": "stream", "delay_s": STREAM_DELAY_S, "times": 1_000_000})
    began = time.perf_counter()
    process = await stands.spawn("wanda", data)
    try:
        first_at = await _first_answer(stands)
        # One more than was left behind: the first command's own stream, whenever that opens.
        await until(partial(_streams, stands, JOBS + 1), what=f"{JOBS} followed jobs", within_s=WITHIN_S)
        followed_at = time.perf_counter()
        traffic = await stands.traffic()
        gauges = await (await stands.gauged(process)).read()
    finally:
        await process.stop(how=signal.SIGKILL)
        await stands.fal.delete("faults")
    await until(partial(_streams, stands, 0), what="end of the streams", within_s=WITHIN_S)
    return {
        "first_s": first_at - began,
        "followed_s": followed_at - began,
        "openings": traffic["opening_most"],
        "lag_p99_ms": gauges["lag_p99_ms"],
        "lag_max_ms": gauges["lag_max_ms"],
    }


async def _first_answer(stands: Stands) -> float:
    """Send a command as soon as the bot is connected, and return the time of its answer."""
    async with asyncio.timeout(READY_WITHIN_S):
        while not (await stands.discord.get("state"))["connected"]:  # noqa: ASYNC110 - another process's socket
            await asyncio.sleep(LOOK_S)
    if not answered((await stands.burst(1))["ack_ms"]):
        raise RuntimeError("the first command was not answered within three seconds")
    return time.perf_counter()


async def _streams(stands: Stands, count: int) -> bool:
    """Return whether at least `count` streams are open; with 0, whether none is."""
    streams = (await stands.traffic())["streams"]
    return streams >= count if count else streams == 0
