"""The probe's readers, in this process, so that a failure shows its traceback."""

import base64
import io
import random
import struct
from pathlib import Path
from typing import Any, cast

import av
import pytest
from PIL import Image

from bot.media.probe_worker import examine
from tests.support import media_samples

PIXELS_MAX = 64_000_000


def read(tmp_path: Path, data: bytes, pixels_max: int = PIXELS_MAX) -> dict[str, Any]:
    """Probe these bytes under a name without an extension."""
    path = tmp_path / "upload"
    path.write_bytes(data)
    return examine(path, pixels_max=pixels_max)


@pytest.mark.parametrize(
    ("kind", "named"), [("PNG", "png"), ("JPEG", "jpeg"), ("BMP", "bmp"), ("WEBP", "webp"), ("GIF", "gif")]
)
def test_picture(tmp_path: Path, kind: str, named: str) -> None:
    """A picture's format and pixels come from its bytes; the preview is a JPEG without anything else."""
    data = media_samples.picture(300, 200, kind)
    expected = {"kind": "image", "format": named, "codec": named, "size_bytes": len(data), "width": 300, "height": 200}
    found = read(tmp_path, data)
    preview = base64.b64decode(found.pop("preview"))
    assert found == expected | {"odd": []}
    with Image.open(io.BytesIO(preview)) as drawn:
        assert (drawn.format, drawn.size, drawn.getexif()) == ("JPEG", (300, 200), {})


def test_preview_has_no_comment(tmp_path: Path) -> None:
    """What somebody wrote into a picture is not in its preview."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    Image.new("RGB", (30, 20), "red").save(file, "JPEG", comment="by Ada", exif=exif)
    preview = base64.b64decode(read(tmp_path, file.getvalue())["preview"])
    assert b"Ada" not in preview
    assert b"home" not in preview


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (255, 0, 0, 0)), ("LA", (255, 0))])
def test_transparent_preview(tmp_path: Path, mode: str, colour: tuple[int, ...]) -> None:
    """What is transparent is grey in the preview, whatever colour is stored there."""
    file = io.BytesIO()
    Image.new(mode, (30, 20), colour).save(file, "PNG")
    with Image.open(io.BytesIO(base64.b64decode(read(tmp_path, file.getvalue())["preview"]))) as drawn:
        red, green, blue = cast("tuple[int, int, int]", drawn.getpixel((15, 10)))
    assert max(abs(red - 128), abs(green - 132), abs(blue - 142)) <= 2


def test_preview_is_upright(tmp_path: Path) -> None:
    """A picture that is stored on its side has an upright preview."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20), "red").save(file, "JPEG", exif=exif)
    with Image.open(io.BytesIO(base64.b64decode(read(tmp_path, file.getvalue())["preview"]))) as drawn:
        assert drawn.size == (20, 30)


@pytest.mark.parametrize(("kind", "named"), [("GIF", "gif"), ("WEBP", "webp")])
def test_animation(tmp_path: Path, kind: str, named: str) -> None:
    """An animated picture is a picture."""
    found = read(tmp_path, media_samples.animation(32, 24, kind))
    assert (found["kind"], found["format"], found["width"], found["height"]) == ("image", named, 32, 24)


@pytest.mark.parametrize(
    ("container", "codec", "named", "codec_named"),
    [
        ("mp4", "libx264", "mp4", "h264"),
        ("mov", "libx264", "mov", "h264"),
        ("3gp", "libx264", "3gp", "h264"),
        ("webm", "libvpx", "webm", "vp8"),
        ("matroska", "libx264", "mkv", "h264"),
        ("avi", "mpeg4", "avi", "mpeg4"),
    ],
)
def test_video(tmp_path: Path, container: str, codec: str, named: str, codec_named: str) -> None:
    """A video's container, codec, seconds and pixels come from its bytes."""
    found = read(tmp_path, media_samples.mp4(1.5, 96, 64, 10, container=container, codec=codec))
    assert (found["kind"], found["format"], found["codec"]) == ("video", named, codec_named)
    assert (found["width"], found["height"], found["seconds"]) == (96, 64, 1.5)


def test_video_with_sound(tmp_path: Path) -> None:
    """A video with sound is as long as its picture."""
    found = read(tmp_path, media_samples.mp4(1.0, sound=True, index_first=True))
    assert (found["kind"], found["codec"], found["seconds"]) == ("video", "h264", 1.0)


@pytest.mark.parametrize(
    ("container", "codec", "named", "codec_named"),
    [
        ("wav", "pcm_s16le", "wav", "pcm_s16le"),
        ("wav", "pcm_s24le", "wav", "pcm_s24le"),
        ("mp3", "libmp3lame", "mp3", "mp3"),
        ("ogg", "libopus", "ogg", "opus"),
        ("flac", "flac", "flac", "flac"),
        ("ipod", "aac", "m4a", "aac"),
    ],
)
def test_sound(tmp_path: Path, container: str, codec: str, named: str, codec_named: str) -> None:
    """A sound's container, codec and seconds come from its bytes, within an MP3's padding of two frames."""
    found = read(tmp_path, media_samples.sound(2.5, container, codec))
    assert (found["kind"], found["format"], found["codec"]) == ("audio", named, codec_named)
    assert found["seconds"] == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize(
    ("container", "codec", "codec_named"),
    [
        ("webm", "libvpx-vp9", "vp9"),
        ("mp4", "libx265", "hevc"),
        ("mp4", "libsvtav1", "av1"),
    ],
)
def test_codec(tmp_path: Path, container: str, codec: str, codec_named: str) -> None:
    """The codecs that phones and editors write are read."""
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg cannot write {codec}")
    found = read(tmp_path, media_samples.mp4(0.5, 128, 96, container=container, codec=codec))
    assert (found.get("codec"), found.get("width"), found.get("seconds")) == (codec_named, 128, 0.5)


def test_rare_codec(tmp_path: Path) -> None:
    """A codec that nobody uses is named and not decoded."""
    found = read(tmp_path, media_samples.mp4(0.5, container="avi", codec="flv"))
    assert (found.get("reason"), found.get("detail")) == ("codec", "flv1")


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_fragmented(tmp_path: Path, container: str) -> None:
    """A video that was recorded in pieces, whose header knows no duration, is as long as its packets."""
    data = media_samples.mp4(2.0, container=container, movflags="+frag_keyframe+empty_moov")
    assert read(tmp_path, data)["seconds"] == pytest.approx(2.0, abs=0.11)
    assert read(tmp_path, data[: len(data) * 2 // 3])["reason"] == "damaged"


def test_rotated(tmp_path: Path) -> None:
    """A clip that a phone stored lying down has the pixels that people see."""
    data = bytearray(media_samples.mp4(0.5, 96, 64))
    matrix = data.index(b"tkhd") + 4 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    found = read(tmp_path, bytes(data))
    assert (found["width"], found["height"]) == (64, 96)


@pytest.mark.parametrize("said", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_lying_duration(tmp_path: Path, said: int) -> None:
    """The durations in an MP4's headers are not believed: the packets tell how long it plays."""
    data = bytearray(media_samples.mp4(2.0))
    for name, offset in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        at = data.index(name) + 4 + offset
        data[at : at + 4] = struct.pack(">I", said)
    assert read(tmp_path, bytes(data))["seconds"] == 2.0


def test_long_last_frame(tmp_path: Path) -> None:
    """A clip whose own timing says that it plays for days is as long as it says, so that a limit refuses it."""
    data = bytearray(media_samples.mp4(1.0))
    entry = data.index(b"stts") + 4 + 8
    data[entry + 4 : entry + 8] = struct.pack(">I", 1_000_000_000)
    assert read(tmp_path, bytes(data)).get("seconds", 1e9) > 3600


def test_header_bomb(tmp_path: Path) -> None:
    """A PNG of 50,000 × 50,000 pixels is measured, not decoded."""
    found = read(tmp_path, media_samples.png_header(50_000, 50_000))
    assert (found["width"], found["height"]) == (50_000, 50_000)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "GIF"])
def test_large_is_measured(tmp_path: Path, kind: str) -> None:
    """A picture above the pixel limit is measured and not decoded, whatever its format."""
    found = read(tmp_path, media_samples.picture(200, 100, kind)[:-20], pixels_max=1000)
    assert (found["width"], found["height"]) == (200, 100)


def test_large_video_is_measured(tmp_path: Path) -> None:
    """A video above the pixel limit is measured and not decoded."""
    found = read(tmp_path, media_samples.mp4(0.5, 96, 64), pixels_max=1000)
    assert (found["width"], found["height"], found["seconds"]) == (96, 64, 0.5)


def test_album_cover(tmp_path: Path) -> None:
    """A sound with a cover picture is a sound."""
    cover = b"\0image/png\0\x03\0" + media_samples.png()
    frame = b"APIC" + struct.pack(">I", len(cover)) + b"\0\0" + cover
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    found = read(tmp_path, b"ID3\x03\0\0" + size + frame + media_samples.mp3(1.0))
    assert (found["kind"], found["format"], found["codec"]) == ("audio", "mp3", "mp3")


def patched(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite some bytes after the first occurrence of a box's name."""
    at = data.index(name) + len(name) + offset
    return data[:at] + value + data[at + len(value) :]


def without_index() -> bytes:
    """Return an MP4 of which only the part before its index was copied."""
    data = media_samples.mp4()
    return data[: next(start for name, start, _ in media_samples.boxes(data) if name == b"moov")]


HOSTILE = {
    "empty": (b"", "empty"),
    "zip": (b"PK\x03\x04" + bytes(99), "foreign"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "foreign"),
    "concat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "foreign"),
    "playlist behind ID3": (b"ID3\x03\0\0\0\0\0\0#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "damaged"),
    "playlist in WAV": (b"RIFF\x40\0\0\0WAVE#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "damaged"),
    "playlist in MP4": (b"\0\0\0\x10ftypisom\0\0\0\0#EXTM3U\n/etc/passwd\n", "damaged"),
    "png without data": (media_samples.png_header(100, 100), "damaged"),
    "png cut": (media_samples.picture(600, 400)[:-300], "damaged"),
    "jpeg cut": (media_samples.picture(600, 400, "JPEG")[:-300], "damaged"),
    "webp cut": (media_samples.picture(600, 400, "WEBP")[:-100], "damaged"),
    "bmp cut": (media_samples.picture(60, 40, "BMP")[:-100], "damaged"),
    "gif cut": (media_samples.picture(600, 400, "GIF")[:-900], "damaged"),
    "mp4 without index": (without_index(), "damaged"),
    "mp4 index cut": (media_samples.mp4()[:-100], "damaged"),
    "mp4 data cut": (media_samples.mp4(index_first=True)[:-100], "damaged"),
    "mp4 brand only": (b"\0\0\0\x20ftypisom" + bytes(20), "damaged"),
    "mp4 with samples elsewhere": (patched(media_samples.mp4(), b"stco", 8, b"\x7f\xff\xff\xff"), "damaged"),
    "mp4 of noise": (
        patched(media_samples.mp4(2.0, 320, 240), b"mdat", 0, random.Random(1).randbytes(3000)),  # noqa: S311 - fixed
        "damaged",
    ),
    "mp4 without frames": (patched(patched(media_samples.mp4(), b"stsz", 8, bytes(4)), b"stts", 4, bytes(4)), "silent"),
    "mp4 of an unknown codec": (patched(media_samples.mp4(), b"stsd", 12, b"zzzz"), "codec"),
    "mp3 of nothing": (b"ID3\x03\0\0\0\0\0\0", "damaged"),
    "wav without samples": (media_samples.wav(0.1)[:78], "silent"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(tmp_path: Path, name: str) -> None:
    """A file that is not what it says, or not whole, is not vouched for."""
    data, reason = HOSTILE[name]
    assert read(tmp_path, data).get("reason") == reason


def test_polyglot(tmp_path: Path) -> None:
    """A picture with an archive behind it is the picture: only the reader for its first bytes sees it."""
    assert read(tmp_path, media_samples.png() + b"PK\x03\x04" + bytes(99))["format"] == "png"


def test_noise_never_raises(tmp_path: Path) -> None:
    """Whatever bytes of a real file are changed, the probe gives a valid answer."""
    dice = random.Random(7)  # noqa: S311 - a fixed seed
    originals = [
        media_samples.mp4(0.5),
        media_samples.png(),
        media_samples.picture(kind="JPEG"),
        media_samples.mp3(0.5),
        media_samples.ogg(0.5),
    ]
    originals += [
        media_samples.mp4(0.5, container="webm", codec="libvpx"),
        media_samples.wav(0.1),
        media_samples.picture(kind="WEBP"),
    ]
    for _ in range(40):
        for original in originals:
            data = bytearray(original)
            for _ in range(dice.randint(1, 30)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            answer = read(tmp_path, bytes(data))
            assert "reason" in answer or {"kind", "format", "codec", "size_bytes"} <= answer.keys()
