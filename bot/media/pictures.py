"""Read what a picture is with Pillow. Runs only in a worker process."""

from importlib import import_module
from typing import IO, Any

from PIL import Image

from bot.media.rules.sniff import Sniffed, declared_pixels

# The limit is ours and comes with each request; Pillow's own would raise before the pixels are known.
Image.MAX_IMAGE_PIXELS = None
# The readers of our five formats, and not of the forty others that Pillow has.
Image.preinit()
import_module("PIL.WebPImagePlugin")


def read_picture(file: IO[bytes], head: bytes, named: Sniffed, *, pixels_max: int) -> dict[str, Any]:
    """Return the picture's pixels as its header gives them, after decoding it if it has at most `pixels_max`.

    A larger picture is only measured: its numbers are enough to refuse it.
    Any exception means that the picture is damaged.
    """
    found: dict[str, Any] = {"kind": "image", "format": named.format, "codec": named.format}
    declared = declared_pixels(named.format, head)
    if declared is not None and declared[0] * declared[1] > pixels_max:
        # Pillow would first want more of a PNG than its header, and room for the whole of a WebP picture.
        return found | {"width": declared[0], "height": declared[1]}
    with Image.open(file, formats=[named.parser]) as picture:
        width, height = picture.size
        if width * height <= pixels_max:
            # JPEG is read whole but scaled down on the way, which finds the same damage for a fraction of the work.
            picture.draft(None, (max(1, width // 8), max(1, height // 8)))
            picture.load()
        return found | {"width": width, "height": height}
