"""What becomes of several variations when the bot dies, or their message is deleted, between two of them."""

import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, eventually, text_of
from tests.support.video_steps import delete_message, gallery, order, rows, wait_for_ends

EACH = 200_000  # micro-dollars: 2 s of Wan 2.7 at 720p, $0.10 a second (https://fal.ai/models/fal-ai/wan/v2.7)


@pytest.mark.parametrize("style", ["components", "classic"])
async def test_a_crash_between_two_of_them(empty_stage: Stage, files: Path, style: str) -> None:
    """After a kill the videos that were posted stay in the message, the others come, and each was paid once."""
    stage = empty_stage
    bot = await stage.start_bot(WANDA_CARD_STYLE=style)
    card = await order(stage, files, variations=4)

    async def one_is_there() -> bool | None:
        message = await stage.message(card)
        return True if message and message["attachments"] else None

    await eventually(one_is_there, what="first video")
    await bot.stop(how=signal.SIGKILL)
    await stage.start_bot(WANDA_CARD_STYLE=style)
    message = await gallery(stage, card, 4)
    assert "**4** · Ready" in text_of(message)
    assert len(await stage.fal.get("submits")) == 4
    assert {spent for (spent,) in rows(stage, "SELECT settled_microusd FROM draws")} == {EACH}
    assert [one["id"] for one in await stage.messages() if one["attachments"]] == [card]


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
