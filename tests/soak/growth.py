"""*growth*: in 3,000 jobs the bot's resident memory grows by less than 1 KB a job.

The 5,000 before do not count: they fill caches, and lists that are bounded by the thousand. The longest, of what cards
have for previews (`bot/cards/poster.py`), grows by nearly 2 KB a job until it has 5,000.
"""

import asyncio
import statistics
from itertools import cycle, islice
from pathlib import Path

from sandbox.stage import Stage, StageError, eventually, file_body
from tests.support.process_costs import resident_bytes
from tests.support.video_steps import PRICED, picture, rows

JOBS = 8_000
BATCH = 150
WARM_UP_JOBS = 5_000
MEMBERS = 30
SLOPE_MAX_KB = 1.0
BATCH_WITHIN_S = 120.0
SETTINGS = {
    "WANDA_MEMBER_DAILY_USD": "10000",
    "WANDA_SERVER_MONTHLY_USD": "100000",
}


async def run(folder: Path, *, seed: int, jobs: int = JOBS) -> list[str]:
    """Have the jobs made in batches; returns a complaint if the memory grows too fast, or a job has not ended."""
    del seed  # nothing here is random
    image = picture(folder)
    names = [f"maker-{number}" for number in range(MEMBERS)]
    readings: list[tuple[int, float]] = []
    async with Stage(folder / "data", seconds_per_job=0.1, settings=SETTINGS) as stage:
        bot = await stage.start_bot()
        await stage.discord.post(
            "world", {"channels": [{"name": name} for name in names], "members": [{"name": name} for name in names]}
        )
        await stage.fal.post("settings", {"concurrency": 200})
        made = 0
        for _ in range(jobs // BATCH):
            made += sum(await asyncio.gather(*(_order(stage, name, image) for name in islice(cycle(names), BATCH))))
            await _until_made(stage, made)
            readings.append((made, resident_bytes(bot.pid) / 1000))
            print("{:,} jobs: {:,.0f} KB".format(*readings[-1]))
    steady = [reading for reading in readings if reading[0] >= WARM_UP_JOBS]
    if len(steady) < 2:
        return [f"only {made:,} of {jobs:,} orders were answered in time: run it on a calmer machine"]
    slope = statistics.linear_regression(*zip(*steady, strict=True)).slope
    print(f"{slope:.2f} KB a job after the first {WARM_UP_JOBS}")
    return (
        [] if slope < SLOPE_MAX_KB else [f"the memory grows by {slope:.2f} KB a job; at most {SLOPE_MAX_KB} is right"]
    )


async def _order(stage: Stage, name: str, image: Path) -> bool:
    """Have a member order in their own channel; return whether the bot answered in time, which a busy one may not."""
    body = {"user": name, "channel": name, "command": "wan27 image", "files": {"image": file_body(image)}}
    options = {**PRICED, "prompt": "the lake begins to shimmer"}
    return (await stage.discord.post("slash", {**body, "options": options}))["acknowledged"]


async def _until_made(stage: Stage, count: int) -> None:
    """Return once as many videos are posted.

    Raises:
        StageError: they were not, within `BATCH_WITHIN_S`; the text counts the jobs in each state.
    """

    async def look() -> bool | None:
        made = await asyncio.to_thread(_jobs, stage)
        return True if made.get(("done", 1), 0) >= count else None

    try:
        await eventually(look, what=f"{count} videos", within_s=BATCH_WITHIN_S)
    except StageError as error:
        raise StageError(f"{error}; there are {_jobs(stage)}") from None


def _jobs(stage: Stage) -> dict[tuple[str, int], int]:
    """Return how many jobs there are of each state, told and untold."""
    return {(state, told): n for state, told, n in rows(stage, "SELECT state, told, count(*) FROM jobs GROUP BY 1, 2")}
