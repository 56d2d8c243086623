"""PURE. How large a clip is, and where its slow camera stands at each frame.

The endpoint pages name tiers ("720p") and aspects, not pixels: the tier is taken as the short side, and nothing
gets more pixels than the tier has at 16:9, so that a very wide picture costs no more than a film.
"""

import math
import random
from dataclasses import dataclass

__all__ = ["VARIANTS", "Box", "Camera", "camera", "size_of"]

WIDEST = 16 / 9
VARIANTS = 16  # different camera moves; the seed chooses one
TRAVEL = 0.16  # how much of the picture the camera zooms over


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the picture: left, top, right, bottom in 0..1."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Camera:
    """One slow move: in or out, drifting towards a corner. `drift_x` and `drift_y` are in -1..1."""

    inward: bool
    drift_x: float
    drift_y: float

    def at(self, progress: float) -> Box:
        """Return what the camera sees at `progress` 0..1: always inside the picture, always of its aspect."""
        eased = progress * progress * (3 - 2 * progress)
        travelled = eased if self.inward else 1 - eased
        side = 1 - TRAVEL * travelled
        left = (1 - side) / 2 * (1 + self.drift_x)
        top = (1 - side) / 2 * (1 + self.drift_y)
        return Box(left, top, left + side, top + side)


def camera(variant: int) -> Camera:
    """Return the camera move of this variant (0 to VARIANTS - 1); the same number gives the same move for ever."""
    dice = random.Random(variant)
    return Camera(inward=variant % 2 == 0, drift_x=dice.uniform(-0.9, 0.9), drift_y=dice.uniform(-0.9, 0.9))


def size_of(tier: str, aspect: float) -> tuple[int, int]:
    """Return the even width and height of a tier ("720p") at an aspect (width / height)."""
    short = int(tier.removesuffix("p"))
    budget = short * short * WIDEST
    width, height = (short * aspect, float(short)) if aspect >= 1 else (float(short), short / aspect)
    if width * height > budget:
        scale = math.sqrt(budget / (width * height))
        width, height = width * scale, height * scale
    return _even(width), _even(height)


def _even(length: float) -> int:
    """Return the nearest even whole number: H.264 with yuv420p halves both sides for its colours."""
    return max(2, 2 * round(length / 2))
