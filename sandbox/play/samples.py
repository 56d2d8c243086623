"""Files to attach without owning any: pictures, clips, a sound, a broken file; each is made when it is first used."""

import asyncio
import io
import math
import struct
import tempfile
import threading
import wave
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from sandbox.demo import draw_landscape
from sandbox.fal.render import Film, render_film

MB = 1_000_000
SOUND_HZ, SOUND_SECONDS = 24_000, 5


@dataclass(frozen=True, slots=True)
class Sample:
    """A file of the gallery: its name, what it is, and how it is made."""

    name: str
    title: str
    content_type: str
    make: Callable[[], bytes]


def _portrait() -> bytes:
    """Return a JPEG of a person before a window."""
    picture = Image.linear_gradient("L").resize((768, 1024)).convert("RGB")
    tint = Image.new("RGB", picture.size, (120, 160, 190))
    picture = Image.blend(picture, tint, 0.6)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((60, 660, 708, 1400), fill=(52, 74, 110))
    draw.rectangle((318, 560, 450, 740), fill=(214, 158, 128))
    draw.ellipse((204, 170, 564, 640), fill=(58, 38, 30))
    draw.ellipse((234, 220, 534, 630), fill=(232, 178, 146))
    draw.pieslice((214, 160, 554, 520), 180, 360, fill=(58, 38, 30))
    for x in (320, 448):
        draw.ellipse((x - 22, 400, x + 22, 424), fill=(250, 250, 250))
        draw.ellipse((x - 10, 401, x + 10, 423), fill=(40, 60, 50))
    draw.arc((320, 470, 448, 560), 20, 160, fill=(150, 70, 64), width=8)
    packed = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.2)).save(packed, "JPEG", quality=90)
    return packed.getvalue()


def _clip() -> bytes:
    """Return an MP4 of a landscape that the camera nears."""
    landscape = Image.open(io.BytesIO(draw_landscape()))
    film = Film(width=960, height=540, fps=24, frames=96, variant=1)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        render_film(film, landscape, None, None, path=Path(file.name), stop=threading.Event())
        return file.read()


def _sound() -> bytes:
    """Return a WAV of a calm chord."""
    count = SOUND_HZ * SOUND_SECONDS
    values = array(
        "h",
        (
            int(6000 * sum(math.sin(math.tau * hz * n / SOUND_HZ) for hz in (220, 277.2, 329.6)) * (1 - n / count))
            for n in range(count)
        ),
    )
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_HZ)
        file.writeframes(values.tobytes())
    return packed.getvalue()


def _large_clip() -> bytes:
    """Return the clip with as many unused bytes as make it 40 MB."""
    clip = _clip()
    rest = 40 * MB - len(clip)
    return clip + struct.pack(">I4s", rest, b"free") + bytes(rest - 8)


SAMPLES = (
    Sample("lake.png", "A picture", "image/png", draw_landscape),
    Sample("portrait.jpg", "A portrait", "image/jpeg", _portrait),
    Sample("drive.mp4", "A clip of 4 s", "video/mp4", _clip),
    Sample("chord.wav", "A sound of 5 s", "audio/wav", _sound),
    Sample("large.mp4", "A clip of 40 MB", "video/mp4", _large_clip),
    Sample("broken.mp4", "A broken file", "video/mp4", lambda: b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 400),
)


class SampleFiles:
    """The samples as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = asyncio.Lock()

    async def path(self, name: str) -> Path:
        """Return the sample's file, made now if it is not there.

        Raises:
            KeyError: there is no such sample.
        """
        sample = next((one for one in SAMPLES if one.name == name), None)
        if sample is None:
            raise KeyError(name)
        path = self._folder / name
        async with self._turn:
            if not path.exists():
                content = await asyncio.to_thread(sample.make)
                await asyncio.to_thread(path.write_bytes, content)
        return path
