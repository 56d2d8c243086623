"""Joined films play in Chromium, and the last frame that is saved is the one that it shows."""

import asyncio
import base64
import io
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page

from bot.media.ffmpeg import Ffmpeg
from bot.media.joiner import JoinedFile, Joiner, JoinPlan
from bot.media.last_frame import LastFrame
from bot.media.probe import Prober
from bot.settings import MediaSettings
from bot.units import MIB
from tests.support import media_samples
from tests.support.film_parts import PartShape, part
from tests.support.job_samples import REQUESTER

SETTINGS = MediaSettings()
T = TypeVar("T")
WIDE, UPRIGHT = PartShape(1.0, 320, 180, has_sound=True), PartShape(1.0, 180, 320, fps=30, has_sound=True)
SILENT = PartShape(1.5, 320, 180)
LOAD = """async (source) => {
    const video = document.querySelector("video");
    video.src = source;
    video.muted = true;
    await new Promise((done, failed) => {
        video.onloadeddata = done;
        video.onerror = () => failed(new Error(video.error.message));
    });
}"""
PLAY = """async () => {
    const video = document.querySelector("video");
    const ended = new Promise((done, failed) => {
        video.onended = done;
        video.onerror = () => failed(new Error(video.error.message));
    });
    await video.play();
    await ended;
    return {
        seconds: video.duration, at: video.currentTime, width: video.videoWidth, height: video.videoHeight,
        frames: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount,
    };
}"""
SHOWN = """() => {
    const video = document.querySelector("video");
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    return canvas.toDataURL("image/png");
}"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page with nothing but a video."""
    made = chromium.new_page()
    made.set_content("<video></video>")
    yield made
    made.close()


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Return the result; a thread is needed because Playwright's own loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def played(page: Page, path: Path) -> Any:
    """Play the file to its end, and return what the browser says of it."""
    page.evaluate(LOAD, f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}")
    return page.evaluate(PLAY)


def joined(folder: Path, shapes: tuple[PartShape, ...], fades_s: tuple[float, ...], track: bytes | None) -> JoinedFile:
    """Return a film of these parts."""
    paths = [folder / f"part{number}.mp4" for number in range(len(shapes))]
    for path, shape in zip(paths, shapes, strict=True):
        path.write_bytes(part(shape))
    sound = None
    if track is not None:
        sound = folder / "track"
        sound.write_bytes(track)

    async def join() -> JoinedFile:
        async with Prober.of(SETTINGS) as prober:
            return await Joiner(Ffmpeg(SETTINGS), prober, SETTINGS).join(
                paths,
                JoinPlan(fades_s, sound),
                folder / "film.mp4",
                bytes_max=MIB,
                requester=REQUESTER,
                on_fraction=lambda _: None,
            )

    return in_a_loop(join())


@pytest.mark.parametrize(
    ("shapes", "fades_s", "track"),
    [
        ((WIDE, WIDE, WIDE), (0.0, 0.0), None),
        ((WIDE, UPRIGHT, SILENT), (0.5, 0.0), None),
        ((SILENT, SILENT), (0.0,), media_samples.mp3(1.0)),
        ((SILENT, WIDE, UPRIGHT), (0.5, 0.5), media_samples.wav(9.0)),
    ],
    ids=["as they are", "cross-fade", "soundtrack", "cross-fades and soundtrack"],
)
def test_a_film_plays_to_its_end(
    page: Page, tmp_path: Path, shapes: tuple[PartShape, ...], fades_s: tuple[float, ...], track: bytes | None
) -> None:
    """Every frame is shown, it is as long and large as was meant, and its sound is decoded."""
    film = joined(tmp_path, shapes, fades_s, track)
    seen = played(page, film.path)
    meant_s = sum(shape.seconds for shape in shapes) - sum(fades_s)
    assert abs(seen["seconds"] - meant_s) < 0.1
    assert abs(seen["at"] - seen["seconds"]) < 0.1
    assert (seen["width"], seen["height"]) == (film.width, film.height) == (320, 180)
    assert seen["frames"] >= round(meant_s * 24) - 2
    assert seen["sound"] > 0


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_the_saved_last_frame_is_the_one_that_is_shown(page: Page, tmp_path: Path, turned: int) -> None:
    """In its size and the same way up."""
    video, picture = tmp_path / "video.mp4", tmp_path / "last.png"
    video.write_bytes(part(PartShape(0.5, 320, 180, turned=turned)))

    async def save() -> None:
        async with Prober.of(SETTINGS) as prober:
            await LastFrame(Ffmpeg(SETTINGS), prober, SETTINGS).save(video, picture, requester=REQUESTER)

    in_a_loop(save())
    played(page, video)
    shown = Image.open(io.BytesIO(base64.b64decode(page.evaluate(SHOWN).partition(",")[2]))).convert("RGB")
    saved = Image.open(picture)
    assert saved.size == shown.size
    small = [one.resize((8, 8), Image.Resampling.BOX) for one in (saved, shown)]
    assert max(ImageChops.difference(small[0], small[1]).tobytes()) < 16
