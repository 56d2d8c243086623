"""Clips and sounds that state one length and have another; equal arguments give an equal file."""

# PyAV's own annotations leave a stream's packets and frames open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

import io
import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any, cast

import av
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image

from tests.support import media_samples

SIDES = (320, 240)
FPS = 10
PLAYED_S = 2.0
LONG_S = 29.0
HOURS = 5 * 3600
SOUND_S = 20.0
_HZ = media_samples.RATE_HZ
_CHUNK = 1152  # samples of an MP3 frame; an encoder of AAC takes any number at its end only


@cache
def clip(
    picture_s: float = PLAYED_S, sound_s: float | None = LONG_S, sound_at_s: float = 0.0, second_s: float | None = None
) -> bytes:
    """Return an MP4 whose picture, sound and second picture have these lengths."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        videos = [_video(out) for seconds in (picture_s, second_s) if seconds is not None]
        tone = None if sound_s is None else out.add_stream("aac", rate=_HZ, layout="mono")
        for video, seconds in zip(videos, (picture_s, second_s), strict=False):
            _write_frames(out, video, seconds or 0.0)
        if tone is not None:
            _write_silence(out, cast("Any", tone), sound_s or 0.0, sound_at_s)
    return file.getvalue()


def _video(out: OutputContainer, codec: str = "libx264") -> VideoStream:
    video = cast("VideoStream", out.add_stream(codec, rate=FPS))
    video.width, video.height, video.pix_fmt = *SIDES, "yuv420p"
    return video


def _write_frames(out: OutputContainer, video: VideoStream, seconds: float) -> None:
    shade = Image.new("RGB", SIDES, (40, 90, 160))
    for number in range(round(seconds * FPS)):
        frame = av.VideoFrame.from_image(shade)
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        out.mux(video.encode(frame))
    out.mux(video.encode(None))


def _write_silence(out: OutputContainer, stream: Any, seconds: float, start_s: float = 0.0) -> None:
    for start in range(0, round(seconds * _HZ), _CHUNK):
        frame = av.AudioFrame("fltp", "mono", _CHUNK)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.pts, frame.sample_rate, frame.time_base = round(start_s * _HZ) + start, _HZ, Fraction(1, _HZ)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def stating(data: bytes, seconds: float, *boxes: bytes) -> bytes:
    """Return an MP4 of which these boxes (mvhd, mdhd, tkhd), in every track, state another length."""
    changed = bytearray(data)
    movie_scale = _scale(data, data.index(b"mvhd") + 4)
    for box in boxes:
        at = data.find(box)
        while at >= 0:
            start = at + 4
            scale = movie_scale if box == b"tkhd" else _scale(data, start)
            place = start + (20 if box == b"tkhd" else 16)
            changed[place : place + 4] = struct.pack(">I", round(seconds * scale))
            at = data.find(box, start)
    return bytes(changed)


def _scale(data: bytes, start: int) -> int:
    return int.from_bytes(data[start + 12 : start + 16], "big")


def edited() -> bytes:
    """Return an MP4 of 29 s of which an edit list shows 2 s."""
    data = clip(LONG_S, None)
    scale = _scale(data, data.index(b"mvhd") + 4)
    at = data.index(b"elst") + 4 + 8
    shown = data[:at] + struct.pack(">I", round(PLAYED_S * scale)) + data[at + 4 :]
    return stating(shown, PLAYED_S, b"mvhd", b"tkhd")


def squeezed_sound() -> bytes:
    """Return an MP4 with 20 s of sound whose every packet is said to last a tenth of what it decodes to."""
    data = bytearray(clip(PLAYED_S, SOUND_S))
    at = data.rindex(b"stts") + 4
    for entry in range(int.from_bytes(data[at + 4 : at + 8], "big")):
        place = at + 8 + 8 * entry + 4
        data[place : place + 4] = struct.pack(">I", int.from_bytes(data[place : place + 4], "big") // 10)
    place = data.rindex(b"elst") + 4 + 8
    data[place : place + 8] = struct.pack(">II", round(PLAYED_S * _scale(bytes(data), data.index(b"mvhd") + 4)), 0)
    return stating(bytes(data), PLAYED_S, b"mvhd", b"tkhd", b"mdhd")


def fragmented() -> bytes:
    """Return an MP4 in pieces whose header states no length."""
    return media_samples.mp4(PLAYED_S, *SIDES, movflags="+frag_keyframe+empty_moov")


def live_webm() -> bytes:
    """Return a WebM that, like a browser's recording, states no length."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm", options={"live": "1"}) as out:
        _write_frames(out, _video(out, "libvpx"), PLAYED_S)
    return file.getvalue()


def mp3_without_header() -> bytes:
    """Return an MP3 that begins at a low bit rate and states no length, so that readers guess ten times too much."""
    return _mp3(2.0, 32_000) + _mp3(SOUND_S - 2, 320_000)


def mp3_stating(seconds: float) -> bytes:
    """Return an MP3 of 20 s whose header states another number of frames."""
    data = media_samples.mp3(SOUND_S)
    at = max(data.find(b"Info", 0, 4096), data.find(b"Xing", 0, 4096)) + 8
    return data[:at] + struct.pack(">I", round(seconds * _HZ / 1152)) + data[at + 4 :]


@cache
def _mp3(seconds: float, bit_rate: int) -> bytes:
    file = io.BytesIO()
    options = {"write_xing": "0", "id3v2_version": "0"}
    with av.open(file, "w", format="mp3", options=options) as out:
        stream = cast("Any", out.add_stream("libmp3lame", rate=_HZ, layout="mono"))
        stream.bit_rate = bit_rate
        _write_silence(out, stream, seconds)
    return file.getvalue()


CLIPS: Mapping[str, Callable[[], bytes]] = {
    "sound longer than the picture": lambda: clip(PLAYED_S, LONG_S),
    "sound that starts late": lambda: clip(PLAYED_S, 3.0, sound_at_s=20.0),
    "a second picture that is longer": lambda: clip(PLAYED_S, None, second_s=LONG_S),
    "a container that states hours": lambda: stating(clip(PLAYED_S, None), HOURS, b"mvhd"),
    "a track that states hours": lambda: stating(clip(PLAYED_S, None), HOURS, b"tkhd"),
    "media that state hours": lambda: stating(clip(PLAYED_S, None), HOURS, b"mdhd"),
    "a picture longer than it states": lambda: stating(clip(LONG_S, None), PLAYED_S, b"mvhd", b"tkhd", b"mdhd"),
    "a picture that states no length": lambda: stating(clip(PLAYED_S, None), 0, b"mvhd", b"tkhd", b"mdhd"),
    "an edit list that hides the most": edited,
    "fragments without a length": fragmented,
    "a thousand frames a second": lambda: media_samples.mp4(PLAYED_S, *SIDES, 1000, preset="ultrafast"),
}
# FFmpeg writes them again with the same fault, so they are refused.
REFUSED: Mapping[str, Callable[[], bytes]] = {"sound whose packets state too little": squeezed_sound}
SOUNDS: Mapping[str, Callable[[], bytes]] = {
    "an MP3 without a header": mp3_without_header,
    "an MP3 that states 2 s": lambda: mp3_stating(2.0),
    "an MP3 that states hours": lambda: mp3_stating(HOURS),
}
