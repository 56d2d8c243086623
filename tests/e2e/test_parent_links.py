"""Links between a video's card and its reruns' cards."""

import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, buttons_of, eventually, text_of
from tests.support.rerun_steps import press
from tests.support.video_steps import order, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _made(stage: Stage, message_id: str) -> dict[str, Any]:
    message = await wait_for_video(stage, message_id)
    await wait_for_state(stage, message_id, "done")
    return message


async def _linked(stage: Stage, message_id: str, count: int) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and text_of(message).count("https://discord.com/channels/") >= count else None

    return await eventually(look, what=f"{count} links on the parent")


async def test_parent_and_children_link_to_each_other(stage: Stage, files: Path) -> None:
    """A rerun's card links to its parent at once; the parent's links to each child and keeps its video and buttons."""
    parent = await _made(stage, await order(stage, files))
    child_ids: list[str] = []
    for count in (1, 2):
        answer = await press(stage, "friend", parent["id"], "New seed")
        child = await _made(stage, answer["message_id"])
        child_ids.append(child["id"])
        assert "Rerun of [this video](https://discord.com/channels/" in text_of(child)
        assert f"/{parent['id']})" in text_of(child)
        linked = await _linked(stage, parent["id"], count)
        assert all(f"/{child_id})" in text_of(linked) for child_id in child_ids)
        assert [file["id"] for file in linked["attachments"]] == [file["id"] for file in parent["attachments"]]
        assert buttons_of(linked) == buttons_of(parent)
        assert linked["content"] == parent["content"]


async def test_a_link_that_a_crash_has_kept_from_the_parent_comes_with_the_restart(stage: Stage, files: Path) -> None:
    """If the bot is killed before it adds a child's link to the parent's card, the next start adds it."""
    parent = await _made(stage, await order(stage, files))
    assert stage.bot is not None
    await stage.bot.stop()
    await stage.start_bot(WANDA_EDIT_INTERVAL_S="30")
    first = await _made(stage, (await press(stage, "friend", parent["id"], "New seed"))["message_id"])
    await _linked(stage, parent["id"], 1)
    # The next edit of a parent is half a minute away, and the process ends before.
    second = await _made(stage, (await press(stage, "friend", parent["id"], "New seed"))["message_id"])
    linked = await stage.message(parent["id"])
    assert linked is not None
    assert f"/{second['id']})" not in text_of(linked)
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.start_bot()
    linked = await _linked(stage, parent["id"], 2)
    assert all(f"/{child['id']})" in text_of(linked) for child in (first, second))
