"""Checks a file against its option's limits; a refusal is one sentence with the number, the limit and what to do."""

from fractions import Fraction

from bot.catalogue.phrases import listed, range_text
from bot.errors import MediaRefused
from bot.media_spec import MediaFacts, MediaSpec
from bot.units import MB

NOUNS: dict[str, str] = {"image": "picture", "video": "clip", "audio": "sound file"}


def check_media(spec: MediaSpec, facts: MediaFacts, *, this: str) -> None:
    """Check that the probed file is within `spec`; `this` begins the sentence ("This clip").

    Raises:
        MediaRefused: it is not.
    """
    _check_kind(spec, facts, this)
    # Limits that Wanda cannot fix come first; otherwise a member would convert the file in vain.
    check_seconds(spec, facts, this=this)
    _check_pixels(spec, facts, this)
    too_large = size_problem(spec, facts.size_bytes, this=this)
    if too_large:
        raise MediaRefused(too_large)
    _check_format(spec, facts, this)


def size_problem(spec: MediaSpec, size_bytes: int, *, this: str) -> str | None:
    """Return the sentence for a file above the option's limit in bytes, or None."""
    if size_bytes <= spec.bytes_max:
        return None
    size = _above(size_bytes / MB, spec.bytes_max / MB)
    return f"{this} is {size} MB; {spec.subject} of up to {spec.bytes_max // MB} MB. Make it smaller and try again."


def _check_kind(spec: MediaSpec, facts: MediaFacts, this: str) -> None:
    if facts.kind != spec.kind:
        names, found = listed(name.upper() for name in spec.formats), NOUNS.get(facts.kind, facts.kind)
        raise MediaRefused(f"{this} is really a {found}. Attach a {NOUNS[spec.kind]} ({names}) there and try again.")


def _check_format(spec: MediaSpec, facts: MediaFacts, this: str) -> None:
    if facts.format not in spec.formats:
        names = listed(name.upper() for name in spec.formats)
        raise MediaRefused(
            f"{this} is in the format {facts.format.upper()}; {spec.subject} in the format {names}. "
            "Save it as one of these and try again."
        )


def check_seconds(spec: MediaSpec, facts: MediaFacts, *, this: str) -> None:
    """Check the file's length against `spec`; raises MediaRefused, also when the length is unknown."""
    if spec.seconds_min is None and spec.seconds_max is None:
        return
    if facts.seconds is None:
        raise MediaRefused(f"Wanda can't read how long {this[0].lower()}{this[1:]} is. Save it again and try again.")
    if spec.seconds_max is not None and facts.seconds > spec.seconds_max:
        shown, advice = _above(facts.seconds, spec.seconds_max), "Trim it"
    elif spec.seconds_min is not None and facts.seconds < spec.seconds_min:
        shown, advice = _below(facts.seconds, spec.seconds_min), "Attach a longer one"
    else:
        return
    limits = f"{spec.subject} of {range_text(spec.seconds_min, spec.seconds_max)} s"
    raise MediaRefused(f"{this} is {shown} s long; {limits}. {advice} and try again.")


def _check_pixels(spec: MediaSpec, facts: MediaFacts, this: str) -> None:
    if spec.kind == "audio":
        return
    if not facts.width or not facts.height:
        raise MediaRefused(f"Wanda can't read how large {this[0].lower()}{this[1:]} is. Save it again and try again.")
    short, long = sorted((facts.width, facts.height))
    shown = f"{this} is {facts.width:,} × {facts.height:,} px"
    too_small = spec.side_min is not None and short < spec.side_min
    too_large = spec.side_max is not None and long > spec.side_max
    sides = f"{range_text(spec.side_min, spec.side_max)} px per side"
    if spec.aspect_max is not None and long > short * spec.aspect_max:
        # Whoever only makes it smaller would be refused again, so the shape comes first, and both are named.
        ratio = _above(long / short, spec.aspect_max)
        also = f", with {sides}" if too_small or too_large else ""
        raise MediaRefused(
            f"{shown}, so one side is {ratio} times the other; {spec.subject} of up to {spec.aspect_max} times{also}. "
            "Crop it and try again."
        )
    if (too_small or too_large) and _fits_in_no_size(spec, short, long):
        raise MediaRefused(
            f"{shown}, so one side is {long / short:.1f} times the other; {spec.subject} of {sides}. "
            "Crop it and try again."
        )
    if too_small or too_large:
        advice = "Attach a larger one" if too_small else "Make it smaller"
        raise MediaRefused(f"{shown}; {spec.subject} of {sides}. {advice} and try again.")


def _fits_in_no_size(spec: MediaSpec, short: int, long: int) -> bool:
    """Whether one side is outside the limits as soon as the other is within them."""
    if spec.side_min is None or spec.side_max is None:
        return False
    return long * spec.side_min > short * spec.side_max


def _above(value: float, limit: float) -> str:
    """Return the value with as few decimals as keep it above the limit: 10.02 must not read as 10."""
    return next((text for text in _shown(value) if Fraction(text) > Fraction(limit)), repr(value))


def _below(value: float, limit: float) -> str:
    """Return the value with as few decimals as keep it below the limit, and above 0 if it is."""
    shown = (text for text in _shown(value) if Fraction(text) or not value)
    return next((text for text in shown if Fraction(text) < Fraction(limit)), repr(value))


def _shown(value: float) -> list[str]:
    return [f"{value:.{places}f}".rstrip("0").rstrip(".") for places in (1, 2, 3, 6)]
