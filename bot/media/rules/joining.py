"""How parts of different sizes and rates become one video: its size and rate, and each part's place in it.

A film has the size and the frame rate that most of it has. A part of another shape is shown whole, between black bars;
one that is only a little off is cropped instead, because nobody misses a few rows of pixels.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from bot.media.rules.needs import even_size
from bot.media.rules.stored_picture import StoredPicture

PARTS_MAX = 8
RATE_MIN, RATE_MAX = Fraction(1), Fraction(60)  # frames per second of a film
USUAL_RATES = tuple(Fraction(n, 1001) for n in (24000, 30000, 60000)) + tuple(map(Fraction, (15, 16, 24, 25, 30, 50)))
RATE_OFF = Fraction(1, 2000)  # files state their rates with rounded times
CROPPED_MAX = Fraction(4, 100)  # of a side
SAMPLE_RATE_HZ = 48_000
OF_A_PART = 2  # fades take at most one half of a part at each end
_ONE_PASS = 1.5  # times the parts' own bitrate: with as much room nothing has to be measured before
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One video to be joined; its pixels are as shown, and `picture` says how they are stored."""

    width: int
    height: int
    size_bytes: int
    frames: int
    picture: StoredPicture
    has_sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """What all parts are brought to."""

    width: int
    height: int
    frame_rate: Fraction


@dataclass(frozen=True, slots=True)
class Place:
    """A part's size on the canvas: what goes beyond it is cropped, what is left is black."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The film in frames: each part's length, and the fade at each seam, which two parts share."""

    parts: tuple[int, ...]
    fades: tuple[int, ...]
    frame_rate: Fraction

    @property
    def frames(self) -> int:
        """The length of the film."""
        return sum(self.parts) - sum(self.fades)

    @property
    def seconds(self) -> float:
        """The length of the film."""
        return float(self.frames / self.frame_rate)

    def samples(self, frames: int) -> int:
        """Return how many samples of sound play as long as so many frames."""
        return round(frames / self.frame_rate * SAMPLE_RATE_HZ)


def canvas_of(parts: Sequence[Part], *, side_max: int) -> Canvas:
    """Return the size and the rate that play longest, the earlier ones of two; `side_max` bounds the longer side."""
    width, height = _longest(parts, lambda part: even_size(part.width, part.height, side_max))
    rate = _longest(parts, lambda part: usual_rate(part.picture.frame_rate))
    return Canvas(width=width, height=height, frame_rate=rate)


def usual_rate(rate: Fraction) -> Fraction:
    """Return the rate within the bounds, as the usual one that it means."""
    meant = next((usual for usual in USUAL_RATES if abs(rate - usual) <= usual * RATE_OFF), rate)
    return min(RATE_MAX, max(RATE_MIN, meant)).limit_denominator(1001)


def _longest(parts: Sequence[Part], value_of: Callable[[Part], Value]) -> Value:
    seconds: defaultdict[Value, float] = defaultdict(float)
    for part in parts:
        seconds[value_of(part)] += part.picture.played_s
    return max(seconds, key=lambda value: seconds[value])


def place_of(part: Part, canvas: Canvas) -> Place:
    """Return how large the part is drawn, undistorted: it covers the canvas if that crops little, else fits into it."""
    across, down = Fraction(canvas.width, part.width), Fraction(canvas.height, part.height)
    cover, inside = max(across, down), min(across, down)
    chosen = cover if 1 - inside / cover <= CROPPED_MAX else inside
    width, height = _even(part.width * chosen), _even(part.height * chosen)
    if chosen == cover:
        return Place(max(width, canvas.width), max(height, canvas.height))
    return Place(min(width, canvas.width), min(height, canvas.height))


def _even(pixels: Fraction) -> int:
    return max(2, 2 * round(pixels / 2))


def timeline_of(parts: Sequence[Part], fades_s: Sequence[float], rate: Fraction) -> Timeline:
    """Return the lengths in frames at this rate; a fade is shorter where a part is too short for it."""
    lengths = tuple(max(1, round(Fraction(part.picture.played_s) * rate)) for part in parts)
    asked = [round(Fraction(fade_s) * rate) for fade_s in fades_s]
    fades = tuple(
        max(0, min(fade, lengths[at] // OF_A_PART, lengths[at + 1] // OF_A_PART)) for at, fade in enumerate(asked)
    )
    return Timeline(lengths, fades, rate)


def can_be_copied(parts: Sequence[Part], canvas: Canvas, timeline: Timeline) -> bool:
    """Return whether the pictures can be put one behind the other as they are, and play everywhere then."""
    first = parts[0].picture
    upright = f"h264 yuv420p {canvas.width}x{canvas.height} 1 0 "  # what every player and browser takes
    return (
        not any(timeline.fades)
        and first.coding.startswith(upright)
        and all(part.picture.coding == first.coding and part.picture.matrix == first.matrix for part in parts)
        and all(usual_rate(part.picture.frame_rate) == timeline.frame_rate for part in parts)
        # Otherwise frames are hidden, or not evenly spaced.
        and all(part.frames == frames for part, frames in zip(parts, timeline.parts, strict=True))
    )


def fits_in_one_pass(parts: Sequence[Part], *, seconds: float, bytes_max: int) -> bool:
    """Return whether there is so much room that the encoder need not measure the film before."""
    own = sum(part.size_bytes for part in parts) / max(0.1, sum(part.picture.played_s for part in parts))
    return bytes_max / seconds >= _ONE_PASS * own
