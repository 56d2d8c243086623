"""What a file needs in order to fit a limit, and whether it can be had without enlarging or distorting it. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.media_spec import MB, MediaFacts, MediaSpec

Keep: TypeAlias = Literal["start", "end"]
TIMES = "\u00d7"  # the multiplication sign
# A container rounds its length up to whole frames, and sound is padded; so a cut is made a little before the limit.
CUT_SHORTER_S = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What must be done to a file. All false means that it fits as it is."""

    other_format: bool
    fewer_bytes: bool
    fewer_pixels: bool
    fewer_seconds: bool

    def __bool__(self) -> bool:
        return self.other_format or self.fewer_bytes or self.fewer_pixels or self.fewer_seconds

    @property
    def only_fewer_seconds(self) -> bool:
        """Whether a cut alone will do."""
        return self.fewer_seconds and not (self.other_format or self.fewer_bytes or self.fewer_pixels)


def needs(facts: MediaFacts, limits: MediaSpec) -> Needs:
    """Return what the file needs."""
    long = max(facts.width or 0, facts.height or 0)
    seconds_max = None if facts.kind == "image" else limits.seconds_max
    return Needs(
        other_format=facts.format not in limits.formats,
        fewer_bytes=facts.size_bytes > limits.bytes_max,
        fewer_pixels=facts.kind != "audio" and limits.side_max is not None and long > limits.side_max,
        fewer_seconds=seconds_max is not None and (facts.seconds or 0.0) > seconds_max,
    )


def is_beyond_help(facts: MediaFacts, limits: MediaSpec) -> bool:
    """Return whether no scaling, cutting and converting makes it fit: of another kind, too small, too short, too flat.

    The mode then refuses it with the number.
    """
    if facts.kind != limits.kind or target_format(limits) is None:
        return True
    if limits.seconds_min is not None and (facts.seconds or 0.0) < limits.seconds_min:
        return True
    return facts.kind != "audio" and _is_misshapen(facts, limits)


def _is_misshapen(facts: MediaFacts, limits: MediaSpec) -> bool:
    short, long = sorted((facts.width or 0, facts.height or 0))
    if not short or (limits.aspect_max is not None and long > short * limits.aspect_max):
        return True
    scale = min(1.0, limits.side_max / long) if limits.side_max is not None else 1.0
    return limits.side_min is not None and int(short * scale) < limits.side_min


def target_format(limits: MediaSpec) -> str | None:
    """Return what a file is turned into where its own format is not taken, or None when none of ours is."""
    ours = {"image": ("jpeg", "png"), "video": ("mp4",), "audio": ("mp3", "wav")}[limits.kind]
    return next((name for name in ours if name in limits.formats), None)


def even_size(width: int, height: int, side_max: int | None) -> tuple[int, int]:
    """Return the largest even pixels of these proportions whose longer side is at most `side_max`; never larger.

    H.264 stores colour at half the size, so both sides are even.
    """
    long = max(width, height)
    scale = min(1.0, side_max / long) if side_max is not None else 1.0
    return max(2, int(width * scale / 2) * 2), max(2, int(height * scale / 2) * 2)


def changes(before: MediaFacts, after: MediaFacts, *, keep: Keep) -> tuple[str, ...]:
    """Return in short phrases what was done: "trimmed from 14.2 s to 10 s", "OGG turned into MP3"."""
    done: list[str] = []
    if before.seconds and after.seconds and before.seconds - after.seconds > 2 * CUT_SHORTER_S:
        which = "" if keep == "start" else ", its end"
        done.append(f"trimmed from {_s(before.seconds)} to {_s(after.seconds)}{which}")
    old, new = _pixels(before, after), (after.width, after.height)
    if before.kind != "audio" and max(old) - max(after.width or 0, after.height or 0) > 1:
        noun = "picture" if before.kind == "image" else "clip"
        done.append(f"{noun} scaled from {old[0]} {TIMES} {old[1]} to {new[0]} {TIMES} {new[1]}")
    if before.format != after.format:
        first = " (its first picture)" if before.format == "gif" else ""
        smaller = _smaller(before, after) if before.kind == "image" and not first and not done else ""
        done.append(f"{before.format.upper()} turned into {after.format.upper()}{first}{smaller}")
    if not done:
        done.append(f"saved again{_smaller(before, after)}")
    return tuple(done)


def _smaller(before: MediaFacts, after: MediaFacts) -> str:
    """Return how much smaller it became, for a change that was made for that."""
    if after.size_bytes >= before.size_bytes:
        return ""
    return f", {_mb(before.size_bytes)} to {_mb(after.size_bytes)}"


def _pixels(before: MediaFacts, after: MediaFacts) -> tuple[int, int]:
    """Return the old pixels; a photograph that lay on its side in its file is told upright, as it came out."""
    width, height = before.width or 0, before.height or 0
    turned = (width > height) != ((after.width or 0) > (after.height or 0)) and width != height
    return (height, width) if turned else (width, height)


def _s(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / MB:.1f}".removesuffix(".0") + " MB"
