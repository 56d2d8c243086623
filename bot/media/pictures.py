"""Read what a picture is with Pillow. Runs only in a worker process."""

import struct
from typing import IO, Any

from PIL import Image

from bot.media.sniff import Sniffed

# The limit is ours and comes with each request; Pillow's own would raise before the pixels are known.
Image.MAX_IMAGE_PIXELS = None
Image.preinit()
Image.init()

_PNG_SIZE_END = 24


def read_picture(file: IO[bytes], head: bytes, named: Sniffed, *, pixels_max: int) -> dict[str, Any]:
    """Return the picture's pixels as its header gives them, after decoding it if it has at most `pixels_max`.

    A larger picture is only measured: its numbers are enough to refuse it.
    Any exception means that the picture is damaged.
    """
    found: dict[str, Any] = {"kind": "image", "format": named.format, "codec": named.format}
    if named.format == "png" and len(head) >= _PNG_SIZE_END and head[12:16] == b"IHDR":
        # A PNG of only a header has a size to be refused for, but Pillow wants more of it first.
        width, height = struct.unpack(">II", head[16:_PNG_SIZE_END])
        if width * height > pixels_max:
            return found | {"width": width, "height": height}
    with Image.open(file, formats=[named.parser]) as picture:
        width, height = picture.size
        if width * height <= pixels_max:
            # JPEG is read whole but scaled down on the way, which finds the same damage for a fraction of the work.
            picture.draft(None, (max(1, width // 8), max(1, height // 8)))
            picture.load()
        return found | {"width": width, "height": height}
