"""The Cancel button, in each state of a job; every test checks what the cancel costs."""

from pathlib import Path

import pytest

from sandbox.stage import Stage, eventually, text_of
from tests.support.video_steps import costs, order, wait_for_button, wait_for_state, wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAID = (0, 200_000)  # held and spent


async def press(stage: Stage, message_id: str, *, user: str = "maker") -> str:
    """Press Cancel and return the private answer's text."""
    answer = await stage.discord.post("click", {"user": user, "message": message_id, "label": "Cancel"})
    assert answer["acknowledged"]

    async def look() -> str | None:
        seen = await stage.message(answer["message_id"], seen_by=user)
        return seen["content"] if seen and seen["content"] else None

    return await eventually(look, what="answer to the button")


async def test_while_queued(stage: Stage, files: Path) -> None:
    """A job in fal's queue is cancelled free of charge."""
    await stage.fal.post("settings", {"seconds_per_job": 2, "concurrency": 1})
    async with costs(stage, members=PAID, server=PAID):  # of the job that keeps fal busy
        first = await order(stage, files, user="friend")
        await wait_for_state(stage, first, "running")
        second = await order(stage, files)
        await wait_for_state(stage, second, "queued")
        await wait_for_button(stage, second)
        await press(stage, second)
        message = await wait_for_text(stage, second, "cancelled")
        assert "weren't charged" in text_of(message).lower()
        await wait_for_state(stage, second, "cancelled")
        await wait_for_video(stage, first)


async def test_while_running(stage: Stage, files: Path) -> None:
    """A running job is cancelled at fal: the member pays nothing, the server what fal may have billed."""
    await stage.fal.post("settings", {"seconds_per_job": 20})
    async with costs(stage, server=PAID):
        message_id = await order(stage, files)
        await wait_for_state(stage, message_id, "running")
        await wait_for_button(stage, message_id)
        await press(stage, message_id)
        await wait_for_text(stage, message_id, "cancelled")
        await wait_for_state(stage, message_id, "cancelled")


async def test_only_its_owner(stage: Stage, files: Path) -> None:
    """Another member's press changes nothing and is answered with the reason."""
    await stage.fal.post("settings", {"seconds_per_job": 1.5})
    async with costs(stage, members=PAID, server=PAID):
        message_id = await order(stage, files)
        await wait_for_button(stage, message_id)
        assert "can cancel" in await press(stage, message_id, user="friend")
        await wait_for_video(stage, message_id)


async def test_too_late(stage: Stage, files: Path) -> None:
    """When fal ignores the cancel, the video is delivered and paid."""
    await stage.fal.post("settings", {"seconds_per_job": 1.5, "ignore_cancel": True})
    async with costs(stage, members=PAID, server=PAID):
        message_id = await order(stage, files)
        await wait_for_state(stage, message_id, "running")
        await wait_for_button(stage, message_id)
        await press(stage, message_id)
        await wait_for_video(stage, message_id)
