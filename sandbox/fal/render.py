"""Renders a slow zoom over one picture as H.264 (yuv420p, faststart), with sound if the endpoint makes it.

It is fast because the picture is split into its three planes once, and each frame is three Pillow resizes of a moving
box, without colour conversion. On one core, 5 s at 1080p take about 1.2 s. The same film and pictures give the same
bytes. Everything here blocks; `render_pool` calls it in threads.
"""

# av and Pillow leave parts of their signatures untyped.
# pyright: reportUnknownMemberType=false

import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias, cast

import av
import av.container
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw, ImageFont, ImageOps

from sandbox.fal import geometry, sound

__all__ = ["Film", "RenderStopped", "first_frame", "load_picture", "mosaic", "render_film", "title_card"]

OVERSCAN = 1.15  # the picture is kept a little larger than the frame, so that zooming in stays sharp
LUMA = [round(16 + level * 219 / 255) for level in range(256)]
CHROMA = [round(128 + (level - 128) * 224 / 255) for level in range(256)]
FADE_S = 1.0  # the end picture fades in over the last second

Planes: TypeAlias = tuple[Image.Image, ...]


class RenderStopped(Exception):  # noqa: N818 - it names what happened
    """Nobody waits for the video any more; the file is unfinished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The video to render. `hold` is the number of frames that each camera position lasts."""

    width: int
    height: int
    fps: int
    frames: int
    variant: int
    hold: int = 1
    crf: int = 28
    has_sound: bool = False

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.frames / self.fps


def load_picture(path: Path) -> Image.Image:
    """Return the picture, upright and in RGB.

    Raises:
        OSError: Pillow cannot read it (`PIL.UnidentifiedImageError` is a subclass).
    """
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def first_frame(path: Path) -> Image.Image:
    """Return the first frame of a clip.

    Raises:
        av.error.FFmpegError: it cannot be decoded.
        ValueError: it has no frame.
    """
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            return cast("Image.Image", frame.to_image())
    raise ValueError("the clip has no frame")


def title_card(prompt: str, width: int, height: int) -> Image.Image:
    """Return a picture of the prompt on a gradient, whose colours depend on the prompt."""
    hue = sha256(prompt.encode()).digest()
    dark = (hue[0] // 4, hue[1] // 4, 40 + hue[2] // 4)
    light = (90 + hue[3] // 2, 60 + hue[4] // 2, 110 + hue[5] // 2)
    ground = ImageOps.colorize(Image.linear_gradient("L").resize((width, height)), dark, light)
    size = max(12, min(width, height) // 14)
    lines = textwrap.wrap(prompt, max(8, int(width * 0.8 / (size * 0.55)))) or ["…"]
    rows = lines[: max(1, int(height * 0.7 / (size * 1.3)))]
    ImageDraw.Draw(ground).multiline_text(
        (width / 2, height / 2), "\n".join(rows), "white", ImageFont.load_default(size), anchor="mm", align="center"
    )
    return ground


def mosaic(pictures: list[Image.Image], width: int, height: int) -> Image.Image:
    """Return the pictures side by side, each cropped to its part of the frame."""
    ground = Image.new("RGB", (width, height))
    for n, picture in enumerate(pictures):
        left, right = width * n // len(pictures), width * (n + 1) // len(pictures)
        ground.paste(ImageOps.fit(picture, (right - left, height)), (left, 0))
    return ground


def render_film(
    film: Film, start: Image.Image, end: Image.Image | None, pcm: bytes | None, *, path: Path, stop: threading.Event
) -> None:
    """Write the video to `path`, with exactly `film.frames` frames.

    Raises:
        RenderStopped: `stop` was set; the file is unfinished.
    """
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as out:
        # x264 with one thread gives the same bytes every time and leaves the other cores free.
        video = out.add_stream("libx264", rate=film.fps, options={"preset": "ultrafast", "crf": str(film.crf)})
        video.width, video.height, video.pix_fmt = film.width, film.height, "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.colorspace, video.codec_context.color_range = Colorspace.SMPTE170M, ColorRange.MPEG
        track = _SoundTrack(out, pcm) if pcm is not None else None
        for n, frame in enumerate(_frames(film, start, end)):
            if stop.is_set():
                raise RenderStopped
            out.mux(video.encode(frame))
            if track is not None:
                track.write_until((n + 1) / film.fps)
        out.mux(video.encode(None))
        if track is not None:
            track.finish()


class _SoundTrack:
    """The sound, interleaved with the frames, so that a player can start at once."""

    def __init__(self, out: av.container.OutputContainer, pcm: bytes) -> None:
        self._out = out
        self._stream = out.add_stream("aac", rate=sound.RATE)
        self._stream.bit_rate = 96_000
        self._pcm = pcm
        self._at = 0

    def write_until(self, seconds: float) -> None:
        """Write the sound up to this time."""
        until = min(round(seconds * sound.RATE) * sound.FRAME_BYTES, len(self._pcm))
        samples = (until - self._at) // sound.FRAME_BYTES
        if samples <= 0:
            return
        frame = av.AudioFrame("s16", "stereo", samples)
        plane = frame.planes[0]
        plane.update(self._pcm[self._at : until].ljust(plane.buffer_size, b"\0"))
        frame.sample_rate = sound.RATE
        frame.pts = self._at // sound.FRAME_BYTES
        frame.time_base = Fraction(1, sound.RATE)
        self._at = until
        self._out.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Flush the encoder."""
        self._out.mux(self._stream.encode(None))


def _frames(film: Film, start: Image.Image, end: Image.Image | None) -> Iterator[av.VideoFrame]:
    """Yield the frames in order."""
    opening = _planes(start, film)
    closing = None if end is None else _planes(end, film)
    move = geometry.camera(film.variant)
    last = max(1, film.frames - 1)
    frame = av.VideoFrame(film.width, film.height, "yuv420p")
    for n in range(film.frames):
        if n % film.hold == 0:
            box = move.at(n / last)
            seen = _crop(opening, box, film)
            fade = 1 - (last - n) / film.fps / FADE_S
            if closing is not None and fade > 0:
                seen = tuple(Image.blend(a, b, fade) for a, b in zip(seen, _crop(closing, box, film), strict=True))
            frame = _frame(seen, film)
        frame.pts = n
        frame.time_base = Fraction(1, film.fps)
        yield frame


def _planes(picture: Image.Image, film: Film) -> Planes:
    """Return the picture, cropped to the video's aspect, as a luma and two half-size chroma planes."""
    size = (2 * round(film.width * OVERSCAN / 2), 2 * round(film.height * OVERSCAN / 2))
    luma, blue, red = ImageOps.fit(picture, size, Image.Resampling.BICUBIC).convert("YCbCr").split()
    half = (size[0] // 2, size[1] // 2)
    # Pillow's planes use 256 levels, video only 16 to 235 (luma) and 16 to 240 (chroma).
    return luma.point(LUMA), blue.resize(half).point(CHROMA), red.resize(half).point(CHROMA)


def _crop(planes: Planes, box: geometry.Box, film: Film) -> Planes:
    """Return the part in the box, scaled to the video's size."""
    seen: list[Image.Image] = []
    for plane, size in zip(planes, _plane_sizes(film), strict=True):
        w, h = plane.size
        part = (box.left * w, box.top * h, box.right * w, box.bottom * h)
        seen.append(plane.resize(size, Image.Resampling.BILINEAR, box=part))
    return tuple(seen)


def _plane_sizes(film: Film) -> tuple[tuple[int, int], ...]:
    """Return the sizes of the three planes; the chroma planes have half the width and height."""
    half = (film.width // 2, film.height // 2)
    return (film.width, film.height), half, half


def _frame(planes: Planes, film: Film) -> av.VideoFrame:
    """Return the planes as one frame."""
    frame = av.VideoFrame(film.width, film.height, "yuv420p")
    for target, plane in zip(frame.planes, planes, strict=True):
        padded = plane
        if target.line_size != plane.width:  # the codec needs aligned rows
            padded = Image.new("L", (target.line_size, plane.height))
            padded.paste(plane)
        target.update(padded.tobytes())
    return frame
