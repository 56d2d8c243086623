"""Bad input: one private sentence with the number and the limit; nothing is held and nothing is sent to fal."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage
from tests.support import media_samples
from tests.support.video_steps import no_trace, real_file, refusal

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("unpaid")]


@pytest_asyncio.fixture(loop_scope="module")
async def unpaid(stage: Stage) -> AsyncIterator[None]:
    """Each test here holds and spends nothing, sends fal nothing, and leaves no file behind."""
    async with no_trace(stage):
        yield


def zipped() -> bytes:
    """Return a ZIP archive."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.txt", "not a picture")
    return content.getvalue()


BAD: dict[str, tuple[str, dict[str, Any], str, str, Callable[[], bytes], list[str]]] = {
    "a zip named png": ("wan27 image", {"prompt": "x"}, "image", "a.png", zipped, ["zip"]),
    "a huge png header": (
        "wan27 image",
        {"prompt": "x"},
        "image",
        "a.png",
        lambda: media_samples.png_header(50_000, 50_000),
        ["50000", "8000"],
    ),
    "a tiny picture": (
        "wan27 image",
        {"prompt": "x"},
        "image",
        "a.png",
        lambda: media_samples.png(100, 100),
        ["100", "240"],
    ),
    "a picture too wide": (
        "wan27 image",
        {"prompt": "x"},
        "image",
        "a.png",
        lambda: media_samples.png(2400, 250),
        ["8"],
    ),
    "a truncated picture": (
        "wan21 image",
        {"prompt": "x"},
        "image",
        "a.png",
        lambda: media_samples.png(500, 500)[:300],
        ["damaged"],
    ),
    "an empty file": ("wan21 image", {"prompt": "x"}, "image", "a.png", lambda: b"", ["empty"]),
    "a small gif": (
        "wan27 image",
        {"prompt": "x"},
        "image",
        "a.gif",
        lambda: media_samples.picture(200, 300, "GIF"),
        ["200", "240"],
    ),
    "a clip too short": (
        "wan27 continue",
        {"prompt": "x", "duration": 5},
        "video",
        "a.mp4",
        lambda: media_samples.mp4(1.0, 320, 240),
        ["1 s", "2 to 10 s"],
    ),
    "a clip as long as the video": (
        "wan27 continue",
        {"prompt": "x", "duration": 5},
        "video",
        "a.mp4",
        lambda: media_samples.mp4(6.0, 320, 240),
        ["6 s", "5 s"],
    ),
    "a truncated clip": (
        "wan22 video",
        {"prompt": "x"},
        "video",
        "a.mp4",
        lambda: media_samples.mp4(3, 320, 240)[:900],
        ["damaged"],
    ),
    "a picture as a clip": (
        "wan22 video",
        {"prompt": "x"},
        "video",
        "a.mp4",
        lambda: media_samples.png(300, 300),
        ["picture", "mp4"],
    ),
    "a small picture for 2.5": (
        "wan25 image",
        {"prompt": "x"},
        "image",
        "a.png",
        lambda: media_samples.png(300, 300),
        ["300", "360"],
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_files(stage: Stage, files: Path, name: str) -> None:
    """A file that the mode cannot use is refused privately, with the number and the limit."""
    command, options, option, file_name, make, words = BAD[name]
    file = await asyncio.to_thread(lambda: real_file(files, file_name, make()))
    sentence = await refusal(stage, await stage.slash("maker", command, options, **{option: file}))
    for word in words:
        assert word.lower() in sentence.lower().replace(",", "").replace("\u202f", "")
    assert sentence.rstrip().endswith(".")


UNCHECKED: dict[str, Any] = {"user": "maker", "channel": "general", "command": "wan27 image", "unchecked": True}


async def test_choices_do_not_bind_what_arrives(stage: Stage, files: Path) -> None:
    """A value outside an option's choices, as a modified client can send, is refused."""
    for options in ({"resolution": "8k"}, {"duration": 999}, {"seed": -1}):
        sent = {**UNCHECKED, "options": options, "files": {}}
        answer = await stage.discord.post("slash", sent)
        assert answer["ephemeral"], answer
