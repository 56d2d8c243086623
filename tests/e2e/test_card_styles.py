"""A job's card from the order to the video, in both styles, and across a change of the setting."""

from pathlib import Path
from typing import Any

from sandbox.stage import Stage, components_of, eventually, text_of, videos_of
from tests.support.rerun_steps import press, restart
from tests.support.video_steps import order, wait_for_state, wait_for_video

COMPONENTS_V2 = 1 << 15
GALLERY = 12


def gallery(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the message's gallery shows."""
    return [item for part in components_of(message) if part["type"] == GALLERY for item in part["items"]]


async def test_components_from_the_order_to_the_video(empty_stage: Stage, files: Path) -> None:
    """The card shows the attached picture while the video is made, and then the video with the prompt as alt text."""
    stage = empty_stage
    await stage.fal.post("settings", {"seconds_per_job": 2})
    await stage.start_bot()
    card = await order(stage, files, prompt="the lake begins to shimmer", seed=7)

    async def look() -> dict[str, Any] | None:
        message = await stage.message(card)
        return message if message and gallery(message) else None

    waiting = await eventually(look, what="picture on the card")
    assert waiting["flags"] & COMPONENTS_V2
    ((preview,), (attached,)) = gallery(waiting), waiting["attachments"]
    assert preview["media"]["url"].partition("?")[0].endswith("/preview-image.jpg")
    assert preview["description"] == "The attached picture"
    assert (await stage.discord.fetch(attached["url"]))[:3] == b"\xff\xd8\xff"
    done = await wait_for_video(stage, card)
    (video,) = gallery(done)
    assert (video["description"], video["spoiler"]) == ("the lake begins to shimmer", False)
    assert [file["filename"] for file in done["attachments"]] == ["wanda-wan27-image-7.mp4"]
    assert (done["content"], done["embeds"]) == ("", [])
    lines = text_of(done).splitlines()
    assert lines[0] == "### the lake begins to shimmer"
    assert any(line.startswith("-# 720p · 2 s · $0.20 · seed 7 · ") for line in lines)
    assert "left" not in text_of(done)


async def test_a_card_keeps_its_style(empty_stage: Stage, files: Path) -> None:
    """A card that was posted as an embed stays one after the setting changed, also for late edits; new ones follow."""
    stage = empty_stage
    await stage.start_bot(WANDA_CARD_STYLE="classic")
    old = await order(stage, files, prompt="the lake begins to shimmer", seed=7)
    embed = await wait_for_video(stage, old)
    await wait_for_state(stage, old, "done")
    assert not embed["flags"] & COMPONENTS_V2
    assert "> the lake begins to shimmer" in embed["embeds"][0]["description"]
    await restart(stage)
    child = (await press(stage, "maker", old, "Rerun"))["message_id"]
    assert (await wait_for_video(stage, child))["flags"] & COMPONENTS_V2

    async def look() -> dict[str, Any] | None:
        message = await stage.message(old)
        return message if message and f"/{child})" in text_of(message) else None

    linked = await eventually(look, what="link on the old card")
    assert linked["embeds"][0]["fields"][-1]["name"] == "Made from this"
    assert len(videos_of(linked)) == 1
    assert not linked["flags"] & COMPONENTS_V2
