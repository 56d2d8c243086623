"""The size of a video, and the position of its slow camera at each frame.

The endpoint pages name resolutions ("720p") and aspects, not pixels. The resolution is taken as the short side, and no
video gets more pixels than at 16:9, so that very wide pictures are not more expensive to render.
"""

import math
import random
from dataclasses import dataclass

__all__ = ["VARIANTS", "Box", "Camera", "camera", "size_of"]

WIDEST = 16 / 9
VARIANTS = 16  # camera moves; the seed chooses one
TRAVEL = 0.16  # the part of the picture that the zoom covers


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions (0 to 1) of the picture."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Camera:
    """One slow zoom, in or out, towards a corner. `drift_x` and `drift_y` are from -1 to 1."""

    inward: bool
    drift_x: float
    drift_y: float

    def at(self, progress: float) -> Box:
        """Return the visible part at `progress` (0 to 1), which is always inside the picture and has its aspect."""
        eased = progress * progress * (3 - 2 * progress)
        travelled = eased if self.inward else 1 - eased
        side = 1 - TRAVEL * travelled
        left = (1 - side) / 2 * (1 + self.drift_x)
        top = (1 - side) / 2 * (1 + self.drift_y)
        return Box(left, top, left + side, top + side)


def camera(variant: int) -> Camera:
    """Return the camera move of this variant (0 to VARIANTS - 1), always the same."""
    dice = random.Random(variant)
    return Camera(inward=variant % 2 == 0, drift_x=dice.uniform(-0.9, 0.9), drift_y=dice.uniform(-0.9, 0.9))


def size_of(tier: str, aspect: float) -> tuple[int, int]:
    """Return the width and height, both even, of a resolution ("720p") at an aspect (width / height)."""
    short = int(tier.removesuffix("p"))
    budget = short * short * WIDEST
    width, height = (short * aspect, float(short)) if aspect >= 1 else (float(short), short / aspect)
    if width * height > budget:
        scale = math.sqrt(budget / (width * height))
        width, height = width * scale, height * scale
    return _even(width), _even(height)


def _even(length: float) -> int:
    """Return the nearest even number: yuv420p halves both sides for its colours."""
    return max(2, 2 * round(length / 2))
