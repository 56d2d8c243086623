"""The confirmation of a costly job."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually, text_of
from tests.support import text_commands
from tests.support.rerun_steps import latest_input, restart, wait_for_message
from tests.support.video_steps import (
    clip,
    no_trace,
    order,
    picture,
    wait_for_ends,
    wait_for_state,
    wait_for_video,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
COSTLY: dict[str, Any] = {"prompt": "the lake begins to shimmer", "duration": 8, "resolution": "1080p"}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def allowance(stage: Stage) -> None:
    """Each member has $5 a day and has spent nothing, so Wanda asks before anything above $1.00."""
    await set_allowance(stage)


async def set_allowance(stage: Stage) -> None:
    """Give each member $5 a day, and maker all of it."""
    await text_commands.admin(stage, "budget set", whose="allowance", window="day", amount="5")
    await text_commands.admin(stage, "member reset", member="maker")


async def ask(stage: Stage, files: Path, **options: Any) -> dict[str, Any]:
    """Type a costly command as maker and return the question, which only maker sees."""
    answer = await stage.slash("maker", "wan27 image", {**COSTLY, **options}, image=picture(files))
    assert answer["ephemeral"], answer
    question = await shown(stage, answer["message_id"], "Make it")
    assert await stage.message(question["id"], seen_by="friend") is None
    return question


async def shown(stage: Stage, message_id: str, label: str) -> dict[str, Any]:
    """Return the question once it has a button whose label begins with `label`."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and any(text.startswith(label) for text in labels(message)) else None

    return await eventually(look, what=f"{label} button")


def labels(message: dict[str, Any]) -> list[str]:
    """Return the labels of a message's buttons."""
    return [part["label"] for row in message["components"] for part in row["components"] if "label" in part]


async def choose(stage: Stage, message: dict[str, Any], option: str, value: str, *, shown: str) -> None:
    """Choose a value, which is offered in these words, in the question's select."""
    parts = [part for row in message["components"] for part in row["components"]]
    select = next(part for part in parts if part["custom_id"].startswith(f"wanda:set:{option}:"))
    assert {"label": shown, "value": value}.items() <= next(
        one for one in select["options"] if one["value"] == value
    ).items()
    click = {"user": "maker", "message": message["id"], "custom_id": select["custom_id"], "values": [value]}
    await stage.discord.post("click", click)


async def press(stage: Stage, message: dict[str, Any], label: str) -> dict[str, Any]:
    """Press the button whose label begins with `label`."""
    full = next(text for text in labels(message) if text.startswith(label))
    return await stage.discord.post("click", {"user": "maker", "message": message["id"], "label": full})


async def reads(stage: Stage, message_id: str, words: str) -> dict[str, Any]:
    """Return the private message once it contains these words."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and words in text_of(message) else None

    return await eventually(look, what=f"“{words}”")


async def card(stage: Stage, question: dict[str, Any]) -> str:
    """Return the id of the public card that came after the question."""

    async def look() -> str | None:
        seen = await stage.messages(seen_by="friend")
        return next((m["id"] for m in seen if int(m["id"]) > int(question["id"])), None)

    return await eventually(look, what="public card")


async def test_make_it(stage: Stage, files: Path) -> None:
    """The question shows price, formula and what is left; nothing is held until Make it, and only one press counts."""
    question = await ask(stage, files)
    words = text_of(question)
    for part in ("$1.20", "8 s × $0.15", "$5.00 → **$3.80**", "$10,000.00 → **$9,998.80**", "You aren't charged until"):
        assert part in words
    submits = len(await stage.fal.get("submits"))
    presses = [press(stage, question, "Make it") for _ in range(3)]
    answers = await asyncio.gather(*presses, return_exceptions=True)  # a press may find the button gone already
    assert any(isinstance(answer, dict) and answer["acknowledged"] for answer in answers)
    message = await wait_for_video(stage, await card(stage, question))
    assert "$1.20" in text_of(message)
    assert "getting a video ready" not in text_of(message)
    assert len(await stage.fal.get("submits")) == submits + 1


async def test_cheaper(stage: Stage, files: Path) -> None:
    """A cheaper setting says what it changes, selects have prices, and Make it orders what was shown last."""
    question = await ask(stage, files)
    await press(stage, question, "720p instead of 1080p: $0.80")
    question = await reads(stage, question["id"], "8 s × $0.10")
    await choose(stage, question, "length", "4", shown="4 s · $0.40")
    question = await reads(stage, question["id"], "4 s × $0.10")
    await press(stage, question, "Back to 1080p, 8 s: $1.20")
    question = await reads(stage, question["id"], "8 s × $0.15")
    assert not any(label.startswith("Back") for label in labels(question))
    await choose(stage, question, "resolution", "720p", shown="720p · $0.80")
    question = await reads(stage, question["id"], "8 s × $0.10")
    await press(stage, question, "7 s instead of 8 s: $0.70")
    question = await reads(stage, question["id"], "7 s × $0.10")
    await press(stage, question, "Make it")
    await wait_for_video(stage, await card(stage, question))
    sent = await latest_input(stage)
    assert (sent["resolution"], sent["duration"]) == ("720p", 7)


async def test_cancel(stage: Stage, files: Path) -> None:
    """Cancel leaves no hold, file, request or button."""
    async with no_trace(stage):
        question = await ask(stage, files)
        await press(stage, question, "Cancel")
        message = await reads(stage, question["id"], "Cancelled. You weren't charged.")
        assert message["components"] == []


async def test_without_a_place_the_question_stays(stage: Stage, files: Path) -> None:
    """When Make it finds no place, the question says so and stays, and a later press makes the video."""
    await wait_for_ends(stage)
    await restart(stage, WANDA_MEMBER_JOBS_IN_FLIGHT_MAX="1")
    await stage.fal.post("settings", {"seconds_per_job": 60})
    running = await order(stage, files)
    await wait_for_state(stage, running, "running")
    question = await ask(stage, files)
    await press(stage, question, "Make it")
    question = await reads(stage, question["id"], "You have 1 video going")
    assert "Make it" in labels(question)
    await stage.discord.post("click", {"user": "maker", "message": running, "label": "Cancel"})
    await wait_for_ends(stage)
    await stage.fal.post("settings", {"seconds_per_job": 0.3})
    await press(stage, question, "Make it")
    await wait_for_video(stage, await card(stage, question))


async def test_after_a_restart(stage: Stage, files: Path) -> None:
    """A question from before a restart has expired, and says so."""
    question = await ask(stage, files)
    requests = len(await stage.fal.get("requests"))
    await restart(stage)
    await press(stage, question, "Make it")
    await reads(stage, question["id"], "Run the command again")
    assert len(await stage.fal.get("requests")) == requests


async def test_a_price_that_the_files_decide(stage: Stage, files: Path) -> None:
    """When the price depends on the files, the private question comes after the probe."""
    options = {"prompt": "Video 1 dances", "duration": 5, "resolution": "720p"}
    reference = await asyncio.to_thread(clip, files, 9.0)
    answer = await stage.slash("maker", "wan27 reference", options, video1=reference)

    question = await wait_for_message(stage, "for $1.40?")
    assert question["ephemeral_for"] == "maker"
    assert await stage.message(answer["message_id"]) is None
    await press(stage, question, "Make it")
    await wait_for_video(stage, await card(stage, question))


async def test_the_members_own_threshold(stage: Stage, files: Path) -> None:
    """Below the member's own threshold no question is asked."""
    await text_commands.ask(stage, "maker", "quota ask", above="2")
    answer = await stage.slash("maker", "wan27 image", COSTLY, image=picture(files))
    assert not answer["ephemeral"]
    await wait_for_video(stage, answer["message_id"])
    await text_commands.ask(stage, "maker", "quota ask", above="default")


async def test_a_likely_mistake_is_asked_about(stage: Stage, files: Path) -> None:
    """A prompt that names a missing file is asked about privately; Fix it changes it, and the video is made."""
    asked = {"prompt": "Image 1 dances with Image 2", "duration": 2}
    answer = await stage.slash("maker", "wan27 reference", asked, image1=picture(files))
    assert answer["ephemeral"], answer
    question = await shown(stage, answer["message_id"], "Fix it")
    assert "Your prompt names Image 2, but there's no such file." in text_of(question)
    assert "Wanda asks before" not in text_of(question)
    requests = len(await stage.fal.get("requests"))
    form = (await press(stage, question, "Fix it"))["modal"]
    assert form["fields"][0]["value"] == asked["prompt"]
    for prompt, words in (("Image 1 dances with Image 3", "names Image 3"), ("Image 1 dances", "Wanda is on it")):
        body = {"user": "maker", "modal": form["id"], "fields": {"prompt": prompt}}
        await stage.discord.post("submit", body)
        await reads(stage, question["id"], words)
        if "3" in prompt:
            form = (await press(stage, question, "Fix it"))["modal"]
    await wait_for_video(stage, await card(stage, question))
    assert len(await stage.fal.get("requests")) == requests + 1
    assert (await latest_input(stage))["prompt"] == "Image 1 dances"
    paid = await order(stage, files, prompt="no doubt about it")
    await wait_for_video(stage, paid)
