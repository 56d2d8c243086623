"""A video costs what was quoted, whatever lengths its files state; or a file is refused before anything is held."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, text_of
from tests.support import uneven_media
from tests.support.video_steps import amounts, no_trace, picture, real_file, refusal, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORT = {"prompt": "it goes on", "duration": 4, "resolution": "720p"}
CLIPS = [
    *(("wan27 reference video1", SHORT, name) for name in uneven_media.CLIPS),
    *(
        ("wan27 continue video", SHORT, name)
        for name in ("sound longer than the picture", "an edit list that hides the most", "fragments without a length")
    ),
    *(
        ("wan22 video video", {"prompt": "a drawing", "num_frames": 17, "resolution": "480p"}, name)
        for name in ("a thousand frames a second", "a container that states hours")
    ),
]
SOUNDS = [
    *(("wan27 image", SHORT, name) for name in uneven_media.SOUNDS),
    *(
        ("wan25 image", {"prompt": "it sings", "duration": 5, "resolution": "480p"}, name)
        for name in ("an MP3 that states 2 s", "an MP3 without a header")
    ),
]


async def settled(stage: Stage, command: str, options: dict[str, Any], **files: Path) -> dict[str, Any]:
    """Order a video and check that it costs what was quoted; returns its card and what fal was sent."""
    answer = await stage.slash("maker", command, options, **files)
    assert answer["acknowledged"], answer
    message = await wait_for_video(stage, answer["message_id"])
    assert await wait_for_state(stage, answer["message_id"], "done", "failed") == "done"
    held, bills_above = await asyncio.to_thread(amounts, stage, answer["message_id"])
    assert held
    assert all(amount == paid for amount, paid in held)
    assert bills_above == 0
    return message


@pytest.mark.parametrize(("place", "options", "name"), CLIPS)
async def test_an_uneven_clip(stage: Stage, files: Path, place: str, options: dict[str, Any], name: str) -> None:
    """A clip of several lengths is uploaded with one, which is what the card says, fal bills and the member pays."""
    clip = await asyncio.to_thread(lambda: real_file(files, "clip.mp4", uneven_media.CLIPS[name]()))
    command, _, option = place.rpartition(" ")
    message = await settled(stage, command, options, **{option: clip})
    assert "saved with one length, " in text_of(message)


@pytest.mark.parametrize(("command", "options", "name"), SOUNDS)
async def test_an_uneven_sound(stage: Stage, files: Path, command: str, options: dict[str, Any], name: str) -> None:
    """An MP3 whose header is wrong or missing is written again, so that fal takes it."""
    sound = await asyncio.to_thread(lambda: real_file(files, "song.mp3", uneven_media.SOUNDS[name]()))
    message = await settled(stage, command, options, image=await asyncio.to_thread(picture, files), audio=sound)
    assert "saved with one length, 20" in text_of(message)


async def test_three_clips_with_long_sound(stage: Stage, files: Path) -> None:
    """Three reference clips of 1 s with 29 s of sound each are quoted, and cost, their pictures' lengths."""
    clip = await asyncio.to_thread(lambda: real_file(files, "clip.mp4", uneven_media.clip(1.0, 29.0)))
    options = {"prompt": "all of them", "duration": 2, "resolution": "720p"}
    message = await settled(stage, "wan27 reference", options, video1=clip, video2=clip, video3=clip)
    assert "$0.5" in text_of(message)


@pytest.mark.parametrize("name", uneven_media.REFUSED)
async def test_a_clip_that_stays_uneven(stage: Stage, files: Path, name: str) -> None:
    """A clip that cannot be made even is refused privately; nothing is held or sent to fal."""
    clip = await asyncio.to_thread(lambda: real_file(files, "clip.mp4", uneven_media.REFUSED[name]()))
    async with no_trace(stage):
        answer = await stage.slash("maker", "wan27 reference", SHORT, video1=clip)
        words = await refusal(stage, answer)
    assert "This clip plays for 2 s but says 20.1 s" in words
