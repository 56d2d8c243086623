"""The message menus: a form asks for the prompt and makes a video of the message's files."""

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, eventually, file_body, text_of
from tests.support import media_samples
from tests.support.video_steps import clip, picture, real_file, refusal, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def said(stage: Stage, *files: Path, user: str = "friend") -> str:
    """Post a message with these files as this person, and return its id."""
    body = {"user": user, "channel": "general", "content": "look", "files": [file_body(path) for path in files]}
    posted: dict[str, Any] = await stage.discord.post("say", body)
    return posted["id"]


async def chosen(stage: Stage, message_id: str, command: str, *, user: str = "maker") -> dict[str, Any]:
    """Choose this entry of the message's menu."""
    answer: dict[str, Any] = await stage.discord.post("menu", {"user": user, "message": message_id, "command": command})
    assert answer["acknowledged"], answer
    return answer


async def sent(stage: Stage, form: dict[str, Any], files: dict[str, Path] | None = None, **fields: str) -> Any:
    """Fill the form in and send it."""
    body = {
        "user": "maker",
        "modal": form["id"],
        "fields": fields,
        "files": {name: file_body(path) for name, path in (files or {}).items()},
    }
    answer = await stage.discord.post("submit", body)
    assert answer["acknowledged"], answer
    return answer


async def filmed(stage: Stage, prompt: str) -> dict[str, Any]:
    """Return what fal got for this prompt."""

    async def look() -> dict[str, Any] | None:
        requests: list[dict[str, Any]] = await stage.fal.get("requests")
        return next((one for one in requests if one["input"].get("prompt") == prompt), None)

    return await eventually(look, what="request at fal")


async def test_animate_picture_of_somebody_elses_message(stage: Stage, files: Path) -> None:
    """A picture in anybody's message is animated by whoever chooses it, and that member pays.

    On the card of what was made, a menu entry leads to the buttons below it.
    """
    message = await said(stage, picture(files))
    form = (await chosen(stage, message, "Animate picture"))["modal"]
    assert [part["label"] for part in form["fields"]] == ["Prompt", "Duration", "Resolution", "Seed", "Negative prompt"]
    answer = await sent(stage, form, prompt="the lake sings", duration="2", resolution="720p", seed="7")
    card = await wait_for_video(stage, answer["message_id"])
    assert "the lake sings" in text_of(card)
    assert "$0.20" in text_of(card)
    asked = await filmed(stage, "the lake sings")
    assert asked["input"]["seed"] == 7
    assert asked["input"]["duration"] == 2
    answer = await chosen(stage, card["id"], "Edit video")
    assert answer["modal"] is None
    assert "Press a button below it" in await refusal(stage, answer)


async def test_one_of_several_pictures(stage: Stage, files: Path) -> None:
    """A message with several pictures asks which; the chosen one is filmed."""
    message = await said(stage, picture(files), clip(files), picture(files, 300, 300))
    form = (await chosen(stage, message, "Animate picture"))["modal"]
    which = form["fields"][0]
    assert which["label"] == "Which picture"
    assert [one["label"] for one in which["options"]] == ["1. lake-640x480.png", "2. lake-300x300.png"]
    answer = await sent(stage, form, which="1", prompt="the second", duration="2", resolution="720p")
    await wait_for_video(stage, answer["message_id"])
    asked = await filmed(stage, "the second")
    assert asked["input"]["image_url"]


async def test_continue_edit_and_restyle_a_clip(stage: Stage, files: Path) -> None:
    """A clip is continued by Wan 2.7, its own seconds in the duration, changed by it, and remade by Wan 2.2."""
    message = await said(stage, clip(files, 2.5))
    form = (await chosen(stage, message, "Continue video"))["modal"]
    answer = await sent(stage, form, prompt="and then", duration="4", resolution="720p")
    await wait_for_video(stage, answer["message_id"])
    assert (await filmed(stage, "and then"))["input"]["video_url"]
    form = (await chosen(stage, message, "Edit video"))["modal"]
    lengths = next(part for part in form["fields"] if part["label"] == "Duration")["options"]
    assert [one["label"] for one in lengths][:2] == ["The whole clip · $0.10 a second at 720p", "2 s · $0.20 at 720p"]
    answer = await sent(stage, form, prompt="make it night", resolution="720p", duration="0")
    card = await wait_for_video(stage, answer["message_id"])
    assert all(words in text_of(card) for words in ("$0.25", "the whole clip"))
    asked = (await filmed(stage, "make it night"))["input"]
    assert (asked["duration"], asked["resolution"]) == (0, "720p")
    form = (await chosen(stage, message, "Restyle video"))["modal"]
    answer = await sent(stage, form, prompt="in ink", strength="0.7", resolution="480p", num_frames="17")
    await wait_for_video(stage, answer["message_id"])
    asked = (await filmed(stage, "in ink"))["input"]
    assert (asked["strength"], asked["num_frames"], asked["resolution"]) == (0.7, 17, "480p")


async def test_use_as_reference_takes_every_file(stage: Stage, files: Path) -> None:
    """All the pictures and clips of a message become references, each kind in its order."""
    message = await said(stage, picture(files), clip(files, 2.0), picture(files, 300, 300))
    form = (await chosen(stage, message, "Use in a video"))["modal"]
    answer = await sent(stage, form, prompt="Image 2 in Video 1", duration="2", resolution="720p")
    await wait_for_video(stage, answer["message_id"])
    asked = (await filmed(stage, "Image 2 in Video 1"))["input"]
    assert len(asked["reference_image_urls"]) == 2
    assert len(asked["reference_video_urls"]) == 1


async def test_use_a_sound_as_soundtrack(stage: Stage, files: Path) -> None:
    """A sound drives a video of the picture that the form asks for."""
    sound = real_file(files, "tune.mp3", media_samples.mp3(3.0))
    form = (await chosen(stage, await said(stage, sound), "Use in a video"))["modal"]
    upload = {"image": picture(files)}
    answer = await sent(stage, form, upload, prompt="she hums", duration="3", resolution="720p")
    await wait_for_video(stage, answer["message_id"])
    asked = (await filmed(stage, "she hums"))["input"]
    assert asked["audio_url"]
    assert asked["image_url"]


async def test_a_message_without_a_fitting_file(stage: Stage, files: Path) -> None:
    """A message without what the menu takes is answered privately, and no form opens."""
    message = await said(stage, clip(files))
    answer = await chosen(stage, message, "Animate picture")
    assert answer["modal"] is None
    assert "this one has none" in await refusal(stage, answer)


async def test_a_form_with_a_wrong_number(stage: Stage, files: Path) -> None:
    """What a form takes as text is held to the mode's bounds, in one private sentence."""
    form = (await chosen(stage, await said(stage, picture(files)), "Animate picture"))["modal"]
    answer = await sent(stage, form, prompt="x", duration="99")
    assert "a whole number from 2 to 15" in await refusal(stage, answer)


async def test_a_voice_message_as_soundtrack(stage: Stage, files: Path) -> None:
    """A voice message of 40 s is trimmed, turned into what Wan takes, and the card says so; its picture moves."""
    sound = real_file(files, "voice-message.ogg", media_samples.ogg(40.0))
    form = (await chosen(stage, await said(stage, sound, picture(files)), "Use in a video"))["modal"]
    assert form["title"] == "Use picture and sound"
    answer = await sent(stage, form, prompt="he speaks", duration="2", resolution="720p")
    card = await wait_for_video(stage, answer["message_id"])
    assert "trimmed from 40 s to 30 s" in text_of(card)
    assert "OGG saved as MP3" in text_of(card)
    asked = (await filmed(stage, "he speaks"))["input"]
    assert asked["audio_url"]
    assert asked["image_url"]


async def test_a_long_clip_is_continued_from_its_end(stage: Stage, files: Path) -> None:
    """Of a clip that is too long the end is continued, and the form's own duration leaves room for more."""
    message = await said(stage, clip(files, 12.0))
    form = (await chosen(stage, message, "Continue video"))["modal"]
    fields = {field["custom_id"]: field for field in form["fields"]}
    assert fields["duration"]["value"] == "15"
    answer = await sent(stage, form, prompt="on and on", duration="11", resolution="720p")
    card = await wait_for_video(stage, answer["message_id"])
    assert re.search(r"trimmed from 12 s to (10|9\.9\d*) s, its end", text_of(card))
    assert (await filmed(stage, "on and on"))["input"]["duration"] == 11
