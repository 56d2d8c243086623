"""Every price of every mode, against the pages' numbers and an independent computation."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue import registry
from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.wan25_image import Wan25Image
from bot.errors import ModeOff, OptionRefused
from bot.settings import MoneySettings
from tests.support.catalogue_samples import input_facts, request

PRICES = registry.price_table()
PER_SECOND = {
    "wan27-image": {"720p": Fraction("0.10"), "1080p": Fraction("0.15")},
    "wan27-text": {"720p": Fraction("0.10"), "1080p": Fraction("0.10")},
    "wan27-reference": {"720p": Fraction("0.10"), "1080p": Fraction("0.10")},
    "wan25-image": {"480p": Fraction("0.05"), "720p": Fraction("0.10"), "1080p": Fraction("0.15")},
    "wan25-text": {"480p": Fraction("0.05"), "720p": Fraction("0.10"), "1080p": Fraction("0.15")},
}
SECONDS: dict[str, Iterable[int]] = {
    "wan27-image": range(2, 16),
    "wan27-text": range(2, 16),
    "wan27-reference": range(2, 11),
    "wan25-image": (5, 10),
    "wan25-text": (5, 10),
}
PER_VIDEO_SECOND = {"480p": Fraction("0.04"), "580p": Fraction("0.06"), "720p": Fraction("0.08")}
PER_VIDEO = {"480p": Fraction("0.2"), "720p": Fraction("0.4")}


def rounded_up(usd: Fraction) -> int:
    """Return micro-dollars, rounded up, computed in another way than the program's."""
    whole, rest = divmod(usd * 1_000_000, 1)
    return int(whole) + (rest > 0)


EXAMPLES: list[tuple[str, dict[str, Any], int, str]] = [
    ("wan27-image", {}, 500_000, "5 s × $0.10"),
    ("wan27-image", {"resolution": "1080p", "duration": 15}, 2_250_000, "15 s × $0.15"),
    ("wan27-image", {"resolution": "720p", "duration": 2}, 200_000, "2 s × $0.10"),
    ("wan27-text", {}, 500_000, "5 s × $0.10"),
    ("wan27-text", {"resolution": "1080p", "duration": 15}, 1_500_000, "15 s × $0.10"),
    ("wan27-reference", {"resolution": "1080p", "duration": 3}, 300_000, "3 s × $0.10"),
    ("wan27-reference", {"resolution": "720p", "duration": 3}, 300_000, "3 s × $0.10"),
    ("wan27-edit", {"duration": 5}, 500_000, "5 s × $0.10"),
    ("wan27-edit", {"resolution": "1080p", "duration": 10}, 1_000_000, "10 s × $0.10"),
    ("wan25-image", {}, 500_000, "5 s × $0.10"),
    ("wan25-image", {"resolution": "1080p"}, 750_000, "5 s × $0.15"),
    ("wan25-image", {"resolution": "480p", "duration": 10}, 500_000, "10 s × $0.05"),
    ("wan25-image", {"resolution": "720p", "duration": 10}, 1_000_000, "10 s × $0.10"),
    ("wan25-text", {}, 500_000, "5 s × $0.10"),
    ("wan25-text", {"resolution": "480p", "duration": 10}, 500_000, "10 s × $0.05"),
    ("wan25-text", {"resolution": "1080p", "duration": 10}, 1_500_000, "10 s × $0.15"),
    ("wan22-video", {}, 405_000, "81 frames / 16 × $0.08"),
    ("wan22-video", {"resolution": "480p", "num_frames": 17}, 42_500, "17 frames / 16 × $0.04"),
    ("wan22-video", {"resolution": "580p", "num_frames": 161}, 603_750, "161 frames / 16 × $0.06"),
    ("wan21-image", {}, 400_000, "$0.40 per video"),
    ("wan21-image", {"resolution": "480p"}, 200_000, "$0.20 per video"),
    ("wan21-image", {"num_frames": 82}, 500_000, "$0.40 × 1.25 (82 frames)"),
    ("wan21-image", {"resolution": "480p", "num_frames": 100}, 250_000, "$0.20 × 1.25 (100 frames)"),
]


@pytest.mark.parametrize(("mode_id", "options", "microusd", "formula"), EXAMPLES)
def test_known_prices(mode_id: str, options: dict[str, Any], microusd: int, formula: str) -> None:
    """These videos cost exactly this, with the formula in words."""
    quote = request(mode_id, **options).quote({}, PRICES)

    assert (quote.microusd, quote.formula, quote.prices_version) == (microusd, formula, PRICES.version)


@pytest.mark.parametrize("mode", registry.MODES, ids=lambda mode: mode.id)
def test_every_rate_has_an_example(mode: type[Mode]) -> None:
    """Each mode has a row above for each of its resolutions, so that every price is compared with its page's."""
    default = mode.specs()["resolution"].default
    shown = {options.get("resolution", default) for mode_id, options, _, _ in EXAMPLES if mode_id == mode.id}

    assert shown == set(mode.rates.microusd)


@pytest.mark.parametrize(
    ("mode_id", "resolution", "seconds"),
    [
        (mode_id, resolution, seconds)
        for mode_id, rates in PER_SECOND.items()
        for resolution in rates
        for seconds in SECONDS[mode_id]
    ],
)
def test_seconds_times_rate(mode_id: str, resolution: str, seconds: int) -> None:
    """Without reference clips, Wan 2.7 and 2.5 cost their seconds times the page's rate, for all of them."""
    quote = request(mode_id, resolution=resolution, duration=seconds).quote({}, PRICES)

    assert quote.microusd == rounded_up(PER_SECOND[mode_id][resolution] * seconds)


@pytest.mark.parametrize("resolution", PER_VIDEO_SECOND)
def test_22_counts_sixteen_frames_a_second(resolution: str) -> None:
    """Wan 2.2 costs frames / 16 times the rate, for every number of frames and whatever the frame rate."""
    for frames in range(17, 162):
        quote = request("wan22-video", resolution=resolution, num_frames=frames, frames_per_second=60).quote({}, PRICES)
        assert quote.microusd == rounded_up(PER_VIDEO_SECOND[resolution] * frames / 16)


@pytest.mark.parametrize("resolution", PER_VIDEO)
def test_21_costs_a_quarter_more_above_81_frames(resolution: str) -> None:
    """Wan 2.1 costs one price at 81 frames, and 1.25 times that from 82 on."""
    for frames in range(81, 101):
        factor = Fraction(1) if frames == 81 else Fraction("1.25")
        quote = request("wan21-image", resolution=resolution, num_frames=frames).quote({}, PRICES)
        assert quote.microusd == rounded_up(PER_VIDEO[resolution] * factor)


def test_reference_charges_what_goes_in() -> None:
    """The page's own example: 8 s in and 3 s out are 11 s, $1.10."""
    quote = request("wan27-reference", "video1", duration=3).quote(
        {"video1": input_facts("video1", seconds=8.0)}, PRICES
    )

    assert (quote.microusd, quote.formula) == (1_100_000, "(8 s in + 3 s out) × $0.10")


@pytest.mark.parametrize(
    ("seconds", "duration", "microusd", "formula"),
    [
        (4.3, 0, 430_000, "4.3 s × $0.10"),
        (10.0, 0, 1_000_000, "10 s × $0.10"),
        (4.3, 2, 200_000, "2 s × $0.10"),
        (4.0, 4, 400_000, "4 s × $0.10"),
        (2.033333, 0, 203_334, "2.033333 s × $0.10"),
    ],
)
def test_edit_charges_what_comes_out(seconds: float, duration: int, microusd: int, formula: str) -> None:
    """A video that is cut costs its own seconds, one that is kept whole the clip's."""
    mode = request("wan27-edit", duration=duration)
    quote = mode.quote({"video": input_facts("video", seconds=seconds)}, PRICES)

    assert (quote.microusd, quote.formula) == (microusd, formula)
    assert mode.priced_by_files() == (duration == 0)


def test_edit_has_no_price_before_the_clip_is_read() -> None:
    """A whole clip whose length nobody knows is never free."""
    for probed in ({}, {"video": input_facts("video", seconds=None)}):
        with pytest.raises(OptionRefused, match="depends on how long the clip is"):
            request("wan27-edit").quote(probed, PRICES)


def test_reference_adds_every_clip() -> None:
    """The seconds of all clips are added; pictures are free."""
    mode = request("wan27-reference", "image1", "video1", "video3", duration=2)
    probed = {
        "image1": input_facts("image1"),
        "video1": input_facts("video1", seconds=2.5),
        "video3": input_facts("video3", seconds=1.04),
    }

    assert mode.quote(probed, PRICES).formula == "(3.54 s in + 2 s out) × $0.10"
    assert mode.quote(probed, PRICES).microusd == 554_000


LENGTH = st.floats(min_value=1, max_value=30)


@given(st.lists(LENGTH, max_size=3), st.integers(2, 10))
def test_reference_is_rounded_up_once(lengths: list[float], duration: int) -> None:
    """A quote is an integer, at least the exact price, and at most little more than a micro-dollar above it."""
    names = [f"video{number}" for number in range(1, len(lengths) + 1)]
    mode = request("wan27-reference", "image1", *names, duration=duration)
    probed = {name: input_facts(name, seconds=seconds) for name, seconds in zip(names, lengths, strict=True)}

    microusd = mode.quote({"image1": input_facts("image1")} | probed, PRICES).microusd

    exact = (sum((Fraction(str(seconds)) for seconds in lengths), Fraction(duration))) * 100_000
    assert isinstance(microusd, int)
    assert exact <= microusd < exact + 1 + Fraction(len(lengths), 10)


@given(LENGTH, LENGTH, st.integers(2, 10), st.integers(2, 10))
def test_more_seconds_never_cost_less(one: float, other: float, brief: int, long: int) -> None:
    """A quote grows with the length of the input and of the output."""
    (shorter, longer), (less, more) = sorted((one, other)), sorted((brief, long))
    cheap, dear = (
        request("wan27-reference", "video1", duration=duration).quote(
            {"video1": input_facts("video1", seconds=s)}, PRICES
        )
        for s, duration in ((shorter, less), (longer, more))
    )

    assert cheap.microusd <= dear.microusd


def test_a_probed_decimal_is_taken_as_it_reads() -> None:
    """1.1 s is billed as 1.1 s, although the float is a little more."""
    mode = request("wan27-reference", "video1", duration=2)

    assert mode.quote({"video1": input_facts("video1", seconds=1.1)}, PRICES).microusd == 310_000


def test_every_resolution_has_a_price() -> None:
    """The shipped table has a rate for each resolution of each mode, with its source and date."""
    for mode in registry.MODES:
        assert set(mode.rates.microusd) == set(mode.specs()["resolution"].choices)
        assert mode.rates.source == f"https://fal.ai/models/{mode.endpoint}"
        assert len(mode.rates.read_on) == len("2026-11-20")


def test_a_modes_own_price_wins() -> None:
    """A price that is stated for a mode holds for it alone; one for its family holds for the others."""
    prices = registry.price_table({"wan25": {"720p": Decimal("0.20")}, "wan25-text": {"720p": Decimal("0.30")}})
    cost = {mode_id: request(mode_id).quote({}, prices).microusd for mode_id in ("wan25-image", "wan25-text")}

    assert cost == {"wan25-image": 1_000_000, "wan25-text": 1_500_000}


def test_27_text_has_a_price_in_the_settings() -> None:
    """fal states a base price of Wan 2.7 text, not one for each resolution, so an operator states these."""
    prices = registry.price_table(MoneySettings(wan27_text_1080p_usd=Decimal("0.15")).prices_usd)

    assert request("wan27-text", resolution="1080p").quote({}, prices).microusd == 750_000
    assert request("wan27-text").quote({}, prices).microusd == 500_000
    assert request("wan27-image", resolution="1080p").quote({}, prices).microusd == 750_000
    off = registry.price_table(MoneySettings(wan27_text_1080p_usd=Decimal(0)).prices_usd)
    with pytest.raises(ModeOff, match=r"Wan 2.7 text is off at 1080p"):
        request("wan27-text", resolution="1080p").quote({}, off)


@pytest.mark.parametrize("unknown", [None, Decimal(0)])
def test_an_unknown_price_turns_the_mode_off(unknown: Decimal | None) -> None:
    """A resolution without a price is off, never free; the others stay on and are offered."""
    prices = registry.price_table({"wan25": {"480p": Decimal("0.05"), "720p": unknown, "1080p": unknown}})

    assert request("wan25-image", resolution="480p").quote({}, prices).microusd == 250_000
    with pytest.raises(ModeOff, match=r"Wan 2.5 image is off at 720p.*Choose 480p"):
        request("wan25-image", resolution="720p").quote({}, prices)


def test_a_mode_without_any_price_is_off() -> None:
    """With no price at all the mode is off as a whole."""
    with pytest.raises(ModeOff, match=r"Wan 2.5 image is off, because its price isn't known"):
        request("wan25-image").quote({}, registry.price_table({"wan25": {}}))


def test_a_familys_price_is_every_modes() -> None:
    """A price that the operator sets, or removes, applies to each mode of the family and to no other mode."""
    prices = registry.price_table({"wan27": {"720p": Decimal("0.2")}})
    of_27 = {key: rate for key, rate in prices.rows.items() if key[0].startswith("wan27-")}
    ids = [mode.id for mode in registry.MODES if mode.family() == "wan27"]

    assert of_27 == {(mode_id, "720p"): 200_000 for mode_id in ids}
    assert {key for key in PRICES.rows if key not in prices.rows} == {(mode_id, "1080p") for mode_id in ids}


def test_settings_replace_the_price_of_25() -> None:
    """The operator's price is used exactly, down to the micro-dollar."""
    prices = registry.price_table({"wan25": {"1080p": Decimal("0.123457")}})

    quote = request("wan25-image", resolution="1080p", duration=10).quote({}, prices)

    assert (quote.microusd, quote.formula) == (1_234_570, "10 s × $0.123457")


def test_the_settings_ship_the_same_price() -> None:
    """The settings' defaults equal the shipped prices, so both have the same source and date."""
    stated = MoneySettings().prices_usd[Wan25Image.family()]

    assert {name: int(usd * 1_000_000) for name, usd in stated.items()} == Wan25Image.rates.microusd


def test_the_version_names_the_prices() -> None:
    """Equal rates have the same version; any other rate has another."""
    same = {"wan25": {"480p": Decimal("0.05"), "720p": Decimal("0.1"), "1080p": Decimal("0.150")}}
    other = {"wan25": {**same["wan25"], "480p": Decimal("0.050001")}}

    assert registry.price_table(same).version == PRICES.version
    assert registry.price_table(other).version != PRICES.version


@pytest.mark.parametrize(
    ("mode_id", "options", "units", "microusd"),
    [
        ("wan27-image", {"prompt": "x", "resolution": "1080p", "duration": 5}, 5.0, 750_000),
        ("wan27-image", {"prompt": "x", "resolution": "1080p", "duration": 5}, 7.5, 750_000),
        ("wan27-image", {"prompt": "x", "resolution": "1080p", "duration": 5}, 4.0, 400_000),
        ("wan25-image", {"prompt": "x", "resolution": "1080p", "duration": 10}, 30.0, 1_500_000),
        ("wan22-video", {"prompt": "x", "resolution": "480p", "num_frames": 81}, 2.53125, 202_500),
        ("wan22-video", {"prompt": "x", "resolution": "480p", "num_frames": 81}, 5.06, 202_500),
        ("wan21-image", {"prompt": "x", "resolution": "480p", "num_frames": 100}, 0.625, 250_000),
        ("wan21-image", {"prompt": "x", "resolution": "720p", "num_frames": 100}, 1.25, 500_000),
        ("wan21-image", {"prompt": "x", "resolution": "720p"}, 0.0, 0),
    ],
)
def test_what_fal_billed(mode_id: str, options: dict[str, Any], units: float, microusd: int) -> None:
    """fal's units are the request's own at the resolution's price, or more of them at the base price."""
    mode = registry.by_id(mode_id)
    files = {name: Attached("x", 1) for name, spec in mode.specs().items() if spec.media and spec.required}
    request = registry.build(mode_id, options, files or {"image": Attached("x", 1)})
    quote = request.quote({}, registry.price_table())
    assert request.billed_microusd(units, {}, quote.microusd) == microusd


def test_a_quote_beyond_what_can_be_stored_is_refused() -> None:
    """A file that claims to last for years is refused in a sentence, before anything is held."""
    clip_request = registry.build("wan27-reference", {"prompt": "x"}, {"video1": Attached("x", 1)})
    with pytest.raises(OptionRefused, match=r"\$1,000,000"):
        clip_request.quote({"video1": input_facts("video1", seconds=1e300)}, PRICES)
