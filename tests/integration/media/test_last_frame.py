"""The last frame of a finished video, as a player shows it."""

import asyncio
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from bot.errors import EncodeFailed
from bot.media.ffmpeg import Ffmpeg
from bot.media.last_frame import LastFrame
from bot.media.probe import Prober
from bot.settings import MediaSettings
from tests.support import media_samples, odd_media, uneven_media
from tests.support.film_parts import CORNER, PartShape, frames_in, part, stored_frame
from tests.support.found_ffmpeg import found_ffmpeg
from tests.support.job_samples import REQUESTER

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = MediaSettings()


async def last_frame(prober: Prober, folder: Path, content: bytes) -> Image.Image:
    """Return the saved frame, and check that it is all that is left beside the video."""
    video, into = folder / "video", folder / "inputs" / "image.png"
    await asyncio.to_thread(video.write_bytes, content)
    facts = await LastFrame(Ffmpeg(SETTINGS, find=found_ffmpeg), prober, SETTINGS).save(
        video, into, requester=REQUESTER
    )
    assert [path.name for path in await asyncio.to_thread(lambda: list(into.parent.iterdir()))] == ["image.png"]
    saved = await asyncio.to_thread(Image.open, into)
    assert (saved.mode, saved.size) == ("RGB", (facts.width, facts.height))
    return saved


def is_alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether no pixel differs by more than an encoder loses; both are made small, because edges are blurred."""
    first, second = (picture.resize((8, 8), Image.Resampling.BOX) for picture in (one, other))
    return max(ImageChops.difference(first, second).tobytes()) < 16


@pytest.mark.parametrize(("seconds", "turned"), [(0.05, 0), (2.3, 0), (0.5, 90), (0.5, 180), (0.5, 270)])
async def test_it_is_the_very_last_one_and_upright(prober: Prober, tmp_path: Path, seconds: float, turned: int) -> None:
    """Whatever follows the last key frame, and however players turn the video."""
    shape = PartShape(seconds, 96, 64, has_sound=True, turned=turned)
    saved = await last_frame(prober, tmp_path, part(shape))
    meant = stored_frame(shape, shape.frames - 1).rotate(turned, expand=True)
    assert saved.size == shape.shown
    assert is_alike(saved, meant)


async def test_what_an_edit_list_hides_is_not_shown(prober: Prober, tmp_path: Path) -> None:
    """A video whose end is cut off without encoding ends where players end."""
    saved = await last_frame(prober, tmp_path, uneven_media.edited())
    shown = await asyncio.to_thread(frames_in, tmp_path / "video")
    assert is_alike(saved, shown[-1])


@pytest.mark.parametrize(
    "content",
    [
        media_samples.mp4(6.0, fps=1),
        uneven_media.clip(sound_s=20.0),
        uneven_media.fragmented(),
        media_samples.mp4(1.0, container="webm", codec="libvpx-vp9"),
        odd_media.clip("mov", pixel=Fraction(2)),
        odd_media.brightening("matroska", "aac", begins_s=2.0),
        odd_media.brightening("mpegts", "aac", begins_s=2.0),
        odd_media.begun_within(10),
    ],
    ids=[
        *("one frame a second", "longer sound", "fragments", "WebM", "wide pixels", "late picture"),
        *("MPEG-TS with a late picture", "MPEG-TS that begins within a picture"),
    ],
)
async def test_other_videos(prober: Prober, tmp_path: Path, content: bytes) -> None:
    """Its length, its format and the shape of its pixels do not matter."""
    saved = await last_frame(prober, tmp_path, content)
    shown = await asyncio.to_thread(frames_in, tmp_path / "video")
    assert is_alike(saved, shown[-1].resize(saved.size))


async def test_colours_are_those_that_players_show(prober: Prober, tmp_path: Path) -> None:
    """A high video that does not name its colours means BT.709, a low one BT.601: red stays red over many shots."""
    for height in (480, 720):
        saved = await last_frame(prober, tmp_path, part(PartShape(0.1, 128, height)))
        seen = saved.getpixel((20, 20))
        assert isinstance(seen, tuple)
        is_meant = max(abs(one - other) for one, other in zip(seen, CORNER, strict=True)) < 8
        assert is_meant == (height < 720)  # the sample is encoded by BT.601 whatever its height


@pytest.mark.parametrize(
    "content",
    [b"", b"#EXTM3U\n", media_samples.wav(1.0), part(PartShape())[:-400]],
    ids=["nothing", "list", "sound", "cut"],
)
async def test_a_broken_video_has_none(prober: Prober, tmp_path: Path, content: bytes) -> None:
    """The error is typed, and nothing is left behind."""
    video, into = tmp_path / "video", tmp_path / "image.png"
    video.write_bytes(content)
    with pytest.raises(EncodeFailed):
        await LastFrame(Ffmpeg(SETTINGS, find=found_ffmpeg), prober, SETTINGS).save(video, into, requester=REQUESTER)
    assert [path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))] == ["video"]
