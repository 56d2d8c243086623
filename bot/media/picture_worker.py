"""The process that makes one picture smaller: `python -I picture_worker.py <JSON>`; it prints one JSON line.

It runs once, confined by `bot.workers.launcher`, and imports nothing of the bot.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

# The bot has already checked the number of pixels.
Image.MAX_IMAGE_PIXELS = None
Image.preinit()
import_module("PIL.WebPImagePlugin")

_PNG_PIXELS_MAX = 8_000_000  # a larger one takes many seconds to compress, and rarely fits
_QUALITIES = (95, 90, 82)
_SMALLER = 0.8
_ROUNDS_MAX = 6


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

    Returns the format ("png" or "jpeg") and the pixels.

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
    with Image.open(source, formats=[parser]) as file:
        if side_max is not None:
            file.draft(None, (side_max, side_max))
        file.load()
        upright = ImageOps.exif_transpose(file)
        has_alpha = upright.has_transparency_data
        profile = upright.info.get("icc_profile") if upright.mode in {"RGB", "RGBA"} else None
        picture = upright.convert("RGBA" if has_alpha else "RGB")
    picture.info = {"icc_profile": profile} if profile else {}
    return picture, parser != "JPEG"


def _within(picture: Image.Image, side_max: int) -> Image.Image:
    """Return the picture scaled so that its longer side is `side_max`."""
    scale = side_max / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    smaller = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    smaller.info = picture.info
    return smaller


def _ways(picture: Image.Image, *, is_lossless: bool, formats: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the formats with Pillow's options to try, the best first."""
    kept = {"icc_profile": picture.info.get("icc_profile")}
    ways: list[tuple[str, dict[str, Any]]] = []
    if is_lossless and "png" in formats and picture.width * picture.height <= _PNG_PIXELS_MAX:
        ways.append(("png", kept))
    if "jpeg" in formats:
        ways += [("jpeg", {**kept, "quality": quality, "subsampling": 0}) for quality in _QUALITIES]
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
