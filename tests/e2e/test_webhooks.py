"""fal calls the real bot when a video is made, at its own port on loopback."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, eventually, text_of
from tests.support.metric_labels import scrape
from tests.support.ports import free_port
from tests.support.video_steps import costs, order, wait_for_ends, wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAID = (0, 200_000)  # held and spent


@pytest.fixture(scope="module")
def bot_settings() -> dict[str, str]:
    """A public address that is the bot's own port; one job at a time is followed by a stream."""
    port = free_port()
    return {
        "WANDA_WEB_PORT": str(port),
        "WANDA_PUBLIC_URL": f"http://127.0.0.1:{port}/",
        "WANDA_FAL_STREAMS_MAX": "1",
    }


async def asked(stage: Stage) -> list[dict[str, int]]:
    """Return what fal was asked about each of its requests, the last first."""
    return [one["asked"] for one in reversed(await stage.fal.get("requests"))]


async def test_fal_calls_when_a_video_is_made(stage: Stage, files: Path, bot_settings: dict[str, str]) -> None:
    """Of three videos at once one shows its progress; the others cost two requests to fal, and all are posted."""
    await stage.fal.post("settings", {"seconds_per_job": 3600, "concurrency": 3})
    async with costs(stage, members=(0, 600_000), server=(0, 600_000)):
        cards = [await order(stage, files) for _ in range(3)]

        async def at_fal() -> bool | None:
            states = [one["state"] for one in await stage.fal.get("requests")]
            return True if states == ["IN_PROGRESS"] * 3 else None

        await eventually(at_fal, what="three requests at fal")
        await wait_for_text(stage, cards[0], "making the video")
        await stage.fal.post("finish", {"count": 3})
        for card in cards:
            await wait_for_video(stage, card)
        await wait_for_ends(stage)
    counts = await asked(stage)
    assert sorted(one.get("stream", 0) for one in counts) == [0, 0, 1]
    assert [(one["submit"], one["result"], one.get("status", 0)) for one in counts] == [(1, 1, 0)] * 3

    async def called_thrice() -> dict[str, float] | None:
        taken = await webhooks(bot_settings)
        return taken if sum(taken.values()) == 3 else None

    taken = await eventually(called_thrice, what="third webhook")
    assert taken["stored"] >= 2  # a stream may tell the end of its job before
    assert taken["stored"] + taken["known"] == 3


async def test_a_lost_reply_becomes_a_video(stage: Stage, files: Path) -> None:
    """A submit whose reply was lost is uncertain; when fal calls, its card shows the video, at the server's cost."""
    await stage.fal.post("settings", {"seconds_per_job": 3600})
    await stage.fal.post("faults", {"lose_reply": True})
    async with costs(stage, server=PAID):
        card = await order(stage, files)
        lost = await wait_for_text(stage, card, "We can't tell whether this video was made.")
        assert "You weren't charged." in text_of(lost)
        await stage.fal.post("finish", {"count": 1})
        made = await wait_for_video(stage, card)
        await wait_for_ends(stage)
    assert "fal told Wanda late that this one was made, so you weren't charged." in text_of(made)
    assert (await asked(stage))[0] == {"submit": 1, "result": 1}


async def webhooks(settings: dict[str, str]) -> dict[str, float]:
    """Return how many webhooks the bot took, by verdict."""
    families: Any = await scrape(settings["WANDA_WEB_PORT"])
    return {
        sample.labels["verdict"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "wanda_webhooks_total"
    }
