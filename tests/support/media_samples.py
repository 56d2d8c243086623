"""Small real pictures, videos and sounds; equal arguments give an equal file."""


# PyAV's own annotations leave a stream's packets and frames open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

import io
import math
import struct
import zlib
from array import array
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from tempfile import NamedTemporaryFile
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image

RATE_HZ = 48_000
CHUNK_SAMPLES = 960
PERIOD_SAMPLES = 1200  # eleven waves of 440 Hz


@cache
def picture(width: int = 64, height: int = 48, kind: str = "PNG") -> bytes:
    """Return a picture with a gradient; `kind` is Pillow's name of the format."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, kind)
    return file.getvalue()


def png(width: int = 64, height: int = 48) -> bytes:
    """Return a PNG picture."""
    return picture(width, height)


@cache
def animation(width: int = 32, height: int = 24, kind: str = "GIF") -> bytes:
    """Return a picture of three frames, as GIF or WEBP."""
    frames = [Image.new("RGB", (width, height), color) for color in ("red", "green", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return the first bytes of a PNG that declares these pixels."""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return one chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@cache
def mp4(
    seconds: float = 1.0,
    width: int = 64,
    height: int = 48,
    fps: int = 10,
    sound: bool = False,
    *,
    container: str = "mp4",
    codec: str = "libx264",
    index_first: bool = False,
    movflags: str = "",
    preset: str = "medium",
) -> bytes:
    """Return a video (H.264 in MP4 unless told otherwise), with a tone when `sound`, its index at its end or start."""
    options = {"movflags": movflags + ("+faststart" if index_first else "")} if movflags or index_first else {}
    # A file on disk, because FFmpeg opens it a second time in order to move the index to its start.
    with NamedTemporaryFile() as file, av.open(file.name, "w", format=container, options=options) as out:
        video = cast(
            "VideoStream", out.add_stream(codec, rate=fps, options={"preset": preset} if codec == "libx264" else {})
        )
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        tone = (
            out.add_stream("libopus" if container in {"webm", "ogg"} else "aac", rate=RATE_HZ, layout="mono")
            if sound
            else None
        )
        for number in range(round(seconds * fps)):
            shade = Image.new("RGB", (width, height), (number * 7 % 256, 90, 160))
            frame = av.VideoFrame.from_image(shade)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if tone is not None:
            write_tone(out, tone, seconds)
        out.close()
        return file.read()


@cache
def sound(seconds: float = 1.0, container: str = "wav", codec: str = "pcm_s16le") -> bytes:
    """Return a 440 Hz tone in FFmpeg's container and codec."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        write_tone(out, _tone_stream(out, codec), seconds)
    return file.getvalue()


def wav(seconds: float = 1.0) -> bytes:
    """Return a WAV sound."""
    return sound(seconds, "wav", "pcm_s16le")


def mp3(seconds: float = 1.0) -> bytes:
    """Return an MP3 sound."""
    return sound(seconds, "mp3", "libmp3lame")


def ogg(seconds: float = 1.0) -> bytes:
    """Return an Ogg file with Opus, as Discord's voice messages are."""
    return sound(seconds, "ogg", "libopus")


def flac(seconds: float = 1.0) -> bytes:
    """Return a FLAC sound."""
    return sound(seconds, "flac", "flac")


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each MP4 box between two offsets."""
    stop = len(data) if end is None else end
    while start + 8 <= stop:
        length = int.from_bytes(data[start : start + 4], "big")
        yield data[start + 4 : start + 8], start, start + length
        start += length


def without_samples(video: bytes) -> bytes:
    """Return the video with zeros where its pictures and sounds are."""
    ((_, start, end),) = [box for box in boxes(video) if box[0] == b"mdat"]
    return video[:start] + bytes(end - start) + video[end:]


def _tone_stream(out: OutputContainer, codec: str) -> AudioStream:
    return cast("AudioStream", out.add_stream(codec, rate=RATE_HZ, layout="mono"))


def tone_samples(start: int, count: int) -> "array[int]":
    """Return `count` samples of 16 bits of a 440 Hz tone, from sample `start` on."""
    period, begin = _period(), start % PERIOD_SAMPLES
    return (period * -(-(begin + count) // PERIOD_SAMPLES))[begin : begin + count]


@cache
def _period() -> "array[int]":
    return array("h", (round(9000 * math.sin(i * math.tau * 440 / RATE_HZ)) for i in range(PERIOD_SAMPLES)))


def write_tone(out: OutputContainer, stream: AudioStream, seconds: float) -> None:
    """Encode a tone of exactly this many samples."""
    resampler = av.AudioResampler(stream.codec_context.format.name, "mono", RATE_HZ, CHUNK_SAMPLES)
    total = round(seconds * RATE_HZ)
    for start in range(0, total, CHUNK_SAMPLES):
        count = min(CHUNK_SAMPLES, total - start)
        wave = tone_samples(start, count)
        frame = av.AudioFrame("s16", "mono", count)
        frame.planes[0].update(wave.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.pts, frame.sample_rate, frame.time_base = start, RATE_HZ, Fraction(1, RATE_HZ)
        for fitted in resampler.resample(frame):
            out.mux(stream.encode(fitted))
    for fitted in resampler.resample(None):
        out.mux(stream.encode(fitted))
    out.mux(stream.encode(None))
