"""kill -9 in every state, then a restart: the job ends once, is posted once, is paid once, and is submitted once."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, text_of, videos_of
from tests.support.video_steps import (
    held_and_spent,
    order,
    wait_for_button,
    wait_for_state,
    wait_for_text,
    wait_for_video,
)

FAL: dict[str, dict[str, Any]] = {
    "accepted": {"at": "upload", "delay_s": 4, "times": 1},
    "fetching": {"at": "result", "delay_s": 4, "times": 1},
    "delivering": {"at": "cdn", "delay_s": 4, "times": 1},
}


async def crash(stage: Stage, message_id: str, state: str) -> None:
    """Kill the bot with SIGKILL in this state, clear the faults, and start it again."""
    await wait_for_state(stage, message_id, state)
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.fal.delete("faults")
    await stage.discord.delete("faults")
    await stage.start_bot()


async def ended_once(stage: Stage, message_id: str) -> None:
    """Check that there is one video, one payment and one submit."""
    message = await wait_for_video(stage, message_id)
    assert len(videos_of(message)) == 1
    await wait_for_state(stage, message_id, "done")
    films = [m for m in await stage.messages() if videos_of(m)]
    assert [m["id"] for m in films] == [message_id]
    assert len(await stage.fal.get("submits")) == 1
    assert set((await asyncio.to_thread(held_and_spent, stage)).values()) == {(0, 200_000)}


@pytest.mark.parametrize("state", FAL)
async def test_killed_while(empty_stage: Stage, files: Path, state: str) -> None:
    """A bot killed in this state finishes the job after its restart."""
    stage = empty_stage
    await stage.start_bot()
    await stage.fal.post("faults", FAL[state])
    message_id = await order(stage, files)
    await crash(stage, message_id, state)
    await ended_once(stage, message_id)


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_killed_while_fal_works(empty_stage: Stage, files: Path, state: str) -> None:
    """A bot killed while fal works on a request follows it again after its restart."""
    stage = empty_stage
    await stage.start_bot()
    if state == "queued":
        await stage.fal.post("faults", {"at": "stream", "delay_s": 3, "times": 1})
    await stage.fal.post("settings", {"seconds_per_job": 3})
    message_id = await order(stage, files)
    await crash(stage, message_id, state)
    await ended_once(stage, message_id)


async def test_killed_and_back_before_discord_lets_her_in(empty_stage: Stage) -> None:
    """Discord takes one login in five seconds: a bot that is back sooner is refused once, waits, and is ready."""
    stage = empty_stage
    bot = await stage.start_bot()
    await bot.stop(how=signal.SIGKILL)
    await stage.discord.post("gateway", {"action": "identify_interval", "seconds": 5})
    again = await stage.start_bot()
    told = [entry["data"] for entry in await stage.discord.get("transcript") if entry.get("event") == "READY"]
    assert len(told) == 2
    assert any("session has been invalidated" in line for line in again.lines)


async def test_killed_while_posting(empty_stage: Stage, files: Path) -> None:
    """A bot killed while it uploads the video to Discord posts it once, on the same message."""
    stage = empty_stage
    await stage.start_bot()
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "queued", "running", "fetching")
    await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", "delay_s": 3, "times": 20})
    await crash(stage, message_id, "delivering")
    await ended_once(stage, message_id)


async def test_killed_while_submitting(empty_stage: Stage, files: Path) -> None:
    """A bot killed during the submit never repeats it; the member pays nothing, the server's budget stays exposed."""
    stage = empty_stage
    await stage.start_bot()
    await stage.fal.post("faults", {"at": "submit", "delay_s": 4, "times": 1})
    message_id = await order(stage, files)
    await crash(stage, message_id, "submitting")
    await wait_for_state(stage, message_id, "uncertain")
    await wait_for_text(stage, message_id, "charged")
    assert len(await stage.fal.get("submits")) <= 1
    budgets = await asyncio.to_thread(held_and_spent, stage)
    assert {scope.split(":")[0]: value for scope, value in budgets.items()} == {
        "member": (0, 0),
        "server": (200_000, 0),
    }


async def test_killed_before_the_end_was_told(empty_stage: Stage, files: Path) -> None:
    """An end that was stored but not shown before the kill is shown after the restart."""
    stage = empty_stage
    await stage.start_bot()
    await stage.fal.post("settings", {"seconds_per_job": 1})
    await stage.fal.post("faults", {"at": "result", "error_type": "content_policy_violation", "times": 1})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "queued", "running")
    await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", "delay_s": 4, "times": 20})
    await crash(stage, message_id, "failed")
    await wait_for_text(stage, message_id, "weren't charged")


async def test_sigterm(empty_stage: Stage, files: Path) -> None:
    """On SIGTERM the bot exits within ten seconds with status 0, and the next start finishes its jobs."""
    stage = empty_stage
    bot = await stage.start_bot()
    await stage.fal.post("settings", {"seconds_per_job": 3})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "running")
    async with asyncio.timeout(10):
        assert await bot.stop() == 0
    await stage.start_bot()
    await ended_once(stage, message_id)


async def test_the_button_after_a_restart(empty_stage: Stage, files: Path) -> None:
    """The Cancel button of a card from before a restart still works."""
    stage = empty_stage
    await stage.start_bot()
    await stage.fal.post("settings", {"seconds_per_job": 30})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "running")
    await wait_for_button(stage, message_id)
    await crash(stage, message_id, "running")
    await stage.discord.post("click", {"user": "maker", "message": message_id, "label": "Cancel"})
    message = await wait_for_text(stage, message_id, "cancelled")
    assert "weren't charged" in text_of(message).lower()
