"""Many members at once."""

import asyncio
from pathlib import Path

import pytest

from sandbox.stage import Stage, eventually
from tests.support.video_steps import check_books, held_and_spent, picture

pytestmark = pytest.mark.asyncio(loop_scope="module")
COST_MICROUSD = 200_000
# One seed, so that the stand-in renders one film for all of them.
SHORT = {"duration": 2, "resolution": "720p", "seed": 7}


async def burst(stage: Stage, files: Path, names: list[str]) -> None:
    """Have all of them ask at once; see every command acknowledged in time, and every video on its own card."""
    await stage.discord.post("world", {"members": [{"name": name, "roles": []} for name in names]})
    image = await asyncio.to_thread(picture, files)
    answers = await asyncio.gather(*(stage.slash(name, "wan27 image", SHORT, image=image) for name in names))
    assert all(answer["acknowledged"] and answer["ack_ms"] < 3000 for answer in answers)
    cards = {answer["message_id"] for answer in answers}
    assert len(cards) == len(names)

    async def look() -> bool | None:
        finished = [m for m in await stage.messages() if m["id"] in cards and len(m["attachments"]) == 1]
        return True if len(finished) == len(names) else None

    await eventually(look, what=f"{len(names)} videos", within_s=30)


async def test_twenty_at_once(stage: Stage, files: Path) -> None:
    """Twenty commands at once, at a fal that makes two at a time, are acknowledged within 3 s and all delivered."""
    await stage.fal.post("settings", {"seconds_per_job": 0.1, "concurrency": 2})
    await burst(stage, files, [f"early{number}" for number in range(20)])


async def test_a_hundred_at_once(stage: Stage, files: Path) -> None:
    """A hundred commands at once are acknowledged within 3 s and all delivered, without one answer of 429."""
    await stage.fal.post("settings", {"concurrency": 20})
    await burst(stage, files, [f"late{number}" for number in range(100)])
    assert (await stage.discord.get("limits"))["rate_limited"] == 0


async def test_each_was_asked_and_paid_once(stage: Stage) -> None:
    """After it all fal had one submit for each, each member paid for one, and the books are right."""
    assert len(await stage.fal.get("submits")) == 120
    budgets = await asyncio.to_thread(held_and_spent, stage)
    assert sorted(budgets.values()) == [*[(0, COST_MICROUSD)] * 120, (0, 120 * COST_MICROUSD)]
    await check_books(stage)
