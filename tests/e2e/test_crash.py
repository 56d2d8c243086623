"""kill -9 in every state, then a restart: the job ends once, is posted once, is paid once, and is submitted once."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, text_of, videos_of
from tests.support.rerun_steps import restart
from tests.support.video_steps import (
    amounts,
    costs,
    order,
    wait_for_button,
    wait_for_state,
    wait_for_text,
    wait_for_video,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
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


async def ended_once(stage: Stage, message_id: str, submits: int) -> None:
    """Check that there is one video, one payment and one submit; `submits` is how many there were before."""
    message = await wait_for_video(stage, message_id)
    assert len(videos_of(message)) == 1
    await wait_for_state(stage, message_id, "done")
    films = [m["id"] for m in await stage.messages() if videos_of(m) and int(m["id"]) >= int(message_id)]
    assert films == [message_id]
    assert len(await stage.fal.get("submits")) == submits + 1
    assert await asyncio.to_thread(amounts, stage, message_id) == ({(200_000, 200_000)}, 0)


@pytest.mark.parametrize("state", FAL)
async def test_killed_while(stage: Stage, files: Path, state: str) -> None:
    """A bot killed in this state finishes the job after its restart."""
    await stage.fal.post("faults", FAL[state])
    submits = len(await stage.fal.get("submits"))
    message_id = await order(stage, files)
    await crash(stage, message_id, state)
    await ended_once(stage, message_id, submits)


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_killed_while_fal_works(stage: Stage, files: Path, state: str) -> None:
    """A bot killed while fal works on a request follows it again after its restart."""
    if state == "queued":
        await stage.fal.post("faults", {"at": "stream", "delay_s": 3, "times": 1})
    await stage.fal.post("settings", {"seconds_per_job": 3})
    submits = len(await stage.fal.get("submits"))
    message_id = await order(stage, files)
    await crash(stage, message_id, state)
    await ended_once(stage, message_id, submits)


async def test_killed_and_back_before_discord_lets_her_in(stage: Stage) -> None:
    """Discord takes one login in five seconds: a bot that is back sooner is refused once, waits, and is ready."""
    await restart(stage)
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.discord.post("gateway", {"action": "identify_interval", "seconds": 10})
    again = await stage.start_bot()
    await stage.discord.post("gateway", {"action": "identify_interval", "seconds": 0})
    assert any("session has been invalidated" in line for line in again.lines)


async def test_killed_while_posting(stage: Stage, files: Path) -> None:
    """A bot killed while it uploads the video to Discord posts it once, on the same message."""
    submits = len(await stage.fal.get("submits"))
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "queued", "running", "fetching")
    await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", "delay_s": 3, "times": 20})
    await crash(stage, message_id, "delivering")
    await ended_once(stage, message_id, submits)


async def test_killed_while_submitting(stage: Stage, files: Path) -> None:
    """A bot killed during the submit never repeats it; the member pays nothing, the server's budget stays exposed."""
    submits = len(await stage.fal.get("submits"))
    async with costs(stage, server=(200_000, 0)):
        await stage.fal.post("faults", {"at": "submit", "delay_s": 4, "times": 1})
        message_id = await order(stage, files)
        await crash(stage, message_id, "submitting")
        await wait_for_state(stage, message_id, "uncertain")
        await wait_for_text(stage, message_id, "charged")
    assert len(await stage.fal.get("submits")) <= submits + 1


async def test_killed_before_the_end_was_told(stage: Stage, files: Path) -> None:
    """An end that was stored but not shown before the kill is shown after the restart."""
    await stage.fal.post("settings", {"seconds_per_job": 1})
    await stage.fal.post("faults", {"at": "result", "error_type": "content_policy_violation", "times": 1})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "queued", "running")
    await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", "delay_s": 4, "times": 20})
    await crash(stage, message_id, "failed")
    await wait_for_text(stage, message_id, "weren't charged")


async def test_sigterm(stage: Stage, files: Path) -> None:
    """On SIGTERM the bot exits within ten seconds with status 0, and the next start finishes its jobs."""
    assert stage.bot is not None
    await stage.fal.post("settings", {"seconds_per_job": 3})
    submits = len(await stage.fal.get("submits"))
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "running")
    async with asyncio.timeout(10):
        assert await stage.bot.stop() == 0
    await stage.start_bot()
    await ended_once(stage, message_id, submits)


async def test_the_button_after_a_restart(stage: Stage, files: Path) -> None:
    """The Cancel button of a card from before a restart still works."""
    await stage.fal.post("settings", {"seconds_per_job": 30})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "running")
    await wait_for_button(stage, message_id)
    await crash(stage, message_id, "running")
    await stage.discord.post("click", {"user": "maker", "message": message_id, "label": "Cancel"})
    message = await wait_for_text(stage, message_id, "cancelled")
    assert "weren't charged" in text_of(message).lower()
