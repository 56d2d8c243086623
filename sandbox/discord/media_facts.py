"""What Discord says of an attached picture, clip or sound: its sides and length, read from the file's head.

https://discord.com/developers/docs/resources/message#attachment-object
"""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

import av
import av.error
from PIL import Image

from sandbox.discord.model import Blob


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """Sides in pixels and length in seconds, as far as the file has them."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None


def read_facts(blob: Blob, content_type: str | None) -> MediaFacts:
    """Return the facts of a file; none when it cannot be read."""
    kind = (content_type or "").partition("/")[0]
    if kind not in {"image", "video", "audio"} or (blob.path is None and not blob.data):
        return MediaFacts()
    with suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError, av.error.FFmpegError):
        return _picture(blob) if kind == "image" else _clip_or_sound(blob)
    return MediaFacts()


def _source(blob: Blob) -> str | BytesIO:
    return BytesIO(blob.data or b"") if blob.path is None else str(blob.path)


def _picture(blob: Blob) -> MediaFacts:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(_source(blob)) as picture:
            return MediaFacts(*picture.size)


def _clip_or_sound(blob: Blob) -> MediaFacts:
    with av.open(_source(blob), "r") as container:
        seconds = None if container.duration is None else container.duration / av.time_base
        for stream in container.streams.video:
            return MediaFacts(stream.width or None, stream.height or None, seconds)
        return MediaFacts(seconds=seconds)
