"""Replies of fal that are small on the wire and huge when unpacked, for the real bot."""

from pathlib import Path

import pytest

from sandbox.stage import Stage
from tests.support.peak_memory import grows_at_most
from tests.support.video_steps import order, wait_for_ends, wait_for_video

GROWTH_MIB = 64  # one video without any bomb takes some 20


@pytest.mark.parametrize("at", ["submit", "status", "result", "cdn"])
async def test_a_gzip_bomb_fills_no_memory(empty_stage: Stage, files: Path, at: str) -> None:
    """512 MiB out of half a MiB never are in the bot's memory, and it goes on making videos."""
    stage = empty_stage
    await stage.start_bot()
    assert stage.bot is not None
    await wait_for_video(stage, await order(stage, files))
    with grows_at_most(GROWTH_MIB, stage.bot.pid):
        await stage.fal.post("faults", {"at": at, "bomb_mib": 512, "times": 1 if at in {"submit", "result"} else 20})
        await order(stage, files)
        await wait_for_ends(stage)
        await stage.fal.delete("faults")
        await wait_for_video(stage, await order(stage, files))
