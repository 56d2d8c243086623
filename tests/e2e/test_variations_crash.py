"""What becomes of several variations when the bot dies, or their message is deleted, between two of them."""

import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, eventually, text_of
from tests.support.rerun_steps import press
from tests.support.video_steps import delete_message, gallery, order, rows, wait_for_ends, wait_for_text

# 2 s of Wan 2.7 at $0.10 and $0.15 a second (https://fal.ai/models/fal-ai/wan/v2.7/image-to-video), in micro-dollars.
EACH, FINAL = 200_000, 300_000


async def picked(stage: Stage, files: Path) -> str:
    """Order two drafts and pick the second, whose final finds no way to post its card; return the drafts' message."""
    drafts = await order(stage, files, variations=12, resolution="1080p")
    await wait_for_text(stage, drafts, "set aside until")
    await gallery(stage, drafts, 2)
    await stage.discord.post("faults", {"method": "POST", "path": "/channels/*/messages", "delay_s": 120, "times": 1})
    await press(stage, "maker", drafts, "Pick 2")

    async def noted() -> bool | None:
        return True if rows(stage, "SELECT state FROM picks") == [("picked",)] else None

    await eventually(noted, what="noted pick")
    return drafts


@pytest.mark.parametrize("style", ["components", "classic"])
async def test_a_crash_between_two_of_them(empty_stage: Stage, files: Path, style: str) -> None:
    """After a kill the videos that were posted stay in the message, the others come, and each was paid once.

    So does the final of a draft that was picked before the kill, and that had no card yet: once, below its drafts.
    """
    stage = empty_stage
    bot = await stage.start_bot(WANDA_CARD_STYLE=style, WANDA_PICK_LOOK_S="0.3")
    drafts = await picked(stage, files)
    card = await order(stage, files, variations=4)

    async def one_is_there() -> bool | None:
        message = await stage.message(card)
        return True if message and message["attachments"] else None

    await eventually(one_is_there, what="first video")
    await bot.stop(how=signal.SIGKILL)
    assert rows(stage, "SELECT purpose FROM reservations") == [("final",)]
    await stage.start_bot(WANDA_CARD_STYLE=style, WANDA_PICK_LOOK_S="0.3")
    message = await gallery(stage, card, 4)
    assert "**4** · Ready" in text_of(message)

    async def final_is_there() -> list[str] | None:
        replies = [one for one in await stage.messages() if one["reference"] == drafts]
        return [one["id"] for one in replies if one["attachments"]] or None

    (final,) = await eventually(final_is_there, what="final", within_s=60)
    await wait_for_ends(stage)
    assert len(await stage.fal.get("submits")) == 4 + 2 + 1
    spent = rows(stage, "SELECT settled_microusd, COUNT(*) FROM draws WHERE position = 0 GROUP BY settled_microusd")
    assert sorted(spent) == [(EACH, 4 + 2), (FINAL, 1)]
    assert rows(stage, "SELECT COUNT(*) FROM reservations") == [(0,)]
    assert {one["id"] for one in await stage.messages() if one["attachments"]} == {card, drafts, final}


async def test_one_cannot_be_made(empty_stage: Stage, files: Path) -> None:
    """A failed one says so beside the others; cancel ends what is not finished; a deleted message loses no video."""
    stage = empty_stage
    await stage.start_bot()
    card = await order(stage, files, variations=2)
    await gallery(stage, card, 2)
    second = await order(stage, files, variations=2)
    await delete_message(stage, second)

    async def alone() -> list[dict[str, Any]] | None:
        found = [one for one in await stage.messages() if one["attachments"] and one["id"] != card]
        return found if len(found) == 2 else None

    await eventually(alone, what="two messages of their own")
    await wait_for_ends(stage)
