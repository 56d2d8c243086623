"""The process that draws one picture again: `python -I picture_worker.py <JSON>`; it prints one JSON line.

It runs once, confined by `bot.workers.launcher`, and imports nothing of the bot but the file beside it.
"""

import io
import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageCms, ImageFile, ImageOps, PngImagePlugin

# The bot has already checked the number of pixels.
Image.MAX_IMAGE_PIXELS = None
Image.preinit()
import_module("PIL.WebPImagePlugin")
# The probe has already found that all pixels are there, so what is broken beside them is passed over.
ImageFile.LOAD_TRUNCATED_IMAGES = True
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 1024 * 1024  # the limit also holds for colour profiles


def _beside(name: str) -> Any:
    """Import a file of this folder by its path, because a worker does not search it."""
    spec: Any = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_bare = _beside("bare_picture")
_SPARED: dict[str, tuple[Callable[[bytes], bytes], ...]] = {
    "PNG": (_bare.bare_png,),
    "WEBP": (_bare.whole_webp, _bare.bare_webp),
}
_PNG_PIXELS_MAX = 8_000_000  # a larger one takes many seconds to compress, and rarely fits
_QUALITIES = (95, 90, 82)
_SMALLER = 0.8
_ROUNDS_MAX = 6
_GREY_16_BIT = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})


def main() -> None:
    """Redraw the picture that the JSON argument describes, and print the result as JSON."""
    asked = json.loads(sys.argv[1])
    made = redraw(
        Path(asked["source"]),
        Path(asked["target"]),
        parser=asked["parser"],
        side_max=asked["side_max"],
        bytes_max=asked["bytes_max"],
        formats=asked["formats"],
    )
    print(json.dumps(made))  # noqa: T201 - the answer


def redraw(
    source: Path, target: Path, *, parser: str, side_max: int | None, bytes_max: int, formats: list[str]
) -> dict[str, Any]:
    """Write the picture's first frame to `target`, upright and in proportion, as large as both limits allow.

    It is written in 8-bit sRGB and without any metadata. Returns the format ("png" or "jpeg") and the pixels.

    Raises:
        ValueError: it does not get small enough.
    """
    picture, is_lossless = _opened(source, parser, side_max)
    if side_max is not None and max(picture.size) > side_max:
        picture = _within(picture, side_max)
    for _ in range(_ROUNDS_MAX):
        for format_, options in _ways(picture, is_lossless=is_lossless, formats=formats):
            _opaque(picture, format_).save(target, format_.upper(), **options)
            if target.stat().st_size <= bytes_max:
                return {"format": format_, "width": picture.width, "height": picture.height}
        is_lossless = False
        picture = _within(picture, int(max(picture.size) * _SMALLER))
    raise ValueError("it does not get small enough")


def _opened(source: Path, parser: str, side_max: int | None) -> tuple[Image.Image, bool]:
    """Return the picture upright, as RGB or RGBA, and whether the source was lossless."""
    first: Exception | None = None
    for readable in _readings(source, parser):
        try:
            return _drawn(readable, parser, side_max), parser != "JPEG"
        except Exception as error:  # noqa: BLE001 - parsers raise anything
            first = first or error
    raise first or ValueError("nothing to read")


def _drawn(readable: Path | io.BytesIO, parser: str, side_max: int | None) -> Image.Image:
    with Image.open(readable, formats=[parser]) as file:
        if side_max is not None:
            file.draft(None, (side_max, side_max))
        file.load()
        picture = _in_srgb(_upright(file))
    picture.info = {}
    return picture


def _readings(source: Path, parser: str) -> Iterator[Path | io.BytesIO]:
    """Yield the file, and then what is left of it without what its reader may break at."""
    yield source
    for spared in _SPARED.get(parser, ()):
        yield io.BytesIO(spared(source.read_bytes()))


def _skipped(stream: PngImagePlugin.PngStream, _: int, length: int) -> bytes:
    """Read a chunk of text without unpacking it, however large it would be."""
    return cast("Any", stream.fp).read(length)


for _name in ("tEXt", "zTXt", "iTXt"):
    setattr(PngImagePlugin.PngStream, f"chunk_{_name}", _skipped)


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001 - broken EXIF raises anything; without it nobody knows of a rotation
        return picture


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return it as RGB or RGBA with 8 bits, in the colours that its profile means."""
    profile = picture.info.get("icc_profile")
    if picture.mode in _GREY_16_BIT:
        picture = _with_8_bits(picture)
    if picture.mode == "CMYK":
        return _converted(picture, profile) or picture.convert("RGB")
    plain = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    is_grey = picture.mode in {"1", "L", "LA"}
    return plain if is_grey else _converted(plain, profile) or plain


def _with_8_bits(picture: Image.Image) -> Image.Image:
    """Return 16 bits of grey as 8; Pillow's own conversion makes all but the darkest 256 steps white."""
    return picture.convert("I").point(lambda value: value / 257).convert("L")


def _converted(picture: Image.Image, profile: bytes | None) -> Image.Image | None:
    """Return the picture in sRGB, or None when it is already, or its profile is missing or cannot be used."""
    if not profile:
        return None
    cms: Any = ImageCms  # its annotations leave the profile open
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(meant):
            return None
        mode = "RGB" if picture.mode == "CMYK" else picture.mode
        return ImageCms.profileToProfile(picture, meant, cms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _within(picture: Image.Image, side_max: int) -> Image.Image:
    """Return the picture scaled so that its longer side is `side_max`."""
    scale = side_max / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _ways(picture: Image.Image, *, is_lossless: bool, formats: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the formats with Pillow's options to try, the best first."""
    ways: list[tuple[str, dict[str, Any]]] = []
    if is_lossless and "png" in formats and picture.width * picture.height <= _PNG_PIXELS_MAX:
        ways.append(("png", {}))
    if "jpeg" in formats:
        ways += [("jpeg", {"quality": quality, "subsampling": 0}) for quality in _QUALITIES]
    return ways


def _opaque(picture: Image.Image, format_: str) -> Image.Image:
    """Return the picture on white, if the format has no transparency."""
    if format_ == "png" or picture.mode == "RGB":
        return picture
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    return ground.convert("RGB")


if __name__ == "__main__":
    main()
