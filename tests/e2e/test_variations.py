"""Several variations at once: one price, one message with a gallery, one of them picked; a loop of a picture."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, components_of, eventually, text_of
from tests.support.rerun_steps import labels, latest_input, one_video, press, react, wait_for_inputs
from tests.support.text_commands import admin, read
from tests.support.video_steps import costs, gallery, order, wait_for_ends, wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
EACH = 200_000  # micro-dollars: 2 s of Wan 2.7 at 720p, $0.10 a second (https://fal.ai/models/fal-ai/wan/v2.7)


async def test_three_at_once(stage: Stage, files: Path) -> None:
    """One message fills with three videos of three seeds, each paid once; Final of the second makes it large."""
    async with costs(stage, members=(0, 3 * EACH), server=(0, 3 * EACH)):
        card = await order(stage, files, variations=3, seed=7)
        message = await gallery(stage, card, 3)
    names = [file["filename"] for file in message["attachments"]]
    assert len(set(names)) == 3
    said = text_of(message)
    assert [f"**{number}** · Ready" in said for number in (1, 2, 3)] == [True] * 3
    assert "$0.60 for 3" in said
    assert sorted(one["seed"] for one in await wait_for_inputs(stage, 3)) == [7, 8, 9]
    assert [label for label in labels(message) if label.startswith("Final")] == [
        f"Final {number} · $0.30" for number in (1, 2, 3)
    ]
    answer = await press(stage, "friend", card, "Final 2")
    await wait_for_video(stage, answer["message_id"])
    sent = await latest_input(stage)
    assert (sent["seed"], sent["resolution"]) == (8, "1080p")
    assert "Final of" in text_of(await stage.message(answer["message_id"]) or {})


async def choose(stage: Stage, user: str, message_id: str, value: str) -> dict[str, Any]:
    """Choose from the select below the videos."""
    message = await stage.message(message_id)
    (select,) = [part for part in components_of(message or {}) if part["type"] == 3]
    body = {"user": user, "message": message_id, "custom_id": select["custom_id"], "values": [value]}
    return await stage.discord.post("click", body)


async def test_the_button_the_pick_and_the_reaction(stage: Stage, files: Path) -> None:
    """Variations of a finished video; one of them is picked to go on with; 🔁 on the message makes as many new ones."""
    parent = await one_video(stage, files, seed=5)
    asked = await press(stage, "friend", parent, "Variations")
    answer = await press(stage, "friend", asked["message_id"], "2 for $0.40")
    message = await gallery(stage, answer["message_id"], 2)
    assert "Variations of" in text_of(message)
    seeds = {one["seed"] for one in (await wait_for_inputs(stage, 1))[-2:]}
    assert len(seeds) == 2
    assert 5 not in seeds
    private = await read(stage, "friend", (await choose(stage, "friend", message["id"], "2"))["message_id"])
    assert private.private
    assert "Video 2 of 2" in private.text
    assert {"Rerun", "Edit", "Continue"} <= set(labels(private.raw))
    assert not {"Delete", "Share"} & set(labels(private.raw))
    await react(stage, "maker", message["id"], "🔁")

    async def again() -> dict[str, Any] | None:
        replies = [one for one in await stage.messages() if one["reference"] == message["id"]]
        return next((one for one in replies if len(one["attachments"]) == 2), None)

    await eventually(again, what="two new variations")
    await wait_for_ends(stage)


async def test_a_loop(stage: Stage, files: Path) -> None:
    """The picture is the first and the last frame: as an option, and of a finished video."""
    card = await order(stage, files, seed=4)
    await wait_for_video(stage, card)
    await wait_for_ends(stage)
    more = await press(stage, "maker", card, "More")
    answer = await press(stage, "maker", more["message_id"], "Loop")
    looped = await wait_for_video(stage, answer["message_id"])
    assert "Loop made from" in text_of(looped)
    sent = await latest_input(stage)
    assert sent["image_url"]
    assert sent["end_image_url"]
    assert sent["seed"] == 4
    await wait_for_video(stage, await order(stage, files, loop=True))
    assert (await latest_input(stage))["end_image_url"]


async def test_one_that_fails_and_some_that_are_cancelled(stage: Stage, files: Path) -> None:
    """A failed one says so beside the other; its owner's Cancel ends all that are not finished."""
    flagged = {"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation", "url": "https://docs"}
    await stage.fal.post("faults", {"at": "result", "status": 422, "body": {"detail": [flagged]}, "times": 1})
    said = text_of(await gallery(stage, await order(stage, files, variations=2), 1))
    assert said.count("**No video.**") == 1
    assert said.count("Ready") == 1
    await stage.fal.post("settings", {"seconds_per_job": 20, "concurrency": 1})
    card = await order(stage, files, variations=3)
    await wait_for_text(stage, card, "Making the video")
    await press(stage, "friend", card, "Cancel")
    await press(stage, "maker", card, "Cancel")
    await wait_for_ends(stage)
    message = await wait_for_text(stage, card, "**3** · **Cancelled.**")
    assert not labels(message)


async def test_approval_sees_the_sum(stage: Stage, files: Path) -> None:
    """Several videos above the limit together wait, although each is below it, and one press approves all of them."""
    await admin(stage, "approval", above="0.30")
    try:
        card = await order(stage, files, variations=2)
        await wait_for_text(stage, card, "**2** · **Waiting for approval**")
        await press(stage, "admin", card, "Approve")
        assert len((await gallery(stage, card, 2))["attachments"]) == 2
    finally:
        await admin(stage, "approval", above="off")
