"""`python -m bot price`: a quote from `key=value` pairs; files are replaced by stand-ins."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from bot.catalogue import registry
from bot.catalogue.limits import check_seconds
from bot.catalogue.mode import Mode
from bot.catalogue.phrases import listed, range_text, shortened
from bot.catalogue.picker import CLIP_S, Picker
from bot.catalogue.price import Quote
from bot.catalogue.stand_in import FileStandIn, request_for_price
from bot.errors import OptionRefused
from bot.media_spec import MediaKind, MediaSpec
from bot.money import MICROUSD_PER_USD, exact_dollars

SECONDS_KEYS: dict[str, MediaKind] = {"video_seconds": "video", "audio_seconds": "audio"}


def price_line(mode_id: str, pairs: Sequence[str], picker: Picker) -> Quote:
    """Return the quote for `pairs` such as "resolution=1080p", "duration=15", "video_seconds=8".

    `video_seconds` and `audio_seconds` stand for probed files: "8", "2.5", or a number for each file, "8,2.5" or
    "8+2.5". Where a mode takes several files, a single number is their sum. Options that the price ignores are checked
    too; required ones may be left out, and the operator's defaults stand for those that the price depends on.

    Raises:
        OptionRefused: an unknown mode, key or value, in one line.
        MediaRefused: a length that the mode does not take.
        ModeOff: the price is not known.
    """
    mode = registry.by_id(mode_id)
    options: dict[str, Any] = {}
    files: dict[str, FileStandIn] = {}
    for name, value in _split(pairs).items():
        lengths = _seconds_option(mode, name)
        if lengths:
            files |= _stand_ins(mode, lengths, name, value)
        elif name in mode.media():
            raise OptionRefused(f"{name} is a file, which a price doesn't need. Leave it out and try again.")
        elif name not in mode.specs():
            raise OptionRefused(_unknown_key(mode, name))
        else:
            options[name] = value
    request, files_there = request_for_price(mode, {**picker.defaults[mode.id], **options}, files)
    if mode.keeps_length_of is not None and request.priced_by_files() and not files:
        raise OptionRefused(f"{mode.title} costs by the clip's length. Add video_seconds=8, or duration=5.")
    return request.quote(files_there, picker.prices)


def price_list(picker: Picker) -> dict[str, Quote]:
    """Return what a video of each mode that has a price costs by default, by the mode's id.

    Where the price depends on a clip's length, it is that of the clip with which /help tells it.
    """
    quotes: dict[str, Quote] = {}
    for mode in picker.modes():
        with_clip = mode.keeps_length_of is not None
        quotes[mode.id] = price_line(mode.id, [f"video_seconds={CLIP_S:g}"] if with_clip else [], picker)
    return quotes


def price_text(quote: Quote) -> str:
    """Return the quote as "$2.25 = 15 s × $0.15"."""
    return f"{exact_dollars(quote.microusd)} = {quote.formula}"


def price_json(mode_id: str, quote: Quote) -> dict[str, str | int | float]:
    """Return the quote for a program; `usd` is a number of dollars."""
    return {
        "mode": mode_id,
        "microusd": quote.microusd,
        "usd": quote.microusd / MICROUSD_PER_USD,
        "formula": quote.formula,
    }


def _split(pairs: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise OptionRefused(f"{shortened(pair)} isn't a key=value pair. Write it like resolution=1080p.")
        if name in given:
            raise OptionRefused(f"{shortened(name)} is given twice. Leave one out and try again.")
        given[name] = value
    return given


def _unknown_key(mode: type[Mode], key: str) -> str:
    keys = [name for name in mode.specs() if name not in mode.media()]
    keys += [name for name in SECONDS_KEYS if _seconds_option(mode, name)]
    return f"{mode.title} has no option {shortened(key)}; a price takes {listed(keys, 'and')}. Choose one of these."


def _seconds_option(mode: type[Mode], key: str) -> list[str]:
    """Return the file options of the kind that `key` gives lengths for; none if it is not such a key."""
    kind = SECONDS_KEYS.get(key)
    return [name for name, spec in mode.media().items() if spec.kind == kind]


def _stand_ins(mode: type[Mode], names: list[str], key: str, value: str) -> dict[str, FileStandIn]:
    lengths = [_seconds(key, part) for part in value.replace("+", ",").split(",")]
    if len(lengths) > len(names):
        raise OptionRefused(f"{key} has {len(lengths)} lengths; {mode.title} takes up to {len(names)} such files.")
    specs = [mode.media()[name] for name in names]
    if len(lengths) == 1 < len(names):
        _check_total(mode, specs, key, lengths[0])
        return {names[0]: FileStandIn(kind=specs[0].kind, seconds=lengths[0])}
    files: dict[str, FileStandIn] = {}
    for name, spec, seconds in zip(names, specs, lengths, strict=False):
        files[name] = FileStandIn(kind=spec.kind, seconds=seconds)
        check_seconds(spec, files[name], this=f"The file that {key} stands for")
    return files


def _check_total(mode: type[Mode], specs: list[MediaSpec], key: str, seconds: float) -> None:
    low, high = specs[0].seconds_min or 0, sum(spec.seconds_max or 0 for spec in specs)
    if not low <= seconds <= high:
        raise OptionRefused(
            f"{key} is {seconds:g}; {mode.title} takes {range_text(low, high)} s, all of them together."
        )


def _seconds(key: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds <= 0:
        raise OptionRefused(f"{key} is {shortened(text)}; it takes seconds above 0, such as 8 or 2.5.")
    return seconds
