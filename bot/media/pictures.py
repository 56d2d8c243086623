"""Reads a picture with Pillow. Runs only in a worker process."""

from importlib import import_module
from typing import IO, Any

from PIL import Image

from bot.media.rules.sniff import Sniffed, declared_pixels

# The limit comes with each request; Pillow's own would raise before the pixels are known.
Image.MAX_IMAGE_PIXELS = None
# Load the readers of our five formats, not Pillow's forty others.
Image.preinit()
import_module("PIL.WebPImagePlugin")


def read_picture(file: IO[bytes], head: bytes, named: Sniffed, *, pixels_max: int) -> dict[str, Any]:
    """Return the picture's format, width and height; it was decoded unless it has more than `pixels_max` pixels.

    Any exception means that the picture is damaged.
    """
    found: dict[str, Any] = {"kind": "image", "format": named.format, "codec": named.format}
    declared = declared_pixels(named.format, head)
    if declared is not None and declared[0] * declared[1] > pixels_max:
        # Pillow would need more of a PNG than its header, and memory for the whole of a WebP picture.
        return found | {"width": declared[0], "height": declared[1]}
    with Image.open(file, formats=[named.parser]) as picture:
        width, height = picture.size
        if width * height <= pixels_max:
            # A JPEG is decoded at a smaller scale, which finds the same damage for a fraction of the work.
            picture.draft(None, (max(1, width // 8), max(1, height // 8)))
            picture.load()
        return found | {"width": width, "height": height}
