"""A whole file is taken by what can be decoded of it, and fal gets one that its strict reader takes."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, cast

import av
import pytest
from PIL import Image

from bot.catalogue import wan22_video, wan27_image
from bot.catalogue.limits import check_media
from bot.errors import MediaRefused
from bot.media.ffmpeg import Ffmpeg
from bot.media.fitter import Fitted, Fitter
from bot.media.probe import Prober
from bot.media.rules.lengths import TOLERANCE_S
from bot.media.rules.needs import Keep
from bot.media_spec import MediaSpec
from bot.settings import MediaSettings
from sandbox.fal.endpoints import wan27
from sandbox.fal.input_files import FileField, FileRule, InputFile, read_input_file
from tests.support import media_samples, odd_media
from tests.support.found_ffmpeg import found_ffmpeg
from tests.support.job_samples import REQUESTER

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = MediaSettings()

FFMPEG = Ffmpeg(SETTINGS, find=found_ffmpeg)
RULES: Mapping[str, tuple[MediaSpec, FileRule]] = {
    "image": (wan27_image.PICTURE, wan27.PICTURE),
    "video": (wan27_image.CLIP, wan27.CLIP),
    "audio": (wan27_image.SOUND, wan27.SOUND),
}
WITH_SOUND = {"Matroska with AC-3", "AVI with MP2"}


async def fit(
    prober: Prober, folder: Path, content: bytes, limits: MediaSpec, *, keep: Keep = "start", ffmpeg: Ffmpeg = FFMPEG
) -> Fitted:
    """Make a file fit."""
    path = folder / "option.in"
    await asyncio.to_thread(path.write_bytes, content)
    facts = await prober.facts(path, shown_name="it", requester=REQUESTER)
    return await Fitter(ffmpeg, prober, SETTINGS).fit(path, facts, limits, keep=keep, requester=REQUESTER)


async def sent(prober: Prober, folder: Path, content: bytes, kind: str) -> tuple[Fitted, InputFile]:
    """Make a file fit, and read it as fal does."""
    limits, rule = RULES[kind]
    fitted = await fit(prober, folder, content, limits)
    check_media(limits, fitted.facts, this="It")
    read = await asyncio.to_thread(read_input_file, FileField(("body", "it"), "http://it", rule), fitted.path, "")
    assert (read.width, read.height) == (fitted.facts.width, fitted.facts.height)
    if kind != "image":
        assert (read.seconds or 0.0) <= (fitted.facts.seconds or 0.0) + 0.001
    return fitted, read


def frame_of(path: Path) -> Image.Image:
    """Return a clip's first frame."""
    with av.open(str(path)) as container:
        return cast("Any", next(container.decode(video=0))).to_image()


def looks_alike(picture: Image.Image) -> bool:
    """Whether the picture is red on the left and blue on the right."""
    sides = [picture.convert("RGB").resize((4, 4)).getpixel((x, 2)) for x in (0, 3)]
    pairs = zip(sides, (odd_media.LEFT, odd_media.RIGHT), strict=True)
    return all(abs(a - b) < 30 for found, meant in pairs for a, b in zip(cast("Any", found), meant, strict=True))


@pytest.mark.parametrize("name", odd_media.PICTURES)
async def test_a_whole_picture_is_drawn_again_for_a_strict_reader(prober: Prober, tmp_path: Path, name: str) -> None:
    """A picture whose pixels are all there is taken, whatever stands beside them, and the card says what was done."""
    fitted, _ = await sent(prober, tmp_path, odd_media.PICTURES[name](), "image")
    assert fitted.path.name != "option.in"
    assert fitted.changes
    with Image.open(fitted.path) as made:
        assert (made.size, made.mode) == (odd_media.SIDES, "RGB")
        assert looks_alike(made)
        assert not {"icc_profile", "exif", "workflow"} & made.info.keys()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        *(("image", made) for made in odd_media.USUAL_PICTURES.values()),
        *(("audio", made) for made in odd_media.USUAL_SOUNDS.values()),
        *(("video", made) for made in odd_media.USUAL_CLIPS.values()),
    ],
    ids=[*odd_media.USUAL_PICTURES, *odd_media.USUAL_SOUNDS, *odd_media.USUAL_CLIPS],
)
async def test_what_every_reader_takes_stays_as_it_is(
    prober: Prober, tmp_path: Path, kind: str, content: Callable[[], bytes]
) -> None:
    """A file with harmless peculiarities goes through byte for byte."""
    fitted, _ = await sent(prober, tmp_path, content(), kind)
    assert (fitted.path.name, fitted.changes) == ("option.in", ())


async def test_every_reason_for_drawing_a_picture_again_is_said(prober: Prober, tmp_path: Path) -> None:
    """A picture in printing colours that also lacks its end is told as both, and not as one with bad metadata."""
    content = odd_media.PICTURES["JPEG in printing colours"]()[:-2]
    fitted, _ = await sent(prober, tmp_path, content, "image")
    assert fitted.changes == ("saved again with the end that was missing", "colours changed to 8-bit RGB")


@pytest.mark.parametrize("name", ["WebP with more behind it", "PNG without an end", "BMP that states no size"])
async def test_a_usual_picture_can_be_made_to_fit(prober: Prober, tmp_path: Path, name: str) -> None:
    """What stands behind a picture is no obstacle to making it smaller."""
    limits = replace(wan27_image.PICTURE, side_max=300, side_min=None)
    fitted = await fit(prober, tmp_path, odd_media.USUAL_PICTURES[name](), limits)
    with Image.open(fitted.path) as made:
        assert looks_alike(made)


@pytest.mark.parametrize("name", odd_media.CUT_PICTURES)
async def test_a_picture_with_lost_pixels_is_damaged(prober: Prober, tmp_path: Path, name: str) -> None:
    """A picture of which some pixels are missing is refused."""
    with pytest.raises(MediaRefused, match="the rest is missing or damaged"):
        await fit(prober, tmp_path, odd_media.CUT_PICTURES[name](), wan27_image.PICTURE)


@pytest.mark.parametrize("header", [b"\xff\xc3\0\x11\x08", b"\xff\xf7\0\x11\x08", b"\xff\xc1\0\x11\x0c"])
async def test_a_rare_jpeg_is_not_called_damaged(prober: Prober, tmp_path: Path, header: bytes) -> None:
    """A JPEG that is lossless or of 12 bits is refused as what it is."""
    content = odd_media.saved("JPEG").replace(b"\xff\xc0\0\x11\x08", header)
    with pytest.raises(MediaRefused, match="is a JPEG of a rare kind"):
        await fit(prober, tmp_path, content, wan27_image.PICTURE)


@pytest.mark.parametrize("name", odd_media.LYING_PICTURES)
async def test_a_picture_has_the_pixels_that_people_see(prober: Prober, tmp_path: Path, name: str) -> None:
    """A photograph that EXIF turns is measured upright, and is not changed for it."""
    fitted, _ = await sent(prober, tmp_path, odd_media.LYING_PICTURES[name](), "image")
    assert (fitted.facts.width, fitted.facts.height) == odd_media.SIDES[::-1]
    assert fitted.changes == ()


@pytest.mark.parametrize("side_max", [8000, 300])
async def test_16_bits_of_grey_keep_their_content(prober: Prober, tmp_path: Path, side_max: int) -> None:
    """Grey of 16 bits becomes the same grey of 8 bits, not white, scaled or not."""
    limits = replace(wan27_image.PICTURE, side_max=side_max, side_min=None)
    fitted = await fit(prober, tmp_path, odd_media.GREY_16_BIT(), limits)
    with Image.open(fitted.path) as made:
        assert (max(made.size), made.convert("L").getextrema()) == (min(side_max, 320), (128, 128))


async def test_colours_are_those_that_the_profile_means(prober: Prober, tmp_path: Path) -> None:
    """A picture that is drawn again is in sRGB, so that a reader without profiles shows the same colours."""
    content = odd_media.saved("PNG", icc_profile=odd_media.swapped_profile())
    fitted = await fit(prober, tmp_path, content, replace(wan27_image.PICTURE, side_max=300, side_min=None))
    with Image.open(fitted.path) as made:
        assert looks_alike(made.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


@pytest.mark.parametrize("name", odd_media.SOUNDS)
async def test_a_whole_sound_is_saved_again(prober: Prober, tmp_path: Path, name: str) -> None:
    """A sound that plays is taken, whatever stands before it or in its header, and becomes a plain MP3 or WAV."""
    fitted, _ = await sent(prober, tmp_path, odd_media.SOUNDS[name](), "audio")
    assert fitted.path.name != "option.in"
    assert fitted.facts.seconds == pytest.approx(odd_media.SECONDS, abs=TOLERANCE_S)
    assert fitted.facts.odd == ()


@pytest.mark.parametrize("name", ["WAV with MP3", "WAV stating ffffffff", "WAV with telephone samples"])
async def test_a_long_sound_of_any_sort_is_cut(prober: Prober, tmp_path: Path, name: str) -> None:
    """What a WAV holds does not matter for cutting it."""
    codecs = {"WAV with MP3": "libmp3lame", "WAV with telephone samples": "pcm_mulaw"}
    content = media_samples.sound(32.0, "wav", codecs.get(name, "pcm_s16le"))
    fitted, _ = await sent(prober, tmp_path, content, "audio")
    assert 29 < (fitted.facts.seconds or 0) <= 30


async def test_a_long_telephone_sound_is_cut(prober: Prober, tmp_path: Path) -> None:
    """An MP3 of a low rate pads its ends by more than is cut off, so a sound of any rate is saved at a usual one."""
    fitted, _ = await sent(prober, tmp_path, odd_media.telephone_sound(32), "audio")
    assert 29.9 < (fitted.facts.seconds or 0) <= 30


async def test_a_sound_that_cannot_be_taken_apart_is_not_called_damaged(prober: Prober, tmp_path: Path) -> None:
    """A whole file in which nobody can find the frames of its sound is refused by what is in it."""
    with pytest.raises(MediaRefused, match="uses the codec “aac in a WAV”"):
        await fit(prober, tmp_path, media_samples.sound(odd_media.SECONDS, "wav", "aac"), wan27_image.SOUND)


@pytest.mark.parametrize(
    ("content", "format_"),
    [(partial(media_samples.sound, 12.0, "adts", "aac"), "AAC"), (partial(odd_media.amr, 12), "AMR")],
    ids=["AAC", "AMR"],
)
async def test_a_guessed_length_is_not_told_as_a_stated_one(
    prober: Prober, tmp_path: Path, content: Callable[[], bytes], format_: str
) -> None:
    """A sound that states no length is as long as it plays, and the card says nothing of another length."""
    fitted, _ = await sent(prober, tmp_path, content(), "audio")
    assert fitted.facts.seconds == pytest.approx(12.0, abs=TOLERANCE_S)
    assert fitted.changes == (f"{format_} saved as MP3",)


@pytest.mark.parametrize(("container", "format_"), [("mpegts", "TS"), ("matroska", "MKV"), ("avi", "AVI")])
async def test_the_end_of_a_clip_with_one_key_frame_is_kept(
    prober: Prober, tmp_path: Path, container: str, format_: str
) -> None:
    """The last seconds keep their picture and their sound where the only key frame lies before them."""
    content = odd_media.clip(container, "mp2", seconds=8.0)
    fitted = await fit(prober, tmp_path, content, replace(wan27_image.CLIP, seconds_max=5), keep="end")
    assert fitted.changes == ("trimmed from 8 s to 5 s, its end", f"{format_} saved as MP4")
    assert looks_alike(frame_of(fitted.path))
    with av.open(str(fitted.path)) as made:
        assert [stream.type for stream in made.streams] == ["video", "audio"]


def shades(path: Path) -> list[int]:
    """Return how bright each picture of a clip is."""
    with av.open(str(path)) as container:
        return [
            cast("Any", frame).to_image().convert("L").resize((1, 1)).getpixel((0, 0))
            for frame in container.decode(video=0)
        ]


@pytest.mark.parametrize(
    ("content", "first"),
    [
        *((partial(odd_media.brightening, name, "aac", begins_s=2.0), 0) for name in ("mp4", "matroska", "mpegts")),
        (partial(odd_media.begun_within, 10), 10),
    ],
    ids=["MP4", "Matroska", "MPEG-TS", "MPEG-TS that begins within a picture"],
)
async def test_a_clip_begins_with_its_first_picture(
    prober: Prober, tmp_path: Path, content: Callable[[], bytes], first: int
) -> None:
    """What has no picture yet is left out, and not filled with a picture that stands still."""
    fitted, _ = await sent(prober, tmp_path, content(), "video")
    meant = [odd_media.shade(number) for number in range(first, round(odd_media.SECONDS * odd_media.FPS))]
    assert await asyncio.to_thread(shades, fitted.path) == pytest.approx(meant, abs=4)
    assert fitted.facts.seconds == pytest.approx(len(meant) / odd_media.FPS, abs=TOLERANCE_S)


@pytest.mark.parametrize(
    ("kind", "content", "times"),
    [
        ("video", partial(odd_media.brightening, "mpegts", "aac"), 2),
        ("video", partial(odd_media.brightening, "webm", "libopus"), 1),
        ("video", partial(odd_media.brightening, "matroska", "aac"), 1),
        ("audio", partial(media_samples.ogg, odd_media.SECONDS), 2),
        ("audio", partial(media_samples.flac, odd_media.SECONDS), 2),
    ],
    ids=["MPEG-TS", "WebM", "Matroska", "Ogg", "FLAC"],
)
async def test_files_that_are_put_together_are_taken(
    prober: Prober, tmp_path: Path, kind: str, content: Callable[[], bytes], times: int
) -> None:
    """Files one behind the other play as players play them: all of them, or the first where the format has one start.

    The card says that the file gave another length.
    """
    fitted, _ = await sent(prober, tmp_path, content() * 2, kind)
    assert fitted.facts.seconds == pytest.approx(times * odd_media.SECONDS, abs=TOLERANCE_S)
    said_s = 3 - times  # of the two
    assert any(f"(part of it said {said_s * odd_media.SECONDS:g} s)" in change for change in fitted.changes)


@pytest.mark.parametrize("name", odd_media.CLIPS)
async def test_a_whole_clip_is_saved_again(prober: Prober, tmp_path: Path, name: str) -> None:
    """A clip that players show is taken with the video that they show, and becomes an MP4."""
    fitted, _ = await sent(prober, tmp_path, odd_media.CLIPS[name](), "video")
    assert fitted.path.name != "option.in"
    assert (fitted.facts.width, fitted.facts.height) == odd_media.SIDES
    assert looks_alike(frame_of(fitted.path)) or name == "MP4 that states too much"  # which is of one colour
    with av.open(str(fitted.path)) as container:
        assert len(container.streams.video) == 1
        assert len(container.streams.audio) == (name in WITH_SOUND or name.startswith("MPEG-TS"))
    is_silent = "without its sound, which Wanda can't read" in fitted.changes
    assert is_silent == (name == "Matroska with a sound that is not read")


@pytest.mark.parametrize(
    ("pixel", "shown"), [(Fraction(4, 3), (426, 240)), (Fraction(3, 4), (320, 320)), (Fraction(2), (640, 240))]
)
async def test_a_clip_keeps_its_shape(prober: Prober, tmp_path: Path, pixel: Fraction, shown: tuple[int, int]) -> None:
    """A clip with pixels that are not square is measured and saved as players show it."""
    fitted, _ = await sent(prober, tmp_path, odd_media.clip(pixel=pixel), "video")
    assert (fitted.facts.width, fitted.facts.height) == shown
    assert fitted.changes == ("saved in the shape that players show",)
    assert looks_alike(frame_of(fitted.path))


async def test_an_hdr_clip_is_mapped_when_it_is_encoded(prober: Prober, tmp_path: Path) -> None:
    """An HDR clip that must be encoded becomes BT.709 and says so, in its tags and on the card."""
    program = await asyncio.to_thread(found_ffmpeg)
    if program is None or not program.can_tone_map:
        pytest.skip("this ffmpeg lacks the filters")
    fitted = await fit(prober, tmp_path, odd_media.hdr(), replace(wan22_video.CLIP, side_max=200))
    assert "HDR changed to ordinary colours" in fitted.changes
    with av.open(str(fitted.path)) as container:
        context: Any = container.streams.video[0].codec_context
        assert (int(context.color_trc), int(context.color_primaries), int(context.colorspace)) == (1, 1, 1)
    red, _, blue = cast("Any", frame_of(fitted.path).resize((4, 4)).getpixel((0, 2)))
    assert red > 2 * blue


@pytest.mark.parametrize(
    ("kind", "content"),
    [("audio", odd_media.SOUNDS["WAV stating 7fffffff"]), ("video", odd_media.CLIPS["a small video second"])],
)
async def test_an_odd_file_never_goes_through_as_it_is(
    prober: Prober, tmp_path: Path, kind: str, content: Callable[[], bytes]
) -> None:
    """Without an encoder a file that fal may refuse is refused here, where it costs nothing."""
    without = Ffmpeg(SETTINGS, find=lambda: None)
    with pytest.raises(MediaRefused, match=r"saved in an unusual way.* Save or export it as "):
        await fit(prober, tmp_path, content(), RULES[kind][0], ffmpeg=without)
