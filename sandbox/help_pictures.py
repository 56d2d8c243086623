"""Draws the pictures of /help: what goes in, an arrow, and the film that comes out. `make pictures` runs it."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFilter, ImageOps

OUT = Path(__file__).resolve().parents[1] / "cogs" / "help" / "pictures"
SIZE, SCALE, COLOURS = (640, 220), 2, 220
GROUND, FILM, PERFORATION, FRAME, INK = "#23265a", "#0d0f2b", "#5d639f", "#f4f2ff", "#aab0ff"
STILL, SHOT = (168, 126), (116, 87)  # of a picture that goes in, of a frame of the film
Paint: TypeAlias = Callable[[float], Image.Image]  # a scene at a moment from 0 to 1


def draw_all() -> None:
    """Write every picture."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        small = picture().resize(SIZE, Image.Resampling.LANCZOS)
        small.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(OUT / f"{name}.png", optimize=True)


def lake(moment: float) -> Image.Image:
    """A boat crosses a lake while the sun sets."""
    scene, pen, width, height = _canvas("#ffb86b")
    for row in range(height // 2):
        share = row / (height / 2)
        warm = (int(84 + 171 * share), int(92 + 80 * share), int(170 - 60 * share))
        pen.line((0, row, width, row), fill=warm)
    x, y = width * (0.25 + 0.5 * moment), height * (0.18 + 0.22 * moment)
    pen.ellipse((x - 34, y - 34, x + 34, y + 34), fill="#fff1b8")
    pen.polygon([(0, height * 0.55), (width * 0.28, height * 0.25), (width * 0.55, height * 0.55)], fill="#5b4b8a")
    pen.polygon([(width * 0.35, height * 0.55), (width * 0.7, height * 0.3), (width, height * 0.55)], fill="#4a3d78")
    pen.rectangle((0, height * 0.55, width, height), fill="#2f6f9f")
    for wave in range(5):
        y = height * (0.62 + 0.08 * wave)
        points = [(x, y + 5 * math.sin(x / 26 + wave + 7 * moment)) for x in range(0, width, 6)]
        pen.line(points, fill="#6fb4d8", width=3)
    x, y = width * (0.1 + 0.65 * moment), height * 0.7
    pen.polygon([(x, y), (x + 76, y), (x + 60, y + 24), (x + 14, y + 24)], fill="#8a3f3f")
    pen.polygon([(x + 36, y - 6), (x + 36, y - 72), (x + 80, y - 6)], fill="#fff7ea")
    return scene


def cat(moment: float) -> Image.Image:
    """A cat that waves a paw."""
    scene, pen, width, height = _canvas("#7fb69a")
    _cat(pen, width / 2, height * 0.62, moment)
    return scene


def hat(moment: float) -> Image.Image:
    """A hat."""
    del moment
    scene, pen, width, height = _canvas("#e7c9a0")
    _hat(pen, width / 2, height * 0.62, 1.6)
    return scene


def cat_in_hat(moment: float) -> Image.Image:
    """The cat with the hat, at the lake."""
    scene = lake(0.5 * moment)
    pen = ImageDraw.Draw(scene)
    x, y = scene.width * (0.3 + 0.35 * moment), scene.height * 0.7
    _cat(pen, x, y, moment)
    _hat(pen, x, y - 66, 0.9)
    return scene


def kite(moment: float) -> Image.Image:
    """A kite climbs over a beach into the clouds."""
    scene, pen, width, height = _canvas("#8fc7ef")
    for x, y, size in ((0.2, 0.16, 1.0), (0.62, 0.1, 1.3), (0.85, 0.26, 0.8)):
        for puff in (-1, 0, 1):
            left, top = width * x + puff * 34 * size, height * y - (12 if puff == 0 else 0)
            pen.ellipse((left - 40 * size, top - 24 * size, left + 40 * size, top + 24 * size), fill="#eef6ff")
    pen.rectangle((0, height * 0.7, width, height * 0.82), fill="#3f86b8")
    pen.rectangle((0, height * 0.82, width, height), fill="#ecd9a4")
    x, y = width * (0.42 + 0.26 * moment), height * (0.58 - 0.34 * moment)
    pen.line((width * 0.18, height * 0.9, x, y), fill="#56606b", width=3)
    pen.polygon([(x, y - 62), (x + 42, y), (x, y + 52), (x - 42, y)], fill="#e5484d")
    pen.line([(x, y + 52), (x - 16, y + 76), (x + 8, y + 98), (x - 12, y + 122)], fill="#ffd166", width=7)
    return scene


def painted(moment: float) -> Image.Image:
    """The lake as a print in few colours."""
    grey = ImageOps.grayscale(lake(moment).filter(ImageFilter.ModeFilter(9)))
    return ImageOps.posterize(ImageOps.colorize(grey, "#3b1c32", "#ffe8c9", "#d9573f"), 3)


def night(moment: float) -> Image.Image:
    """The lake at night, under a full moon."""
    dark = ImageOps.colorize(ImageOps.grayscale(lake(moment)), "#060a24", "#7c8fd6")
    pen, width, height = ImageDraw.Draw(dark), dark.width, dark.height
    x, y = width * (0.25 + 0.5 * moment), height * (0.18 + 0.22 * moment)
    pen.ellipse((x - 34, y - 34, x + 34, y + 34), fill="#fdfbe4")
    for star in range(14):
        left, top = (star * 149) % width, (star * 61) % int(height * 0.24)
        pen.ellipse((left, top, left + 5, top + 5), fill="#fdfbe4")
    return dark


def _canvas(colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw, int, int]:
    scene = Image.new("RGB", (480, 360), colour)
    return scene, ImageDraw.Draw(scene), scene.width, scene.height


def _cat(pen: ImageDraw.ImageDraw, x: float, y: float, moment: float) -> None:
    fur, dark = "#f0a04b", "#5a3310"
    pen.ellipse((x - 50, y - 6, x + 50, y + 110), fill=fur)
    paw = y + 30 - 90 * abs(math.sin(math.pi * moment))
    pen.line((x + 38, y + 40, x + 74, paw), fill=fur, width=22)
    pen.ellipse((x - 54, y - 76, x + 54, y + 18), fill=fur)
    for side in (-1, 1):
        pen.polygon([(x + side * 50, y - 50), (x + side * 46, y - 104), (x + side * 12, y - 72)], fill=fur)
        pen.ellipse((x + side * 22 - 8, y - 42, x + side * 22 + 8, y - 24), fill=dark)
    pen.polygon([(x - 8, y - 18), (x + 8, y - 18), (x, y - 8)], fill=dark)


def _hat(pen: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    pen.ellipse((x - 70 * size, y - 14 * size, x + 70 * size, y + 14 * size), fill="#3c4a9a")
    pen.rounded_rectangle((x - 38 * size, y - 66 * size, x + 38 * size, y), radius=14, fill="#4c5ec4")
    pen.rectangle((x - 38 * size, y - 20 * size, x + 38 * size, y - 6 * size), fill="#ffd166")


class Sheet:
    """One picture of /help, drawn larger than it is kept."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (SIZE[0] * SCALE, SIZE[1] * SCALE), GROUND)
        self.pen = ImageDraw.Draw(self.image)

    def still(self, x: int, y: int, scene: Image.Image, *, size: tuple[int, int] = STILL) -> None:
        """Draw a framed picture with its left upper corner there."""
        left, top, width, height = (SCALE * number for number in (x, y, *size))
        box = (left - 8, top - 8, left + width + 8, top + height + 8)
        self.pen.rounded_rectangle(box, radius=12, fill=FRAME)
        self.image.paste(scene.resize((width, height), Image.Resampling.LANCZOS), (left, top))

    def film(self, x: int, scenes: Sequence[Image.Image], *, y: int = 50) -> None:
        """Draw a film of these scenes."""
        width, height = (SCALE * number for number in SHOT)
        left, top = SCALE * x, SCALE * y
        self.pen.rounded_rectangle(
            (left, top, left + (width + 12) * len(scenes) + 12, top + height + 64), radius=12, fill=FILM
        )
        for number, scene in enumerate(scenes):
            at = left + 12 + number * (width + 12)
            self.image.paste(scene.resize((width, height), Image.Resampling.LANCZOS), (at, top + 32))
            for hole in range(6):
                for row in (top + 8, top + height + 42):
                    across = at + 8 + hole * width // 6
                    self.pen.rounded_rectangle((across, row, across + 20, row + 14), radius=4, fill=PERFORATION)

    def words(self, x: int, y: int, lines: Sequence[float]) -> None:
        """Draw a note with lines of writing, each so wide a part of it."""
        left, top, width, height = (SCALE * number for number in (x, y, *STILL))
        self.pen.rounded_rectangle((left - 8, top - 8, left + width + 8, top + height + 8), radius=12, fill=FRAME)
        for number, share in enumerate(lines):
            at = top + 26 + number * (height - 20) // len(lines)
            self.pen.rounded_rectangle((left + 18, at, left + 18 + (width - 36) * share, at + 14), radius=7, fill=FILM)

    def arrow(self, x: int, *, y: int = 110) -> None:
        """Draw an arrow to the right."""
        left, middle = SCALE * x, SCALE * y
        self.pen.line((left, middle, left + 40, middle), fill=INK, width=12)
        self.pen.polygon([(left + 36, middle - 22), (left + 36, middle + 22), (left + 68, middle)], fill=INK)

    def sound(self, x: int, width: int, *, y: int) -> None:
        """Draw a wave of sound."""
        for step in range(0, width, 5):
            size = SCALE * (3 + 11 * abs(math.sin(step / 17) * math.cos(step / 41)))
            at = SCALE * (x + step)
            self.pen.line((at, SCALE * y - size, at, SCALE * y + size), fill=INK, width=5)


def _film_of(paint: Paint, count: int, *, begin: float = 0.0) -> list[Image.Image]:
    return [paint(begin + (1 - begin) * number / max(1, count - 1)) for number in range(count)]


def _from_still(paint: Paint, *, has_sound: bool = False) -> Image.Image:
    sheet = Sheet()
    sheet.still(24, 30 if has_sound else 47, paint(0.0))
    sheet.arrow(206)
    sheet.film(250, _film_of(paint, 3), y=34 if has_sound else 50)
    if has_sound:
        sheet.sound(24, STILL[0], y=186)
        sheet.sound(254, 366, y=186)
    return sheet.image


def _from_words(paint: Paint, *, has_sound: bool = False) -> Image.Image:
    sheet = Sheet()
    sheet.words(24, 47, (0.9, 1.0, 0.8, 0.95, 0.45))
    sheet.arrow(206)
    sheet.film(250, _film_of(paint, 3), y=34 if has_sound else 50)
    if has_sound:
        sheet.sound(254, 366, y=186)
    return sheet.image


def _from_references() -> Image.Image:
    sheet = Sheet()
    sheet.still(24, 16, cat(0.0), size=(112, 84))
    sheet.still(24, 120, hat(0.0), size=(112, 84))
    sheet.arrow(164)
    sheet.film(220, _film_of(cat_in_hat, 3))
    return sheet.image


def _continued() -> Image.Image:
    sheet = Sheet()
    sheet.film(12, [lake(0.0), lake(0.3)])
    sheet.arrow(282)
    sheet.film(330, [lake(0.65), lake(1.0)])
    return sheet.image


def _remade(paint: Paint) -> Image.Image:
    sheet = Sheet()
    sheet.film(12, [lake(0.0), lake(0.8)])
    sheet.arrow(282)
    sheet.film(330, [paint(0.0), paint(0.8)])
    return sheet.image


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "wan27-image": lambda: _from_still(lake),
    "wan27-continue": _continued,
    "wan27-text": lambda: _from_words(kite),
    "wan27-reference": _from_references,
    "wan27-edit": lambda: _remade(night),
    "wan25-image": lambda: _from_still(cat, has_sound=True),
    "wan25-text": lambda: _from_words(cat_in_hat, has_sound=True),
    "wan22-video": lambda: _remade(painted),
    "wan21-image": lambda: _from_still(cat),
}

if __name__ == "__main__":
    draw_all()
