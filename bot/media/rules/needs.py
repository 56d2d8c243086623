"""What must change for a file to fit a mode's limits, and whether that is possible without distorting it."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from bot.media.rules.lengths import agree
from bot.media.rules.oddity import ODDITIES, Oddity
from bot.media_spec import MediaFacts, MediaSpec
from bot.units import MB, TIMES

Keep: TypeAlias = Literal["start", "end"]
# A container rounds its length up to whole frames and pads sound, so a cut is made a little before the limit.
CUT_SHORTER_S = 0.03
_STATED_MAX_S = 86_400.0
# What a copy of the streams mends, without encoding them again.
_MENDED_BY_COPY: frozenset[Oddity] = frozenset({"metadata", "header", "streams", "sound"})
# Who reads that a sound has another format or one length need not read about its header.
_ALSO_TOLD: frozenset[Oddity] = frozenset({"header", "kind of sound"})


class ProbedFacts(MediaFacts, Protocol):
    """Facts with what other readers may find. `bot.media.probe.Facts` are such facts."""

    @property
    def shortest_s(self) -> float | None:
        """The shortest length that the file states or plays; None for a picture."""
        ...

    @property
    def longest_s(self) -> float | None:
        """The longest length that the file or a part of it states, plays or decodes to; None for a picture."""
        ...

    @property
    def odd(self) -> tuple[Oddity, ...]:
        """Why another reader may refuse it or show it wrong."""
        ...

    @property
    def is_hdr(self) -> bool:
        """Whether its brightness goes beyond what an ordinary screen shows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What must change in a file; it is false when the file fits as it is."""

    other_format: bool
    fewer_bytes: bool
    fewer_pixels: bool
    fewer_seconds: bool
    one_length: bool
    other_form: bool  # for a reader that is stricter than this one, or shows it wrong
    other_streams: bool

    def __bool__(self) -> bool:
        return self._is_encoded or self._is_copied

    @property
    def only_a_cut(self) -> bool:
        """Whether cutting it and writing its header again is enough."""
        return self._is_copied and not self._is_encoded

    @property
    def _is_encoded(self) -> bool:
        return self.other_format or self.fewer_bytes or self.fewer_pixels or self.other_form

    @property
    def _is_copied(self) -> bool:
        return self.fewer_seconds or self.one_length or self.other_streams


def needs(facts: ProbedFacts, limits: MediaSpec) -> Needs:
    """Return what the file needs."""
    long = max(facts.width or 0, facts.height or 0)
    seconds_max = None if facts.kind == "image" else limits.seconds_max
    return Needs(
        other_format=facts.format not in limits.formats,
        fewer_bytes=facts.size_bytes > limits.bytes_max,
        fewer_pixels=facts.kind != "audio" and limits.side_max is not None and long > limits.side_max,
        fewer_seconds=seconds_max is not None and (facts.seconds or 0.0) > seconds_max,
        one_length=not agree(facts.shortest_s, facts.longest_s),
        other_form=bool(set(facts.odd) - _MENDED_BY_COPY),
        other_streams=bool(set(facts.odd) & _MENDED_BY_COPY),
    )


def is_beyond_help(facts: MediaFacts, limits: MediaSpec) -> bool:
    """Whether nothing makes it fit: it is of another kind, too small, too short, or too long and narrow.

    The mode then refuses the file with the number.
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
    """Return the format to convert to, or None when the mode takes none that Wanda can write."""
    ours = {"image": ("jpeg", "png"), "video": ("mp4",), "audio": ("mp3", "wav")}[limits.kind]
    return next((name for name in ours if name in limits.formats), None)


def even_size(width: int, height: int, side_max: int | None) -> tuple[int, int]:
    """Return the size scaled down to a longer side of at most `side_max`, with both sides even; it is never enlarged.

    H.264 with 4:2:0 stores colour at half the resolution, so both sides must be even.
    """
    long = max(width, height)
    scale = min(1.0, side_max / long) if side_max is not None else 1.0
    return max(2, int(width * scale / 2) * 2), max(2, int(height * scale / 2) * 2)


def two_lengths(facts: ProbedFacts) -> str:
    """Return the sentence that refuses a file whose lengths disagree and cannot be made to agree."""
    noun = "clip" if facts.kind == "video" else "sound file"
    return (
        f"This {noun} plays for {_s(facts.seconds or 0.0)} but says {_stated(_other_length(facts))}, so its price is "
        "unclear. "
        "Save or export it again and try the new copy."
    )


def too_odd(facts: ProbedFacts) -> str:
    """Return the sentence that refuses a file that fal's reader may refuse, and that cannot be saved again here."""
    noun, formats = {
        "image": ("picture", "PNG or JPEG"),
        "video": ("clip", "MP4 with H.264 and AAC"),
    }.get(facts.kind, ("sound file", "MP3 or WAV"))
    return (
        f"This {noun} is saved in an unusual way that Wanda couldn't fix. "
        f"Save or export it as {formats} and try the new copy."
    )


def changes(before: ProbedFacts, after: ProbedFacts, *, keep: Keep) -> tuple[str, ...]:
    """Return in short phrases what was done: "trimmed from 14.2 s to 10 s", "OGG saved as MP3"."""
    done: list[str] = []
    if before.seconds and after.seconds and before.seconds - after.seconds > 2 * CUT_SHORTER_S:
        which = "" if keep == "start" else ", its end"
        done.append(f"trimmed from {_s(before.seconds)} to {_s(after.seconds)}{which}")
    if not agree(before.shortest_s, before.longest_s):
        other_s = _other_length(before)
        said = f"part of it said {_stated(other_s)}" if other_s else "it said none"
        done.append(f"saved with one length, {_s(after.seconds or 0.0)} ({said})")
    old, new = (before.width or 0, before.height or 0), (after.width, after.height)
    if before.kind != "audio" and max(old) - max(after.width or 0, after.height or 0) > 1:
        noun = "picture" if before.kind == "image" else "clip"
        done.append(f"{noun} scaled from {old[0]} {TIMES} {old[1]} to {new[0]} {TIMES} {new[1]}")
    if before.format != after.format:
        first = " (its first picture)" if before.format == "gif" else ""
        smaller = _smaller(before, after) if before.kind == "image" and not first and not done else ""
        done.append(f"{before.format.upper()} saved as {after.format.upper()}{first}{smaller}")
    if before.is_hdr and not after.is_hdr:
        done.append("HDR changed to ordinary colours")
    is_told = before.format != after.format or not agree(before.shortest_s, before.longest_s)
    done += [ODDITIES[odd] for odd in before.odd if not (is_told and odd in _ALSO_TOLD)]
    if not done:
        done.append(f"saved again{_smaller(before, after)}")
    return tuple(done)


def _other_length(facts: ProbedFacts) -> float:
    """Return the length that differs most from what is played."""
    played = facts.seconds or 0.0
    return max(facts.shortest_s or 0.0, facts.longest_s or 0.0, key=lambda seconds: abs(seconds - played))


def _stated(seconds: float) -> str:
    """Return what a file says of its length; a header may say anything."""
    return _s(seconds) if seconds <= _STATED_MAX_S else "more than a day"


def _smaller(before: MediaFacts, after: MediaFacts) -> str:
    """Return ", 12 MB to 8 MB" if the file became smaller, else nothing."""
    if after.size_bytes >= before.size_bytes:
        return ""
    return f", {_mb(before.size_bytes)} to {_mb(after.size_bytes)}"


def _s(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / MB:.1f}".removesuffix(".0") + " MB"
