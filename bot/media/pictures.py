"""Reads a picture with Pillow. Runs only in a worker process."""

import base64
import io
from importlib import import_module
from typing import IO, Any

import av
from PIL import Image, ImageOps

from bot.media.bare_picture import bare_png, bare_webp, has_cut_frame
from bot.media.rules.oddity import Oddity
from bot.media.rules.preview import PREVIEW_BYTES_MAX, PREVIEW_SIDE
from bot.media.rules.sniff import Sniffed, declared_pixels
from bot.media.rules.verdict import Unreadable

# The limit comes with each request; Pillow's own would raise before the pixels are known.
Image.MAX_IMAGE_PIXELS = None
# Load the readers of our five formats, not Pillow's forty others.
Image.preinit()
import_module("PIL.WebPImagePlugin")

_PREVIEW_QUALITIES = (80, 60, 40)
_PREVIEW_GROUND = (128, 132, 142, 255)
_ORIENTATION = 0x0112
_LYING = range(5, 9)  # values of EXIF's orientation for a picture that is stored on its side
_USUAL_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"})
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
# The "frame header" says how a JPEG is coded (ITU-T T.81, table B.1; T.87 for JPEG-LS); browsers show the usual ones.
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_USUAL_FRAMES, _USUAL_BITS = frozenset({0xC0, 0xC1, 0xC2}), 8
_RARE_JPEG = "a JPEG of a rare kind, which Wanda can't use; save it as an ordinary JPEG"


def read_picture(file: IO[bytes], head: bytes, named: Sniffed, *, pixels_max: int) -> dict[str, Any]:
    """Return the picture's format, and its width and height as shown.

    It was decoded unless it has more than `pixels_max` pixels. `odd` says why an ordinary reader may refuse it or show
    it wrong, although all of it is there.

    Raises:
        Unreadable: it is whole, but of a kind that cannot be used.
        Exception: any other error means that the picture is damaged.
    """
    found: dict[str, Any] = {"kind": "image", "format": named.format, "codec": named.format}
    declared = declared_pixels(named.format, head)
    if declared is not None and declared[0] * declared[1] > pixels_max:
        # Pillow would need more of a PNG than its header, and memory for the whole of a WebP picture.
        return found | {"width": declared[0], "height": declared[1]}
    try:
        return found | _read(file, named, pixels_max)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - parsers raise anything; whether the pixels are whole is looked at next
        bare = _bare(file, named)
        read = _read(bare, named, pixels_max, is_bare=True)
        return found | read | {"odd": list(dict.fromkeys([_flaw(file, named), *read["odd"]]))}


def _read(file: IO[bytes], named: Sniffed, pixels_max: int, *, is_bare: bool = False) -> dict[str, Any]:
    """Read it as other programs do, who refuse it for broken metadata too."""
    file.seek(0)
    with Image.open(file, formats=[named.parser]) as picture:
        width, height = picture.size
        mode = picture.mode
        if width * height <= pixels_max:
            # A JPEG is decoded at a smaller scale, which finds the same damage for a fraction of the work.
            scale = max(1 / 8, min(1.0, PREVIEW_SIDE / max(width, height)))
            picture.draft(None, (max(1, int(width * scale)), max(1, int(height * scale))))
            picture.load()
        orientation = _orientation(picture, is_bare=is_bare)
        odd = _oddities(picture.format, mode, orientation, named)
        preview = _preview(picture) if width * height <= pixels_max else ""
    if orientation in _LYING:
        width, height = height, width
    return {"width": width, "height": height, "odd": odd, "preview": preview}


def _preview(picture: Image.Image) -> str:
    """Return the picture small, upright and without metadata, as a JPEG in base 64; "" if that cannot be made."""
    try:
        # Hamming takes two thirds of the time of Pillow's default, for nearly the same look
        # (https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters).
        picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.HAMMING, reducing_gap=2.0)
        ImageOps.exif_transpose(picture, in_place=True)
        flat = _flat(picture)
        for quality in _PREVIEW_QUALITIES:
            packed = io.BytesIO()
            flat.save(packed, "JPEG", quality=quality)
            if packed.tell() <= PREVIEW_BYTES_MAX:
                return base64.b64encode(packed.getvalue()).decode()
    except Exception:  # noqa: BLE001 - the preview is optional, and whether the picture can be used is known by now
        return ""
    return ""


def _flat(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB without metadata, on grey where it is transparent."""
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", shown.size, _PREVIEW_GROUND), shown).convert("RGB")
    plain = picture if picture.mode == "RGB" else picture.convert("RGB")
    plain.info = {}  # Pillow would write a comment again
    return plain


def _orientation(picture: Image.Image, *, is_bare: bool) -> Any:
    """Return EXIF's orientation; broken EXIF raises, unless it is known that something is broken."""
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except Exception:
        if not is_bare:
            raise
        return 1


def _oddities(format_: str | None, mode: str, orientation: Any, named: Sniffed) -> list[Oddity]:
    odd: list[Oddity] = []
    if format_ != named.parser:  # Pillow calls a JPEG with several pictures "MPO"
        odd.append("pictures")
    if mode not in _USUAL_MODES:
        odd.append("colours")
    if orientation not in range(1, 9):
        odd.append("metadata")
    return odd


def _flaw(file: IO[bytes], named: Sniffed) -> Oddity:
    """Return what an ordinary reader breaks at; it passes over the end of all but JPEG."""
    file.seek(0)
    data = file.read()
    if named.format == "jpeg" and not data.endswith(_JPEG_END):
        return "end"
    return "pictures" if named.format == "webp" and has_cut_frame(data) else "metadata"


def _bare(file: IO[bytes], named: Sniffed) -> IO[bytes]:
    """Return the picture without what does not change how it looks.

    Raises:
        ValueError: its pixels are not all there.
        Unreadable: it is coded in a way that browsers do not show either.
    """
    file.seek(0)
    data = file.read()
    match named.format:
        case "png":
            return io.BytesIO(bare_png(data))
        case "jpeg":
            if _is_rare_jpeg(data):
                raise Unreadable("foreign", _RARE_JPEG)
            _check_jpeg(data)
            return io.BytesIO(data + _JPEG_END)
        case "webp":
            return io.BytesIO(bare_webp(data))
        case _:
            raise ValueError(f"a damaged {named.format}")


def _is_rare_jpeg(data: bytes) -> bool:
    """Whether a JPEG is lossless, of 12 bits, arithmetic or hierarchical."""
    at = len(_JPEG_START)
    while data[at : at + 1] == b"\xff" and at + 4 < len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            return marker not in _USUAL_FRAMES or data[at + 4] != _USUAL_BITS
        at += 2 + length
    return False


def _check_jpeg(data: bytes) -> None:
    """Raise FFmpegError for a JPEG whose last pixels are missing; libjpeg would paint them grey without an error."""
    decoder: Any = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"err_detect": "explode"}
    decoder.thread_count = 1
    if not (decoder.decode(av.Packet(data)) or decoder.decode(None)):
        raise ValueError("no picture")
