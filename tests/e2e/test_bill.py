"""The real bot reads the stand-in's bill and past requests: nothing is lost, and the books say what fal billed."""

import asyncio
from pathlib import Path

import pytest

from sandbox.fal.server import ADMIN_KEY
from sandbox.stage import Stage, eventually
from tests.support.video_steps import costs, order, rows, wait_for_ends, wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def bot_settings() -> dict[str, str]:
    """The admin key, and looks at fal every half second."""
    return {"FAL_ADMIN_KEY": ADMIN_KEY, "WANDA_FAL_BILL_S": "0.5", "WANDA_FAL_SEARCH_S": "0.5"}


async def test_a_lost_reply_is_searched_for(stage: Stage, files: Path) -> None:
    """A job whose submit's reply was lost is found at fal by its upload and delivered, and nobody pays it twice."""
    await stage.fal.post("settings", {"seconds_per_job": 3600})
    await stage.fal.post("faults", {"lose_reply": True})
    async with costs(stage, server=(0, 200_000)):
        card = await order(stage, files)
        await wait_for_text(stage, card, "We can't tell whether this video was made.")
        await stage.fal.post("finish", {"count": 1})
        await wait_for_video(stage, card)
        await wait_for_ends(stage)
    (request,) = await stage.fal.get("requests")
    assert request["asked"]["submit"] == 1


async def test_the_books_follow_the_bill(stage: Stage, files: Path) -> None:
    """What fal billed less, and what it refunded later, its member and server get back, to the micro-dollar."""
    await stage.fal.post("settings", {"seconds_per_job": 0})
    async with costs(stage, members=(0, 103_457), server=(0, 103_457)):
        card = await order(stage, files)
        await wait_for_video(stage, card)
        await wait_for_ends(stage)
        last = (await stage.fal.get("requests"))[-1]
        await stage.fal.post(
            "bill", {"request": last["id"], "nano_usd": 123_456_789, "further_nano_usd": [-20_000_000]}
        )
        whole = await stage.fal.get("bill")

        async def is_followed() -> bool | None:
            spent = await asyncio.to_thread(rows, stage, "SELECT SUM(settled_microusd) FROM draws WHERE position = 0")
            return True if spent[0][0] == round(whole["nano_usd"] / 1000) else None

        await eventually(is_followed, what="the books to follow fal's bill")
