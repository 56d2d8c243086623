"""Many members order at the same moment."""

import asyncio
from pathlib import Path

import pytest

from sandbox.stage import Stage, eventually, videos_of
from tests.support.video_steps import costs, held_and_spent, picture

pytestmark = pytest.mark.asyncio(loop_scope="module")
COST_MICROUSD = 200_000
# One seed, so that the stand-in renders one film for all of them.
SHORT = {"prompt": "waves", "duration": 2, "resolution": "720p", "seed": 7}


async def burst(stage: Stage, files: Path, names: list[str]) -> None:
    """Have all of them order at once; each is acknowledged in time, gets one card and video, and pays once."""
    before = len(await stage.fal.get("submits"))
    known = set(await asyncio.to_thread(held_and_spent, stage))
    await stage.discord.post("world", {"members": [{"name": name, "roles": []} for name in names]})
    image = await asyncio.to_thread(picture, files)
    answers = await asyncio.gather(*(stage.slash(name, "wan27 image", SHORT, image=image) for name in names))
    assert all(answer["acknowledged"] and answer["ack_ms"] < 3000 for answer in answers)
    cards = {answer["message_id"] for answer in answers}
    assert len(cards) == len(names)

    async def look() -> bool | None:
        finished = [m for m in await stage.messages() if m["id"] in cards and len(videos_of(m)) == 1]
        return True if len(finished) == len(names) else None

    await eventually(look, what=f"{len(names)} videos", within_s=30)
    assert len(await stage.fal.get("submits")) - before == len(names)
    budgets = await asyncio.to_thread(held_and_spent, stage)
    paid = [sums for scope, sums in budgets.items() if scope.startswith("member:") and scope not in known]
    assert paid == [(0, COST_MICROUSD)] * len(names)


async def test_twenty_at_once(stage: Stage, files: Path) -> None:
    """Twenty commands at once, with a fal that makes two at a time, are acknowledged within 3 s and all delivered."""
    await stage.fal.post("settings", {"seconds_per_job": 0.1, "concurrency": 2})
    async with costs(stage, members=(0, 20 * COST_MICROUSD), server=(0, 20 * COST_MICROUSD)):
        await burst(stage, files, [f"early{number}" for number in range(20)])


async def test_a_hundred_at_once(stage: Stage, files: Path) -> None:
    """A hundred commands at once are acknowledged within 3 s and all delivered, and Discord never answers 429."""
    await stage.fal.post("settings", {"seconds_per_job": 0.1, "concurrency": 20})
    async with costs(stage, members=(0, 100 * COST_MICROUSD), server=(0, 100 * COST_MICROUSD)):
        await burst(stage, files, [f"late{number}" for number in range(100)])
    assert (await stage.discord.get("limits"))["rate_limited"] == 0
