"""The buttons below a finished video, pressed by its owner and by others."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, buttons_of, eventually, file_body, text_of
from tests.support.rerun_steps import (
    MORE,
    differ,
    id_of,
    labels,
    latest_input,
    one_video,
    press,
    restart,
    spent_by,
    submit_form,
    wait_for_inputs,
    wait_for_message,
)
from tests.support.text_commands import admin, ask
from tests.support.video_steps import order, picture, real_file, refusal, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def child(stage: Stage, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the card that a press created, once its video is there."""
    assert answer["acknowledged"], answer
    assert not answer["ephemeral"], answer
    message = await wait_for_video(stage, answer["message_id"])
    await wait_for_state(stage, answer["message_id"], "done")
    return message


async def test_the_buttons(stage: Stage, files: Path) -> None:
    """A finished card has at most five actions in one row; More… opens the others privately, for whoever pressed."""
    message_id = await one_video(stage, files)
    message = await stage.message(message_id)
    assert message is not None
    assert labels(message) == ["Rerun", "Variations", "Edit", "Continue", "More…"]
    assert all(button["emoji"] for button in buttons_of(message))
    answer = await press(stage, "friend", message_id, MORE)
    assert answer["ephemeral"]
    more = await stage.message(answer["message_id"], seen_by="friend")
    assert more is not None
    assert labels(more) == [
        "New seed",
        "Restyle",
        "Change video",
        "Loop",
        "Final (1080p) · $0.30",
        "Share",
        "DM me",
        "Delete",
    ]


async def test_share(stage: Stage, files: Path) -> None:
    """Share posts the link, which names who shares and pings nobody, in a channel where they may write; once."""
    message_id = await one_video(stage, files)
    asked = await press(stage, "friend", message_id, "Share")
    closed = [{"role": "@everyone", "deny": ["SEND_MESSAGES"]}]
    await stage.discord.post(
        "world", {"channels": [{"name": "gallery", "server": "Studio"}, {"name": "news", "overwrites": closed}]}
    )
    channels = {row["name"]: row["id"] for row in (await stage.discord.get("state"))["servers"][0]["channels"]}
    choice = {"user": "friend", "message": asked["message_id"], "label": "Choose a channel"}
    refused = await stage.discord.post("click", {**choice, "values": [channels["news"]]})
    assert "You can't write in that channel" in refused["content"]
    await stage.discord.post("click", {**choice, "values": [channels["gallery"]]})
    shared = await wait_for_message(stage, "shares a video", channel="gallery")
    assert shared["content"].startswith(f"<@{await id_of(stage, 'friend')}> shares a video: https://discord.com/")
    assert shared["content"].endswith(f"/{message_id}")
    again = await press(stage, "friend", message_id, "Share")
    second = {**choice, "message": again["message_id"], "values": [channels["gallery"]]}
    assert "a moment ago" in (await stage.discord.post("click", second))["content"]


async def test_by_direct_message(stage: Stage, files: Path) -> None:
    """DM me sends whoever presses the video and its recipe, and says so privately."""
    message_id = await one_video(stage, files)
    answer = await press(stage, "friend", message_id, "DM me")
    assert answer["ephemeral"]
    await wait_for_message(stage, "Sent: the video", seen_by="friend")
    mail = await wait_for_message(stage, message_id, channel="@friend", seen_by="friend")
    assert [file["filename"].rpartition(".")[2] for file in mail["attachments"]] == ["mp4", "json"]


async def test_new_seed(stage: Stage, files: Path) -> None:
    """New seed sends the same input without the seed."""
    parent = await one_video(stage, files)
    before = await latest_input(stage)
    await child(stage, await press(stage, "friend", parent, "New seed"))
    after = await latest_input(stage)
    assert differ(before, after) == {"seed"}
    assert "seed" not in after


async def test_final_and_draft(stage: Stage, files: Path) -> None:
    """Final reruns the job at the highest resolution, Draft at the lowest, and the card says which."""
    parent = await one_video(stage, files)
    before = await latest_input(stage)
    best = await child(stage, await press(stage, "maker", parent, "Final (1080p)"))
    after = await latest_input(stage)
    assert differ(before, after) == {"resolution"}
    assert (after["resolution"], after["seed"]) == ("1080p", 7)
    assert "makes another picture" in text_of(best)
    await child(stage, await press(stage, "maker", best["id"], "Draft (720p)"))
    assert differ(before, await latest_input(stage)) == set()


async def test_edit(stage: Stage, files: Path) -> None:
    """Edit's form starts from the old options and the seed that fal used, and orders what is filled in."""
    parent = await order(stage, files, negative_prompt="rain")
    await wait_for_video(stage, parent)
    await wait_for_state(stage, parent, "done")
    answer = await press(stage, "maker", parent, "Edit")
    fields = {field["custom_id"]: field for field in answer["modal"]["fields"]}
    assert list(fields) == ["prompt", "negative_prompt", "seed", "duration", "resolution"]
    assert fields["prompt"]["value"] == "the lake begins to shimmer"
    assert (fields["negative_prompt"]["value"], fields["duration"]["value"]) == ("rain", "2")
    assert fields["seed"]["value"].isdigit()
    new = {"prompt": "the lake freezes", "negative_prompt": "", "duration": "3", "resolution": "1080p"}
    message = await child(stage, await submit_form(stage, "maker", answer, **new))
    asked = await latest_input(stage)
    assert (asked["prompt"], asked["duration"], asked["resolution"]) == ("the lake freezes", 3, "1080p")
    assert str(asked["seed"]) == fields["seed"]["value"]
    assert "negative_prompt" not in asked
    assert asked.get("enable_prompt_expansion", True) is True
    assert "the lake freezes" in text_of(message)


async def test_an_edit_that_the_mode_does_not_take(stage: Stage, files: Path) -> None:
    """A value out of bounds is refused privately, with the bounds, and nothing is sent to fal."""
    parent = await one_video(stage, files)
    before = len(await stage.fal.get("requests"))
    answer = await press(stage, "maker", parent, "Edit")
    refused = await submit_form(stage, "maker", answer, duration="99")
    assert "15" in await refusal(stage, refused)
    assert len(await stage.fal.get("requests")) == before


async def test_continue(stage: Stage, files: Path) -> None:
    """Continue starts from the video, and its duration includes the old part."""
    parent = await one_video(stage, files)
    answer = await press(stage, "friend", parent, "Continue")
    fields = {field["custom_id"]: field for field in answer["modal"]["fields"]}
    assert list(fields) == ["prompt", "duration", "resolution"]
    assert fields["duration"]["value"] == "7"
    message = await child(stage, await submit_form(stage, "friend", answer, prompt="a boat comes", duration="6"))
    asked = await latest_input(stage)
    assert (asked["prompt"], asked["duration"]) == ("a boat comes", 6)
    assert asked["video_url"]
    assert "image_url" not in asked
    assert "$0.60" in text_of(message)


async def test_nothing_is_read_for_who_is_blocked(stage: Stage, files: Path) -> None:
    """A blocked member is refused before a clip is read, by the button and by the command."""
    parent = await one_video(stage, files)
    clip = await asyncio.to_thread(lambda: real_file(files, "broken.mp4", b"\0" * 5000))
    for video in (stage.folder / "results").glob("*.mp4"):
        video.write_bytes(clip.read_bytes())
    await admin(stage, "member block", member="friend", reason="spam")
    try:
        answer = await press(stage, "friend", parent, "Continue")
        pressed = await submit_form(stage, "friend", answer, prompt="a boat comes", duration="6")
        typed = await stage.slash("friend", "wan22 video", {"prompt": "oil"}, video=clip)
        for one in (pressed, typed):
            assert "blocked" in await refusal(stage, one, user="friend")
    finally:
        await admin(stage, "member unblock", member="friend")


async def test_restyle(stage: Stage, files: Path) -> None:
    """Restyle sends the video to Wan 2.2."""
    parent = await one_video(stage, files)
    answer = await press(stage, "friend", parent, "Restyle")
    message = await child(stage, await submit_form(stage, "friend", answer, prompt="as an oil painting"))
    asked = await latest_input(stage)
    assert (asked["prompt"], asked["resolution"]) == ("as an oil painting", "720p")
    assert asked["video_url"]
    assert "Restyles [this video]" in text_of(message)


async def test_change_video(stage: Stage, files: Path) -> None:
    """Change video sends the video and an instruction to Wan 2.7; the video's own prompt is no instruction."""
    parent = await one_video(stage, files)
    answer = await press(stage, "friend", parent, "Change video")
    form = {field["custom_id"]: field for field in answer["modal"]["fields"]}
    assert not form["prompt"]["value"]
    assert [one["label"] for one in form["duration"]["options"] if one["default"]] == [
        "The whole clip · $0.10 a second at 720p"
    ]
    message = await child(stage, await submit_form(stage, "friend", answer, prompt="make it night"))
    asked = await latest_input(stage)
    assert (asked["prompt"], asked["resolution"], asked["duration"]) == ("make it night", "720p", 0)
    assert asked["video_url"]
    assert all(words in text_of(message) for words in ("Changes [this video]", "the whole clip", "$0.20"))


async def test_delete(stage: Stage, files: Path) -> None:
    """Only the owner and moderators can delete, after a question; it removes the message and Wanda's copy."""
    parent = await one_video(stage, files)
    other = await press(stage, "friend", parent, "Delete")
    assert "Only its maker or a moderator" in await refusal(stage, other, user="friend")
    copies = len(list((stage.folder / "results").iterdir()))
    question = (await press(stage, "maker", parent, "Delete"))["message_id"]
    await press(stage, "maker", question, "Keep it")
    await wait_for_message(stage, "The video stays")
    assert await stage.message(parent) is not None
    question = (await press(stage, "maker", parent, "Delete"))["message_id"]
    await press(stage, "maker", question, "Delete it")
    await wait_for_message(stage, "Deleted. What it cost")
    assert await stage.message(parent) is None
    assert len(list((stage.folder / "results").iterdir())) == copies - 1
    theirs = await one_video(stage, files)
    question = (await press(stage, "admin", theirs, "Delete"))["message_id"]
    await press(stage, "admin", question, "Delete it")
    await wait_for_message(stage, "Deleted. What it cost", seen_by="admin")
    assert await stage.message(theirs) is None


async def test_one_at_a_time(stage: Stage, files: Path) -> None:
    """While a member's rerun is running, a second press by them is refused privately."""
    parent = await one_video(stage, files)
    before = len(await stage.fal.get("requests"))
    await stage.fal.post("settings", {"seconds_per_job": 2})
    first = await press(stage, "friend", parent, "Rerun")
    await wait_for_state(stage, first["message_id"], "queued", "running")
    second = await press(stage, "friend", parent, "Rerun")
    assert "already making this one" in await refusal(stage, second, user="friend")
    await child(stage, first)
    assert len(await stage.fal.get("requests")) == before + 1


async def test_files_that_are_no_longer_kept(stage: Stage, files: Path) -> None:
    """A rerun whose picture is deleted asks for it in a form, and then sends the same input."""
    parent = await one_video(stage, files)
    before = await latest_input(stage)
    for folder in (stage.folder / "inputs").iterdir():
        await asyncio.to_thread(shutil.rmtree, folder)
    edit = await press(stage, "maker", parent, "Edit")
    assert "is gone, because" in await refusal(stage, edit)
    answer = await press(stage, "maker", parent, "Rerun")
    assert [field["custom_id"] for field in answer["modal"]["fields"]] == ["image"]
    image = await asyncio.to_thread(picture, files)
    form = {"user": "maker", "modal": answer["modal"]["id"], "files": {"image": file_body(image)}}
    await child(stage, await stage.discord.post("submit", form))
    assert differ(before, await latest_input(stage)) == set()


async def test_a_costly_rerun(stage: Stage, files: Path) -> None:
    """A rerun above the member's threshold asks the member who pressed, privately, before it starts."""
    parent = await one_video(stage, files)
    before = len(await stage.fal.get("requests"))
    await ask(stage, "friend", "quota ask", above="0.1")
    try:
        answer = await press(stage, "friend", parent, "Rerun")
    finally:
        await ask(stage, "friend", "quota ask", above="default")
    assert answer["ephemeral"]

    async def asked() -> dict[str, Any] | None:
        message = await stage.message(answer["message_id"], seen_by="friend")
        return message if message and "Make it" in labels(message) else None

    question = await eventually(asked, what="question")
    assert len(await stage.fal.get("requests")) == before
    await press(stage, "friend", question["id"], "Make it")
    await wait_for_inputs(stage, before + 1)


async def test_rerun_after_a_restart(stage: Stage, files: Path) -> None:
    """After a restart Rerun sends fal the same input, and the member who presses pays."""
    parent = await one_video(stage, files)
    first = await latest_input(stage)
    await restart(stage)
    before = await asyncio.to_thread(spent_by, stage, await id_of(stage, "friend"))
    message = await child(stage, await press(stage, "friend", parent, "Rerun"))
    second = await latest_input(stage)
    assert differ(first, second) == set()
    assert (second["seed"], second["enable_prompt_expansion"]) == (7, False)
    assert second["prompt"] != first["prompt"]
    assert parent in text_of(message)
    assert await asyncio.to_thread(spent_by, stage, await id_of(stage, "friend")) == before + 200_000
