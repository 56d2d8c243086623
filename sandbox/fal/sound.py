"""A video's sound: the given audio, cut or followed by silence, or else a soft chord."""

import math
from array import array
from functools import cache
from pathlib import Path

import av

__all__ = ["FRAME_BYTES", "RATE", "chord", "read_sound"]

RATE = 44_100  # samples per second
FRAME_BYTES = 4  # two channels of 16 bits
CHORD_HZ = (220, 277, 330)  # whole numbers, so that seconds join without a click
LOUDNESS = 1200  # out of 32,767


def chord(seconds: float) -> bytes:
    """Return a quiet chord as interleaved 16-bit stereo at `RATE`, exactly `seconds` long."""
    wanted = _bytes_of(seconds)
    tile = _second()
    return (tile * (wanted // len(tile) + 1))[:wanted]


@cache
def _second() -> bytes:
    second = array("h")
    for n in range(RATE):
        level = int(sum(math.sin(2 * math.pi * hz * n / RATE) for hz in CHORD_HZ) * LOUDNESS)
        second.extend((level, level))
    return second.tobytes()


def read_sound(path: Path, seconds: float) -> bytes:
    """Return the file's sound, cut to `seconds` or followed by silence, as the page of Wan 2.5 documents.

    Raises:
        av.error.FFmpegError: the sound cannot be decoded.
    """
    wanted = _bytes_of(seconds)
    pcm = bytearray()
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                pcm += bytes(part.planes[0])[: part.samples * FRAME_BYTES]
            if len(pcm) >= wanted:
                break
    return bytes(pcm[:wanted]).ljust(wanted, b"\0")


def _bytes_of(seconds: float) -> int:
    """Return the number of bytes of this many seconds."""
    return round(seconds * RATE) * FRAME_BYTES
