"""Whole files that a strict parser refuses, or that another program reads in another way; equal calls, equal files."""

# PyAV's own annotations leave a stream's packets and frames open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, partial
from typing import Any, cast

import av
from av.container import OutputContainer
from av.stream import Disposition
from PIL import Image, ImageCms

from tests.support import media_samples
from tests.support.media_samples import png_chunk

SIDES = (320, 240)
SECONDS = 3.0
FPS = 10
LEFT, RIGHT = (200, 30, 30), (30, 30, 200)
_GREY_16_BIT = struct.pack(">H", 128 * 257)
_PNG_START = 33  # where the chunk after IHDR begins
_HLG = 18
_PACKET = 188  # bytes of a transport stream


@cache
def _halves() -> Image.Image:
    """Return a picture whose left half is red and whose right half is blue."""
    picture = Image.new("RGB", SIDES, LEFT)
    picture.paste(RIGHT, (SIDES[0] // 2, 0, *SIDES))
    return picture


def saved(kind: str, picture: Image.Image | None = None, **options: Any) -> bytes:
    """Return the picture as Pillow saves it."""
    file = io.BytesIO()
    (picture or _halves()).save(file, kind, **options)
    return file.getvalue()


def png_with(name: bytes, body: bytes, *, checksum: bytes | None = None) -> bytes:
    """Return a PNG with one more chunk before its pixels."""
    data = saved("PNG")
    chunk = png_chunk(name, body)
    return data[:_PNG_START] + (chunk if checksum is None else chunk[:-4] + checksum) + data[_PNG_START:]


def jpeg_with(marker: int, body: bytes) -> bytes:
    """Return a JPEG with one more segment at its start."""
    data = saved("JPEG", quality=95)
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def zipped(count: int) -> bytes:
    """Return a text of so many letters, compressed."""
    return zlib.compress(b"x" * count, 9)


def _profile(more_bytes: int) -> bytes:
    cms: Any = ImageCms
    return cast("bytes", cms.ImageCmsProfile(cms.createProfile("sRGB")).tobytes()) + bytes(more_bytes)


def swapped_profile() -> bytes:
    """Return a colour profile in which red means blue, and blue red."""
    plain = _profile(0)
    swapped = plain.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def _grey_16_bit() -> bytes:
    width, height = SIDES
    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    rows = (b"\0" + _GREY_16_BIT * width) * height
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def _lying() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _webp_stating(more: int) -> bytes:
    data = saved("WEBP")
    return data[:4] + struct.pack("<I", len(data) - 8 + more) + data[8:]


def _png_with_a_wrong_sum() -> bytes:
    """Return a PNG whose chunks have the right checksums, but whose packed pixels have not."""
    data = saved("PNG")
    at = data.index(b"IDAT") - 4
    packed = data[at + 8 : at + 8 + int.from_bytes(data[at : at + 4], "big")]
    return data[:at] + png_chunk(b"IDAT", packed[:-4] + bytes(4)) + png_chunk(b"IEND", b"")


def _cut_animation() -> bytes:
    """Return a WebP that moves and ends within its second picture."""
    return saved("WEBP", save_all=True, append_images=[Image.effect_noise(SIDES, 50).convert("RGB")], quality=95)[:-500]


PICTURES: Mapping[str, Callable[[], bytes]] = {
    "PNG with 3 MB of compressed text": lambda: png_with(b"zTXt", b"workflow\0\0" + zipped(3_000_000)),
    "PNG with 100 MB of compressed text": lambda: png_with(b"iTXt", b"workflow\0\1\0\0\0" + zipped(100_000_000)),
    "PNG with a profile of 1.5 MB": lambda: saved("PNG", icc_profile=_profile(1_500_000)),
    "PNG with broken EXIF": lambda: png_with(b"eXIf", b"garbage!"),
    "PNG with a wrong checksum beside the pixels": lambda: png_with(b"tEXt", b"a\0b", checksum=b"\0\0\0\0"),
    "PNG with a wrong checksum of its pixels": _png_with_a_wrong_sum,
    "PNG with an empty profile": lambda: png_with(b"iCCP", b""),
    "WebP cut in its second picture": _cut_animation,
    "PNG with a chunk that is too short": lambda: png_with(b"pHYs", b"\0\0\0"),
    "JPEG without an end": lambda: saved("JPEG", quality=95)[:-2],
    "JPEG with half an end": lambda: saved("JPEG", quality=95)[:-1],
    "progressive JPEG without an end": lambda: saved("JPEG", quality=95, progressive=True)[:-2],
    "JPEG of a stereo camera": lambda: saved("MPO", save_all=True, append_images=[_halves()], quality=95),
    "JPEG in printing colours": lambda: saved("JPEG", _halves().convert("CMYK"), quality=95),
    "WebP with broken EXIF": lambda: saved("WEBP", exif=b"garbage!", quality=95),
    "WebP that states too much": lambda: _webp_stating(1000),
    "WebP that states nothing": lambda: _webp_stating(8 - len(saved("WEBP"))),
}
GREY_16_BIT = _grey_16_bit
# Any reader takes these.
USUAL_PICTURES: Mapping[str, Callable[[], bytes]] = {
    "PNG without an end": lambda: saved("PNG")[:-12],
    "PNG without its last checksum": lambda: saved("PNG")[:-16],
    "PNG with more behind it": lambda: saved("PNG") + b"hello" * 99,
    "WebP with more behind it": lambda: saved("WEBP", quality=95) + b"x" * 777,
    "JPEG with more behind it": lambda: saved("JPEG") + b"PK\x03\x04" * 99,
    "JPEG with broken EXIF": lambda: jpeg_with(0xE1, b"Exif\0\0garbage."),
    "JPEG with restart markers": lambda: saved("JPEG", restart_marker_blocks=4),
    "JPEG with a profile of 1 MB": lambda: saved("JPEG", icc_profile=_profile(1_000_000)),
    "PNG that moves": lambda: saved("PNG", save_all=True, append_images=[_halves().rotate(90)]),
    "PNG of one bit": lambda: saved("PNG", _halves().convert("1")),
    "PNG with a palette": lambda: saved("PNG", _halves().convert("P")),
    "BMP that states no size": lambda: (data := saved("BMP"))[:2] + bytes(4) + data[6:],
}
LYING_PICTURES: Mapping[str, Callable[[], bytes]] = {
    "JPEG": lambda: saved("JPEG", exif=_lying()),
    "PNG": lambda: saved("PNG", exif=_lying()),
    "WebP": lambda: saved("WEBP", exif=_lying()),
}
CUT_PICTURES: Mapping[str, Callable[[], bytes]] = {
    "JPEG": lambda: saved("JPEG", Image.effect_noise(SIDES, 50))[:-400],
    "progressive JPEG": lambda: saved("JPEG", Image.effect_noise(SIDES, 50), progressive=True)[:-30],
    "PNG with broken EXIF": lambda: png_with(b"eXIf", b"garbage!")[:-40],
    "PNG without its last pixels": lambda: saved("PNG", Image.effect_noise(SIDES, 50))[:-30],
    "WebP": lambda: saved("WEBP", Image.effect_noise(SIDES, 50))[:-30],
    "WebP cut in its first picture": lambda: _cut_animation()[:400],
}


def id3(size: int) -> bytes:
    """Return an ID3 tag with this many bytes of nothing."""
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


def _wav_stating(size: int, seconds: float = SECONDS) -> bytes:
    data = media_samples.wav(seconds)
    at = data.index(b"data") + 4
    return data[:4] + struct.pack("<I", size) + data[8:at] + struct.pack("<I", size) + data[at + 4 :]


def _rf64() -> bytes:
    data = media_samples.wav(SECONDS)
    at = data.index(b"data") + 4
    sizes = struct.pack("<QQQI", len(data) + 28, len(data) - at - 4, 0, 0)
    unknown = b"\xff\xff\xff\xff"
    start = b"RF64" + unknown + b"WAVE" + b"ds64" + struct.pack("<I", len(sizes)) + sizes
    return start + data[12:at] + unknown + data[at + 4 :]


def _titled(kind: str, data: bytes) -> bytes:
    """Return it with a title that is not UTF-8, as old programs write it."""
    source: Any = av.open(io.BytesIO(data))
    file = io.BytesIO()
    with source as read, av.open(file, "w", format=kind) as out:
        streams: dict[int, Any] = {one.index: out.add_stream_from_template(one) for one in read.streams}
        out.metadata["title"] = "cafes"
        for packet in read.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return file.getvalue().replace(b"cafes", b"caf\xe9s")


def mp3() -> bytes:
    """Return an MP3 without a tag."""
    data = media_samples.mp3(SECONDS)
    return data[data.index(b"\xff\xfb") :]


def telephone_sound(seconds: int) -> bytes:
    """Return an AU of 8,000 samples of 16 bits in a second."""
    rate_hz, data = 8000, bytes(2 * 8000 * seconds)
    return struct.pack(">4sIIIII", b".snd", 24, len(data), 3, rate_hz, 1) + data


def amr(seconds: int) -> bytes:
    """Return an AMR of the lowest rate first, then of the highest; a frame lasts 20 ms (RFC 4867, section 5.3)."""
    low, high = b"\x04" + bytes(12), b"\x3c" + bytes(31)
    return b"#!AMR\n" + low * 50 + high * 50 * (seconds - 1)


SOUNDS: Mapping[str, Callable[[], bytes]] = {
    "MP3 behind zeros": lambda: bytes(3000) + mp3(),
    "MP3 behind half a frame": lambda: mp3()[200:],
    "MP3 behind a tag and zeros": lambda: id3(500) + bytes(20_000) + mp3(),
    "FLAC behind a tag": lambda: id3(300) + media_samples.flac(SECONDS),
    "AAC": lambda: media_samples.sound(SECONDS, "adts", "aac"),
    "AAC behind a tag": lambda: id3(9000) + media_samples.sound(SECONDS, "adts", "aac"),
    "AIFF": lambda: media_samples.sound(SECONDS, "aiff", "pcm_s16be"),
    "CAF": lambda: media_samples.sound(SECONDS, "caf", "pcm_s16le"),
    "AU": lambda: media_samples.sound(SECONDS, "au", "pcm_s16be"),
    "MPEG-TS with sound alone": lambda: media_samples.sound(SECONDS, "mpegts", "aac"),
    "WAV stating ffffffff": lambda: _wav_stating(0xFFFFFFFF),
    "WAV stating 7fffffff": lambda: _wav_stating(0x7FFFFFFF),
    "WAV stating 7fffffff less its header": lambda: _wav_stating(0x7FFFFFDB),
    "WAV stating nothing": lambda: _wav_stating(0),
    "Ogg behind a tag": lambda: id3(300) + media_samples.ogg(SECONDS),
    "WAV without its last byte": lambda: media_samples.wav(SECONDS)[:-1],
    "WAV of more than 4 GB by its header": _rf64,
    "MP3 with a title in an old alphabet": lambda: _titled("mp3", media_samples.mp3(SECONDS)),
    "WAV with a title in an old alphabet": lambda: _titled("wav", media_samples.wav(SECONDS)),
    "WAV with MP3": lambda: media_samples.sound(SECONDS, "wav", "libmp3lame"),
    "WAV with ADPCM": lambda: media_samples.sound(SECONDS, "wav", "adpcm_ms"),
    "WAV with telephone samples": lambda: media_samples.sound(SECONDS, "wav", "pcm_mulaw"),
}
USUAL_SOUNDS: Mapping[str, Callable[[], bytes]] = {
    "MP3 behind a tag of 5 MB": lambda: id3(5_000_000) + mp3(),
    "MP3 with an old tag behind it": lambda: mp3() + b"TAG" + bytes(125),
    "WAV with more behind it": lambda: media_samples.wav(SECONDS) + b"LIST\x04\0\0\0INFO",
    "WAV of 24 bits": lambda: media_samples.sound(SECONDS, "wav", "pcm_s24le"),
    "WAV of floats": lambda: media_samples.sound(SECONDS, "wav", "pcm_f32le"),
}


@cache
def clip(
    container: str = "mp4",
    sound: str | None = None,
    *,
    sides: tuple[tuple[int, int], ...] = (SIDES,),
    pixel: Fraction = Fraction(1),
    transfer: int | None = None,
    seconds: float = SECONDS,
) -> bytes:
    """Return a clip with a video for each of `sides`, which are stored; `pixel` is a pixel's width over its height.

    All videos are marked as the default, and only their first picture is a key frame.
    """
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        videos: list[Any] = [_video(out, size, pixel, transfer) for size in sides]
        tone: Any = None if sound is None else out.add_stream(sound, rate=media_samples.RATE_HZ, layout="mono")
        for number in range(round(seconds * FPS)):
            for video in videos:
                frame = av.VideoFrame.from_image(_halves().resize((video.width, video.height)))
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                out.mux(video.encode(frame))
        for video in videos:
            out.mux(video.encode(None))
        if tone is not None:
            media_samples.write_tone(out, tone, seconds)
    return file.getvalue()


def _video(out: OutputContainer, size: tuple[int, int], pixel: Fraction, transfer: int | None) -> Any:
    video: Any = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
    video.width, video.height, video.pix_fmt = *size, "yuv420p"
    video.codec_context.sample_aspect_ratio = pixel
    video.disposition = Disposition.default
    if transfer is not None:
        video.codec_context.color_trc, video.codec_context.color_primaries = transfer, 9
        video.codec_context.colorspace = 9
    return video


def shade(number: int) -> int:
    """Return how bright a picture of `brightening` is."""
    return 20 + 4 * number


@cache
def brightening(
    container: str = "mp4", sound: str | None = None, *, begins_s: float = 0.0, key_every: int = 1000
) -> bytes:
    """Return a clip whose every picture is brighter; its sound begins `begins_s` before it and ends with it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        video: Any = out.add_stream("libvpx" if container == "webm" else "libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = *SIDES, "yuv420p"
        video.codec_context.gop_size = key_every
        tone: Any = None if sound is None else out.add_stream(sound, rate=media_samples.RATE_HZ, layout="mono")
        for number in range(round(SECONDS * FPS)):
            frame = av.VideoFrame.from_image(Image.new("RGB", SIDES, (shade(number),) * 3))
            frame.pts, frame.time_base = number + round(begins_s * FPS), Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if tone is not None:
            media_samples.write_tone(out, tone, begins_s + SECONDS)
    return file.getvalue()


def begun_within(key: int) -> bytes:
    """Return the end of a transport stream whose first picture that can be decoded is this one."""
    data = brightening("mpegts", "aac", key_every=key)
    return data[len(data) // 10 // _PACKET * _PACKET :]


def hdr(seconds: float = SECONDS) -> bytes:
    """Return a clip that says its brightness is HLG and its colours BT.2020, as phones do."""
    return clip("mov", transfer=_HLG, seconds=seconds)


def _mdat_stating_more() -> bytes:
    data = media_samples.mp4(SECONDS, *SIDES, index_first=True)
    at = data.index(b"mdat") - 4
    return data[:at] + struct.pack(">I", len(data) - at + 5000) + data[at + 4 :]


CLIPS: Mapping[str, Callable[[], bytes]] = {
    "a small video first": partial(clip, sides=((160, 90), SIDES)),
    "a small video second": partial(clip, sides=(SIDES, (160, 90))),
    "Matroska with AC-3": partial(clip, "matroska", "ac3"),
    "Matroska with a sound that is not read": partial(clip, "matroska", "tta"),
    "MP4 that states too much": _mdat_stating_more,
    "MP4 with a title in an old alphabet": lambda: _titled("mp4", clip()),
    "MPEG-TS": partial(clip, "mpegts", "aac"),
    "MPEG-TS that begins and ends within a packet": lambda: clip("mpegts", "aac")[100:-100],
    "AVI with MP2": partial(clip, "avi", "mp2"),
    "Flash video": partial(clip, "flv"),
}
USUAL_CLIPS: Mapping[str, Callable[[], bytes]] = {
    "text behind it": lambda: media_samples.mp4(SECONDS, *SIDES) + b"<!-- thanks for watching -->\n" * 9,
    "zeros behind it": lambda: media_samples.mp4(SECONDS, *SIDES) + bytes(500),
    "samples as in a WAV": partial(clip, "mov", "pcm_s16le"),
    "AC-3": partial(clip, "mp4", "ac3"),
    "HDR": hdr,
}
