"""Files that exceed a mode's limits are made to fit, and the card says how."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sandbox.stage import Stage, text_of
from tests.support import media_samples, odd_media
from tests.support.video_steps import real_file, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


def noisy_png(folder: Path, width: int, height: int, strength: float = 60) -> Path:
    """Write a picture of noise, whose PNG is as large as a photograph's."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"photo-{width}x{height}.png"
    Image.effect_noise((width, height), strength).convert("RGB").save(path, compress_level=1)
    return path


async def made(stage: Stage, command: str, options: dict[str, Any], **files: Path) -> tuple[str, dict[str, Any]]:
    """Order a video; returns its card's text and fal's request."""
    answer = await stage.slash("maker", command, options, **files)
    assert answer["acknowledged"], answer
    message = await wait_for_video(stage, answer["message_id"])
    return text_of(message), (await stage.fal.get("requests"))[-1]


async def test_a_clip_too_long(stage: Stage, files: Path) -> None:
    """A 12 s MP4 with sound is trimmed to the 10 s that Wan 2.7 continues, and the card says both numbers."""
    clip = await asyncio.to_thread(
        lambda: real_file(files, "walk.mp4", media_samples.mp4(12.0, 640, 360, 25, sound=True))
    )
    options = {"prompt": "on it goes", "duration": 12, "resolution": "720p"}
    words, request = await made(stage, "wan27 continue", options, video=clip)
    assert "trimmed from 12 s to 10 s" in words
    assert request["input"]["video_url"].endswith(".mp4")


async def test_a_picture_too_large(stage: Stage, files: Path) -> None:
    """A 6,000 × 4,000 PNG is scaled to the 2,000 px of Wan 2.5, not distorted."""
    picture = await asyncio.to_thread(noisy_png, files, 6000, 4000)
    words, _ = await made(stage, "wan25 image", {"prompt": "waves", "resolution": "480p"}, image=picture)
    assert "picture scaled from 6000 × 4000 to 2000 × 1333" in words


async def test_a_picture_of_too_many_bytes(stage: Stage, files: Path) -> None:
    """A PNG above the 20 MB of Wan 2.7 keeps its pixels and becomes a JPEG."""
    picture = await asyncio.to_thread(noisy_png, files, 6000, 4000)
    assert picture.stat().st_size > 20_000_000
    words, request = await made(
        stage, "wan27 image", {"prompt": "waves", "duration": 2, "resolution": "720p"}, image=picture
    )
    assert "PNG saved as JPEG" in words
    assert request["input"]["image_url"].endswith((".jpg", ".jpeg"))


async def test_a_voice_message(stage: Stage, files: Path) -> None:
    """A voice message of 40 s in OGG becomes 30 s of MP3, beside a picture that fits and stays as it is."""
    voice = await asyncio.to_thread(lambda: real_file(files, "voice-message.ogg", media_samples.ogg(40.0)))
    picture = await asyncio.to_thread(lambda: real_file(files, "face.png", media_samples.png(640, 480)))
    options = {"prompt": "waves", "duration": 2, "resolution": "720p"}
    words, request = await made(stage, "wan27 image", options, image=picture, audio=voice)
    assert "audio: trimmed from 40 s to 30 s, OGG saved as MP3" in words
    assert request["input"]["audio_url"].endswith(".mp3")
    assert await stage.fal.fetch(request["input"]["image_url"]) == picture.read_bytes()


async def test_files_that_a_strict_reader_refuses(stage: Stage, files: Path) -> None:
    """A picture with broken EXIF and an MP3 behind zeros give a video, and the card says that they were saved again."""
    face = real_file(files, "face.png", odd_media.PICTURES["PNG with broken EXIF"]())
    song = real_file(files, "song.mp3", odd_media.SOUNDS["MP3 behind zeros"]())
    options = {"prompt": "waves", "duration": 2, "resolution": "720p"}
    words, _ = await made(stage, "wan27 image", options, image=face, audio=song)
    assert "image: saved again without its damaged or unusual metadata" in words
    assert "audio: saved again with a plain header" in words
