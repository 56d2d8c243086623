from itertools import combinations

import pytest

from bot.catalogue.registry import MODES
from bot.charts import palette

# How colours are seen with each kind of vision, in linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.
VISIONS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
# Björn Ottosson's Oklab, in which equal distances look equally far apart.
CONES = ((0.41222, 0.53633, 0.05145), (0.21190, 0.68070, 0.10740), (0.08830, 0.28172, 0.62998))
LAB = ((0.21045, 0.79362, -0.00407), (1.97800, -2.42859, 0.45059), (0.02590, 0.78277, -0.80868))
APART = 0.1
COLOURS = (*palette.MODE_COLOURS.values(), *palette.SPARE_COLOURS, palette.OTHERS)


def times(matrix: tuple[tuple[float, ...], ...], vector: list[float]) -> list[float]:
    """Return the product."""
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def linear(colour: str) -> list[float]:
    """Return the linear RGB of "#rrggbb"."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def seen(colour: str, vision: str) -> list[float]:
    """Return a colour's Oklab coordinates for this kind of vision."""
    light = [min(1.0, max(0.0, part)) for part in times(VISIONS[vision], linear(colour))]
    return times(LAB, [part ** (1 / 3) for part in times(CONES, light)])


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio."""
    first, second = (0.05 + sum(times(((0.2126, 0.7152, 0.0722),), linear(colour))) for colour in (one, other))
    return max(first, second) / min(first, second)


@pytest.mark.parametrize("vision", VISIONS)
def test_modes_apart(vision: str) -> None:
    """Any two modes can be told apart by their colours, also by the colour-blind."""
    for one, other in combinations(COLOURS, 2):
        distance = sum((a - b) ** 2 for a, b in zip(seen(one, vision), seen(other, vision), strict=True)) ** 0.5
        assert distance > APART, (one, other)


def test_contrast() -> None:
    """Texts and marks have enough contrast with the background."""
    assert contrast(palette.INK, palette.GROUND) > 10
    assert contrast(palette.QUIET, palette.GROUND) > 4.5
    assert contrast(palette.WARNING, palette.GROUND) > 4.5
    assert all(contrast(colour, palette.GROUND) > 2.5 for colour in (*COLOURS, palette.ACCENT_DIM))
    assert contrast(palette.ACCENT, palette.ACCENT_DIM) > 1.5


def test_one_colour_for_ever() -> None:
    """Each mode has a colour of its own, by its id; these never change, because people know them by then."""
    assert {mode.id for mode in MODES} <= set(palette.MODE_COLOURS)
    assert palette.mode_colour("wan27-image") == "#56b4e9"
    assert palette.mode_colour("wan27-reference") == "#d78a1b"
    assert palette.mode_colour("wan25-image") == "#2d8678"
    assert palette.mode_colour("wan22-video") == "#facb29"
    assert palette.mode_colour("wan21-image") == "#9f4fd7"
    assert palette.mode_colour("wan27-text") == "#f830a0"
    assert palette.mode_colour("wan25-text") == "#50f8a0"
    assert palette.mode_colour("wan27-edit") == "#b85020"


def test_later_modes() -> None:
    """A mode without a colour of its own has one of the spare ones, always the same; an unknown mode is grey."""
    assert palette.mode_colour("wan30-image") == palette.mode_colour("wan30-image")
    assert palette.mode_colour("wan30-image") in palette.SPARE_COLOURS
    assert palette.mode_colour("") == palette.OTHERS
