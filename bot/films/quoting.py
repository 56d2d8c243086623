"""What a film's shots ask of fal, and what they cost: the sum of their modes' own prices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.price import PriceTable, Quote
from bot.catalogue.registry import MODES, build
from bot.errors import ModeOff, OptionRefused
from bot.films.model import Plan, Shot
from bot.jobs.model import Input, Request, attached_of
from bot.media_spec import MediaFacts

TITLES = {"wan27": "Wan 2.7", "wan25": "Wan 2.5"}
_FRAME = Attached("frame.png", 1)  # stands for a frame that is not there yet; the price does not depend on it


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmQuote:
    """What a film costs and how long it plays; `shots` are the quotes of its shots, None for one that is made."""

    microusd: int
    seconds: float
    shots: tuple[Quote | None, ...]
    prices_version: str


def image_mode(plan: Plan) -> str:
    """Return the id of the mode that makes shots which begin with a picture."""
    return f"{plan.family}-image"


def text_mode(plan: Plan) -> str:
    """Return the id of the mode that makes shots which begin with nothing."""
    return f"{plan.family}-text"


def takes_end_picture(plan: Plan) -> bool:
    """Whether the family makes shots that end with a given picture."""
    return any(mode.id == image_mode(plan) and "end_image" in mode.media() for mode in MODES)


def lengths(plan: Plan) -> tuple[int, ...]:
    """Return the seconds that a shot can last."""
    spec = _mode_type(plan, image_mode(plan)).specs()["duration"]
    if spec.choices:
        return tuple(int(choice) for choice in spec.choices)
    return tuple(range(int(spec.minimum or 1), int(spec.maximum or 1) + 1))


def aspect_ratios(plan: Plan) -> tuple[str, ...]:
    """Return the shapes that shots without a picture can have; none where there is no mode for these."""
    for mode in MODES:
        if mode.id == text_mode(plan) and "aspect_ratio" in mode.specs():
            return tuple(str(choice) for choice in mode.specs()["aspect_ratio"].choices)
    return ()


def resolutions(plan: Plan) -> tuple[str, ...]:
    """Return the resolutions that every shot of this family can have, the lowest first."""
    return tuple(_mode_type(plan, image_mode(plan)).rates.microusd)


def request_of(plan: Plan, shot: Shot, frame: Input | None) -> Request:
    """Return the request for a shot; `frame` is the last frame of the shot before, for one that begins with it.

    Without a frame, a shot that needs one begins with nothing but its prompt: all shots before it were left out.

    Raises:
        OptionRefused: a value is out of its bounds, or the family cannot make it.
    """
    first = frame if shot.needs_frame else shot.picture
    inputs = [] if first is None else [replace(first, option="image", url=None)]
    if first is not None and shot.joining == "morph" and shot.end_picture is not None:
        inputs.append(replace(shot.end_picture, option="end_image", url=None))
    return Request(mode=_filled(plan, shot, attached_of(inputs)), inputs=tuple(inputs))


def shot_mode(plan: Plan, shot: Shot) -> Mode:
    """Return the request of a shot before its first frame is there; raises as `request_of`."""
    attached: dict[str, Attached] = {}
    if shot.needs_frame or shot.picture is not None:
        attached["image"] = _FRAME if shot.needs_frame else attached_of([_as_image(shot.picture)])["image"]
    if attached and shot.joining == "morph" and shot.end_picture is not None:
        attached["end_image"] = Attached(shot.end_picture.file_name, shot.end_picture.size_bytes)
    return _filled(plan, shot, attached)


def shot_quote(plan: Plan, shot: Shot, prices: PriceTable) -> Quote | None:
    """Return what a shot costs; None for one that is made.

    Raises:
        OptionRefused: as `request_of`.
        ModeOff: the price is not known.
    """
    if shot.made is not None:
        return None
    facts: dict[str, MediaFacts] = {}
    return shot_mode(plan, shot).quote(facts, prices)


def quote(plan: Plan, shots: Sequence[Shot], prices: PriceTable) -> FilmQuote:
    """Return what all shots cost together; raises as `shot_quote`, and names the shot."""
    quotes: list[Quote | None] = []
    for number, shot in enumerate(shots, 1):
        try:
            quotes.append(shot_quote(plan, shot, prices))
        except ModeOff:
            raise
        except OptionRefused as refusal:
            raise OptionRefused(f"Shot {number}: {refusal}", option=refusal.option) from refusal
    return FilmQuote(
        microusd=sum(one.microusd for one in quotes if one is not None),
        seconds=seconds(plan, shots),
        shots=tuple(quotes),
        prices_version=prices.version,
    )


def fades_s(plan: Plan, shots: Sequence[Shot]) -> tuple[float, ...]:
    """Return how long each shot fades into the next, in seconds.

    Only cuts fade. A shot that begins with the last frame of the one before would show the same moment twice.
    """
    return tuple(plan.crossfade_s if shot.joining == "cut" else 0.0 for shot in shots[1:])


def seconds(plan: Plan, shots: Sequence[Shot]) -> float:
    """Return how long a film of these shots plays, in seconds."""
    return sum(shot.seconds for shot in shots) - sum(fades_s(plan, shots))


def _filled(plan: Plan, shot: Shot, attached: dict[str, Attached]) -> Mode:
    mode = _mode_type(plan, image_mode(plan) if attached else text_mode(plan))
    options: dict[str, Any] = {
        "prompt": shot.prompt.strip() or None,
        "duration": shot.seconds,
        "resolution": plan.resolution,
        "seed": shot.seed,
    }
    if "aspect_ratio" in mode.specs():
        options["aspect_ratio"] = plan.aspect_ratio
    if shot.prompt.strip() == "":
        raise OptionRefused("It has no prompt yet. Say what happens in it.", option="prompt")
    return build(mode.id, options, attached)


def _mode_type(plan: Plan, mode_id: str) -> type[Mode]:
    for mode in MODES:
        if mode.id == mode_id:
            return mode
    raise OptionRefused(f"{TITLES[plan.family]} makes shots from pictures only. Give this one a picture.")


def _as_image(picture: Input | None) -> Input:
    if picture is None:
        raise OptionRefused("It has no picture yet.", option="image")
    return replace(picture, option="image")
