"""The Cancel button."""

import asyncio
from pathlib import Path

import pytest

from sandbox.stage import Stage, eventually, text_of
from tests.support.video_steps import check_books, held_and_spent, order, wait_for_state, wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def press(stage: Stage, message_id: str, *, user: str = "maker") -> str:
    """Press Cancel and return the private answer."""
    answer = await stage.discord.post("click", {"user": user, "message": message_id, "label": "Cancel"})
    assert answer["acknowledged"]

    async def look() -> str | None:
        seen = await stage.message(answer["message_id"], seen_by=user)
        return seen["content"] if seen and seen["content"] else None

    return await eventually(look, what="answer to the button")


async def button(stage: Stage, message_id: str) -> None:
    """Wait for the button."""

    async def look() -> bool | None:
        message = await stage.message(message_id)
        return True if message and message["components"] else None

    await eventually(look, what="Cancel button")


async def test_while_queued(stage: Stage, files: Path) -> None:
    """A job in fal's queue is cancelled free of charge."""
    await stage.fal.post("settings", {"seconds_per_job": 2, "concurrency": 1})
    first = await order(stage, files, user="friend")
    await wait_for_state(stage, first, "running")
    second = await order(stage, files)
    await wait_for_state(stage, second, "queued")
    await button(stage, second)
    await press(stage, second)
    message = await wait_for_text(stage, second, "cancelled")
    assert "nothing was charged" in text_of(message).lower()
    assert await wait_for_state(stage, second, "cancelled")
    await wait_for_video(stage, first)
    await stage.fal.post("settings", {"seconds_per_job": 0.3, "concurrency": 2})


async def test_while_running(stage: Stage, files: Path) -> None:
    """A running job is cancelled at fal, and what fal does not bill is not charged."""
    await stage.fal.post("settings", {"seconds_per_job": 20})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "running")
    await button(stage, message_id)
    await press(stage, message_id)
    await wait_for_text(stage, message_id, "cancelled")
    assert await wait_for_state(stage, message_id, "cancelled")
    await stage.fal.post("settings", {"seconds_per_job": 0.3})


async def test_only_its_owner(stage: Stage, files: Path) -> None:
    """Somebody else's press changes nothing and is told why."""
    await stage.fal.post("settings", {"seconds_per_job": 1.5})
    message_id = await order(stage, files)
    await button(stage, message_id)
    assert "can cancel" in await press(stage, message_id, user="friend")
    await wait_for_video(stage, message_id)
    await stage.fal.post("settings", {"seconds_per_job": 0.3})


async def test_too_late(stage: Stage, files: Path) -> None:
    """A press on a video that is made already says so, and the video comes."""
    await stage.fal.post("settings", {"seconds_per_job": 1.5, "ignore_cancel": True})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "running")
    await button(stage, message_id)
    await press(stage, message_id)
    await wait_for_video(stage, message_id)
    await stage.fal.post("settings", {"seconds_per_job": 0.3, "ignore_cancel": False})


async def test_nothing_stays_held(stage: Stage) -> None:
    """After all of it nothing is held and the books are right."""
    await check_books(stage)
    budgets = await asyncio.to_thread(held_and_spent, stage)
    assert {held for held, _ in budgets.values()} == {0}
