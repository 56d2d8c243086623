"""Small parts of films whose every frame can be told from the others, with any size, rate, rotation and sound."""

# PyAV's own annotations leave a stream's packets and frames open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from array import array
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import av
from PIL import Image

from tests.support import media_samples

CORNER = (220, 40, 40)  # of the upper left quarter, as the picture is stored
_STEP = 7  # of grey between two frames
_LOUD = 2000  # of 32,768


@dataclass(frozen=True)
class PartShape:
    """What a part is: pixels as they are stored, and degrees by which players turn it."""

    seconds: float = 1.0
    width: int = 64
    height: int = 48
    fps: int = 24
    has_sound: bool = False
    turned: int = 0
    shade: int = 90

    @property
    def shown(self) -> tuple[int, int]:
        """The pixels as players show them."""
        return (self.height, self.width) if self.turned % 180 else (self.width, self.height)

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return round(self.seconds * self.fps)


def stored_frame(shape: PartShape, number: int) -> Image.Image:
    """Return one frame as it is stored: grey by its number, with one corner in another colour."""
    grey = 40 + number * _STEP % 180
    frame = Image.new("RGB", (shape.width, shape.height), (grey, grey, shape.shade))
    frame.paste(CORNER, (0, 0, shape.width // 2, shape.height // 2))
    return frame


@cache
def part(shape: PartShape) -> bytes:
    """Return the part as an MP4 with H.264, and AAC if it has sound."""
    with NamedTemporaryFile() as file:
        with av.open(file.name, "w", format="mp4") as out:
            video: Any = out.add_stream("libx264", rate=shape.fps, options={"preset": "ultrafast", "crf": "12"})
            video.width, video.height, video.pix_fmt = shape.width, shape.height, "yuv420p"
            if shape.turned:
                video.set_display_rotation(shape.turned)
            tone: Any = None
            if shape.has_sound:
                tone = out.add_stream("aac", rate=media_samples.RATE_HZ, layout="mono")
            for number in range(shape.frames):
                frame = av.VideoFrame.from_image(stored_frame(shape, number))
                frame.pts, frame.time_base = number, Fraction(1, shape.fps)
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
            if tone is not None:
                media_samples.write_tone(out, tone, shape.frames / shape.fps)
        file.seek(0)
        return file.read()


def frames_in(path: Path) -> list[Image.Image]:
    """Return all frames of a video, as they are stored."""
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def loudness(path: Path, *, window_s: float = 0.25) -> list[bool]:
    """Return for each stretch of the sound whether anything is heard; nothing if there is no sound."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        resampler = av.AudioResampler("s16", "mono", media_samples.RATE_HZ)
        samples = array("h")
        for frame in container.decode(audio=0):
            for even in resampler.resample(frame):
                samples.frombytes(bytes(even.planes[0])[: even.samples * 2])
    size = round(window_s * media_samples.RATE_HZ)
    stretches = [samples[start : start + size] for start in range(0, len(samples), size)]
    return [max(map(abs, stretch)) > _LOUD for stretch in stretches if len(stretch) == size]
