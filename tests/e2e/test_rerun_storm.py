"""Fifty members react at once."""

import asyncio
from pathlib import Path
from typing import Any

from sandbox.stage import Stage, eventually, videos_of
from tests.support.rerun_steps import react
from tests.support.video_steps import held_and_spent, order, wait_for_state, wait_for_video

MEMBERS = 50
COST_MICROUSD = 200_000


async def test_fifty_at_once(empty_stage: Stage, files: Path) -> None:
    """Fifty members react at once: each gets a card and a video and pays once, and Discord never answers 429."""
    stage = empty_stage
    await stage.start_bot(WANDA_CHANNEL_EDIT_INTERVAL_S="1.5")
    parent = await order(stage, files, seed=7)
    await wait_for_video(stage, parent)
    await wait_for_state(stage, parent, "done")
    await stage.fal.post("settings", {"seconds_per_job": 0.1, "concurrency": 20})
    names = [f"fan{number}" for number in range(MEMBERS)]
    await stage.discord.post("world", {"members": [{"name": name, "roles": []} for name in names]})
    await asyncio.gather(*(react(stage, name, parent, "🔁") for name in names))
    # Discord takes five messages in five seconds a channel, so fifty cards and their videos take most of a minute.
    cards = await eventually(lambda: videos_below(stage, parent), what="fifty videos", within_s=240)
    for card in cards:
        await wait_for_state(stage, card["id"], "done")
    await every_one_once(stage)
    limits = await stage.discord.get("limits")
    assert limits["rate_limited"] == 0, limits


async def videos_below(stage: Stage, parent: str) -> list[dict[str, Any]] | None:
    """Return the videos that reply to the card once there are fifty."""
    replies = [m for m in await stage.messages() if m["reference"] == parent]
    assert len(replies) <= MEMBERS
    made = [m for m in replies if videos_of(m)]
    return made if len(made) == MEMBERS else None


async def every_one_once(stage: Stage) -> None:
    """Check that each member paid for one video, and that fal got one submit for each."""
    assert len(await stage.fal.get("submits")) == MEMBERS + 1
    budgets = await asyncio.to_thread(held_and_spent, stage)
    members = [spent for scope, spent in budgets.items() if scope.startswith("member:")]
    assert sorted(members) == [(0, COST_MICROUSD)] * (MEMBERS + 1)
