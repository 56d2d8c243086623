"""Reads what an input file is by its bytes, and checks it against the limits of its field.

Everything here blocks and runs in a thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import av
import av.error
from av.container import InputContainer
from PIL import Image

from sandbox.fal.clip_length import longest_s
from sandbox.fal.errors import Failed, FalReply, model_error

__all__ = ["FileField", "FileRule", "InputFile", "Kind", "read_input_file"]

Kind: TypeAlias = Literal["image", "video", "audio"]
Location: TypeAlias = tuple[str | int, ...]

PICTURES = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "WEBP": "webp", "GIF": "gif"}
SLACK_S = 0.05  # containers round their length: a clip of 10 s may say 10.02


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """What a field accepts: sides in pixels, lengths in seconds; `aspect_max` is long side / short side."""

    kind: Kind
    formats: tuple[str, ...]
    min_side: int = 1
    max_side: int = 16_000
    aspect_max: float = 100.0
    max_bytes: int = 100_000_000
    min_s: float = 0.0
    max_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class FileField:
    """One input file: where its URL is in the body, the URL, and the field's rule."""

    location: Location
    url: str
    rule: FileRule


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One accepted input file; width and height are None for sound.

    `seconds` is the longest length that the file states or has, which is what is billed, or None for pictures.
    """

    field: FileField
    path: Path
    sha256: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None

    @property
    def kind(self) -> Kind:
        """The kind of file."""
        return self.field.rule.kind

    @property
    def aspect(self) -> float:
        """Width / height."""
        if self.width is None or self.height is None:
            raise ValueError("sound has no aspect")
        return self.width / self.height


def read_input_file(field: FileField, path: Path, sha256: str) -> InputFile:
    """Read and check the file.

    Raises:
        Failed: the file cannot be read or breaks a limit of its field; with fal's documented error.
    """
    size = path.stat().st_size
    if size > field.rule.max_bytes:
        raise Failed(_error(field, "file_too_large", {"max_size": field.rule.max_bytes}))
    if field.rule.kind == "image":
        return _picture(field, path, sha256)
    return _clip_or_sound(field, path, sha256)


def _picture(field: FileField, path: Path, sha256: str) -> InputFile:
    """Read and check a picture's header, then decode it to be sure that it is whole."""
    try:
        with Image.open(path) as picture:
            if PICTURES.get(picture.format or "") not in field.rule.formats:
                raise Failed(_unsupported(field))
            width, height = picture.size
            _check_sides(field, width, height)
            picture.load()
            if picture.getexif().get(0x0112, 1) >= 5:  # noqa: PLR2004 - EXIF: 5 to 8 lie on their side
                width, height = height, width
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow raises SyntaxError for broken PNG chunks.
        raise Failed(_error(field, "image_load_error")) from error
    return InputFile(field=field, path=path, sha256=sha256, width=width, height=height)


def _clip_or_sound(field: FileField, path: Path, sha256: str) -> InputFile:
    """Read and check the container of a clip or a sound."""
    try:
        with av.open(str(path)) as container:
            if not _format_allowed(field, container):
                raise Failed(_unsupported(field))
            seconds = _seconds(container)
            width, height = None, None
            if field.rule.kind == "video":
                width, height = container.streams.video[0].width, container.streams.video[0].height
                next(container.decode(video=0))
            else:
                next(container.decode(audio=0))
        longest = longest_s(path)
    except (av.error.FFmpegError, IndexError, StopIteration) as error:
        raise Failed(_unsupported(field)) from error
    if width is not None and height is not None:
        _check_sides(field, width, height)
    _check_seconds(field, seconds)
    _check_seconds(field, longest)
    return InputFile(field=field, path=path, sha256=sha256, width=width, height=height, seconds=longest)


def _format_allowed(field: FileField, container: InputContainer) -> bool:
    """Return whether the field accepts the container (FFmpeg calls both MP4 and MOV "mov,mp4,m4a,…")."""
    return bool(set(container.format.name.split(",")) & set(field.rule.formats))


def _seconds(container: InputContainer) -> float:
    """Return the length that the container states, in seconds."""
    if container.duration is None:
        raise IndexError("no length")
    return container.duration / 1_000_000


def _check_sides(field: FileField, width: int, height: int) -> None:
    """Check the sides against the field's limits."""
    low, high = field.rule.min_side, field.rule.max_side
    if min(width, height) < low:
        raise Failed(_error(field, "image_too_small", {"min_width": low, "min_height": low}))
    if max(width, height) > high:
        raise Failed(_error(field, "image_too_large", {"max_width": high, "max_height": high}))
    if max(width, height) > field.rule.aspect_max * min(width, height):
        message = f"The aspect ratio must be between 1:{field.rule.aspect_max:g} and {field.rule.aspect_max:g}:1"
        raise Failed(model_error("value_error", location=field.location, message=message, value=shorten(field.url)))


def _check_seconds(field: FileField, seconds: float) -> None:
    """Check the length against the field's limits."""
    if seconds > field.rule.max_s + SLACK_S:
        context = {"max_duration": field.rule.max_s, "provided_duration": round(seconds, 3)}
        raise Failed(_error(field, f"{field.rule.kind}_duration_too_long", context))
    if seconds < field.rule.min_s - SLACK_S:
        context = {"min_duration": field.rule.min_s, "provided_duration": round(seconds, 3)}
        raise Failed(_error(field, f"{field.rule.kind}_duration_too_short", context))


def shorten(url: str) -> str:
    """Return a URL as errors repeat it: only the beginning of a long one."""
    return url if len(url) <= 300 else url[:300] + "…"  # noqa: PLR2004 - any length that reads well


def _unsupported(field: FileField) -> FalReply:
    """Return the error for a file of the wrong format."""
    kinds = [f".{name}" for name in field.rule.formats]
    return _error(field, f"unsupported_{field.rule.kind}_format", {"supported_formats": kinds})


def _error(field: FileField, error_type: str, context: dict[str, Any] | None = None) -> FalReply:
    """Return a documented error at this field."""
    return model_error(error_type, location=field.location, context=context, value=shorten(field.url))
