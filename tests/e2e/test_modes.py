"""Every mode once, with real files, from the slash command to the playable video."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.money import dollars
from sandbox.demo import probe_video
from sandbox.stage import Stage, buttons_of, text_of, videos_of
from tests.support.video_steps import clip, costs, picture, voice, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMANDS: dict[str, tuple[str, dict[str, Any], tuple[str, ...], str, float]] = {
    "a picture": ("wan27 image", {"prompt": "waves", "duration": 2, "resolution": "720p"}, ("image",), "$0.20", 2),
    "first and last picture": (
        "wan27 image",
        {"prompt": "from dawn to dusk", "duration": 3, "resolution": "720p", "seed": 7},
        ("image", "end_image"),
        "$0.30",
        3,
    ),
    "a picture and sound": (
        "wan27 image",
        {"prompt": "she sings", "duration": 2, "resolution": "1080p"},
        ("image", "audio"),
        "$0.30",
        2,
    ),
    "a clip to continue": (
        "wan27 continue",
        {"prompt": "on", "duration": 5, "resolution": "720p"},
        ("video",),
        "$0.50",
        5,
    ),
    "references": (
        "wan27 reference",
        {"prompt": "Image 1 walks past Video 1", "duration": 2, "resolution": "720p", "aspect_ratio": "1:1"},
        ("image1", "image2", "video1"),
        "$0.50",
        2,
    ),
    "a clip to change": (
        "wan27 edit",
        {"prompt": "at night", "duration": 2, "resolution": "720p", "audio_setting": "origin"},
        ("video", "reference_image"),
        "$0.20",
        2,
    ),
    "wan 2.5": (
        "wan25 image",
        {"prompt": "a dragon", "duration": 5, "resolution": "480p"},
        ("image", "audio"),
        "$0.25",
        5,
    ),
    "wan 2.5 text": ("wan25 text", {"prompt": "a dragon", "duration": 5, "resolution": "480p"}, ("audio",), "$0.25", 5),
    "wan 2.7 text": (
        "wan27 text",
        {"prompt": "a kite", "duration": 2, "resolution": "720p", "aspect_ratio": "3:4"},
        (),
        "$0.20",
        2,
    ),
    "wan 2.2": (
        "wan22 video",
        {"prompt": "as a drawing", "num_frames": 17, "resolution": "480p"},
        ("video",),
        "$0.0425",
        1.03,
    ),
    "wan 2.1": ("wan21 image", {"prompt": "cars", "resolution": "480p", "num_frames": 82}, ("image",), "$0.25", 5.1),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_mode_ends_as_a_playable_video(stage: Stage, files: Path, tmp_path: Path, name: str) -> None:
    """The card ends with the seed, the price, which is paid exactly, and a video of the length that was ordered."""
    command, options, wanted, price, seconds = COMMANDS[name]
    make: dict[str, Callable[[Path], Path]] = {"image": picture, "audio": voice, "video": clip}
    attached = {
        option: await asyncio.to_thread(make[option.strip("12345").rpartition("_")[2]], files) for option in wanted
    }
    paid = round(float(price.removeprefix("$")) * 1_000_000)
    async with costs(stage, members=(0, paid), server=(0, paid)):
        answer = await stage.slash("maker", command, options, **attached)
        assert answer["ack_ms"] < 3000
        message = await wait_for_video(stage, answer["message_id"])
    words = text_of(message)
    assert dollars(paid) in words
    assert "seed" in words
    film = tmp_path / "film.mp4"
    content = await stage.discord.fetch(videos_of(message)[0]["url"])
    await asyncio.to_thread(film.write_bytes, content)
    seen = await asyncio.to_thread(probe_video, film)
    assert abs(seen.seconds - seconds) < 0.7
    assert videos_of(message)[0]["filename"].endswith(".mp4")
    labels = [button["label"] for button in buttons_of(message)]
    assert "Cancel" not in labels
    assert {"Rerun", "Edit", "More…"} <= set(labels)


async def test_one_message_is_edited(stage: Stage, files: Path) -> None:
    """The card is edited from the queue to the video, and nothing else is posted."""
    before = {message["id"] for message in await stage.messages()}
    answer = await stage.slash(
        "maker", "wan27 image", {"prompt": "waves", "duration": 2, "resolution": "720p"}, image=picture(files)
    )
    message = await wait_for_video(stage, answer["message_id"])
    assert message["edits"] >= 2
    assert {m["id"] for m in await stage.messages()} - before == {answer["message_id"]}
