"""The operator's prices and defaults, as the picker, forms and `python -m bot price` use them."""

from decimal import Decimal
from typing import Any

import pytest

from bot.catalogue.example import price_line
from bot.catalogue.picker import Picker
from bot.catalogue.registry import MODES, by_id
from bot.errors import SettingsRefused
from bot.settings import DefaultSettings, MoneySettings
from tests.support.catalogue_samples import PICKER, request


def stated(**defaults: str) -> Picker:
    """The picker of an operator who stated these defaults."""
    return Picker.of(MoneySettings(), DefaultSettings(**defaults))


def test_the_shipped_defaults_are_the_modes_own() -> None:
    """Without a setting, and with the shipped one, a mode begins as its class says."""
    for mode in MODES:
        assert PICKER.defaults[mode.id] == {name: mode.specs()[name].default for name in mode.priced}
    for mode_id, shipped in DefaultSettings().by_mode.items():
        assert shipped == " ".join(f"{name}={value}" for name, value in PICKER.defaults[mode_id].items())


def test_no_default_is_the_dearest() -> None:
    """A mode never begins with its dearest resolution where a cheaper one has 720 lines, nor above $0.50."""
    for mode in MODES:
        assert PICKER.defaults[mode.id]["resolution"] == "720p"
        assert PICKER.example(mode).microusd <= 500_000


def test_an_operator_states_another() -> None:
    """A stated default holds for the picker, for orders and for `python -m bot price`; the other option stays."""
    picker, mode = (
        stated(wan27_image="resolution=1080p", wan25_image="duration=10, resolution=480p"),
        by_id("wan27-image"),
    )
    assert picker.defaults["wan27-image"] == {"resolution": "1080p", "duration": 5}
    assert picker.defaults["wan25-image"] == {"resolution": "480p", "duration": 10}
    assert picker.specs(mode)["resolution"].description.endswith(" Default: 1080p.")
    assert picker.specs(mode)["duration"].description.endswith(" Default: 5 ($0.75 at 1080p).")
    assert picker.completed(request("wan27-image")).options() == {"resolution": "1080p", "duration": 5}
    assert price_line("wan27-image", (), picker).microusd == 750_000


@pytest.mark.parametrize(
    ("defaults", "said"),
    [
        (
            {"wan27_image": "resolution=4k"},
            "WANDA_DEFAULT_WAN27_IMAGE is not usable: The resolution is 4k, .* 720p or 1080p",
        ),
        ({"wan25_image": "duration=7"}, "WANDA_DEFAULT_WAN25_IMAGE is not usable: The duration is 7, and .* 5 or 10"),
        ({"wan22_video": "seed=7"}, "it sets resolution and num_frames, such as .* num_frames=81; seed=7 does not"),
        ({"wan21_image": "720p"}, "720p does not"),
    ],
)
def test_a_default_that_its_mode_does_not_take(defaults: dict[str, Any], said: str) -> None:
    """The operator reads which setting is wrong, and what it takes."""
    with pytest.raises(SettingsRefused, match=said):
        stated(**defaults)


@pytest.mark.parametrize(
    ("off", "default"),
    [(["720p"], "480p"), (["480p", "720p"], "1080p"), (["480p"], "720p"), (["480p", "1080p"], "720p")],
)
def test_a_default_without_a_price_gives_way(off: list[str], default: str) -> None:
    """When the default resolution is off, the next lower one stands for it, else the lowest there is."""
    money = MoneySettings.model_validate({f"wan25_{resolution}_usd": Decimal(0) for resolution in off})
    assert Picker.of(money, DefaultSettings()).defaults["wan25-image"]["resolution"] == default


def test_what_was_given_stays() -> None:
    """A default stands only for what was left out, so that the options of an old job or a recipe are theirs."""
    picker = stated(wan27_image="resolution=1080p duration=8")
    assert picker.completed(request("wan27-image", resolution="720p")).options() == {
        "resolution": "720p",
        "duration": 8,
    }
    old = request("wan27-image", resolution="720p", duration=3, seed=1)
    assert picker.completed(old) == old


def test_a_members_own_default_goes_first() -> None:
    """A member's own resolution stands for the operator's where the mode has it at a price; elsewhere it is left."""
    own = {"resolution": "480p", "seed": 7}
    assert PICKER.defaults_of(by_id("wan25-image"), own) == {"resolution": "480p", "duration": 5}
    assert PICKER.defaults_of(by_id("wan27-image"), own) == {"resolution": "720p", "duration": 5}
    off = Picker.of(MoneySettings(wan25_480p_usd=Decimal(0)), DefaultSettings())
    assert off.defaults_of(by_id("wan25-image"), own)["resolution"] == "720p"
    assert PICKER.completed(request("wan25-image"), own).options()["resolution"] == "480p"


def test_a_form_says_the_sum_of_what_it_opens_with() -> None:
    """A form cannot count along: its length says what the values cost that it opens with."""
    mode = by_id("wan27-image")
    commands = {one.name: one for one in mode.slash_commands()}
    text = PICKER.specs_filled(mode, {"duration": 15}, ["image"])["duration"].description
    assert text.endswith(" As filled in: $1.50.")
    assert PICKER.cost_filled(mode, {"resolution": "1080p", "duration": "4"}) == "As filled in: $0.60."
    assert PICKER.cost_filled(by_id("wan27-reference"), {}) == "As filled in: $0.50, clips apart."
    assert PICKER.cost_filled(by_id("wan22-video"), {"resolution": "480p"}) == "As filled in: $0.20."
    edit = by_id("wan27-edit")
    assert (
        PICKER.cost_filled(edit, {}) == PICKER.cost_filled(edit, {"duration": "0"}) == "As filled in: $0.10 a second."
    )
    assert PICKER.cost_filled(edit, {"duration": 4}) == "As filled in: $0.40."
    assert PICKER.cost_filled(edit, {}, clip_s=7.5) == "As filled in: $0.75."
    assert PICKER.cost_filled(edit, {"duration": "4"}, clip_s=7.5) == "As filled in: $0.40."
    assert PICKER.cost_filled(mode, {"duration": 99}) == ""
    assert PICKER.specs_filled(mode, {"duration": 99}, ["video"]) == PICKER.specs(
        mode, commands["continue"].descriptions
    )
    for one in MODES:
        assert all(len(spec.description) <= 100 for spec in PICKER.specs_filled(one, {}, []).values())


def test_a_form_describes_its_options_as_the_command_for_its_files_does() -> None:
    """The form of a picture's video speaks of no clip; that of a continuation says what its length counts."""
    mode = by_id("wan27-image")
    of_picture = PICKER.specs_filled(mode, {"duration": 5}, ["image", "audio"])
    assert of_picture["duration"].description == "Seconds of video. As filled in: $0.50."
    assert "clip included" in PICKER.specs_filled(mode, {"duration": 5}, ["video"])["duration"].description


def test_a_card_speaks_plain_words_of_the_rewriting_switch() -> None:
    """A video made with Wan's rewriting off says so without the option's own name."""
    assert ("Prompt rewriting", "off") in request("wan27-image", enable_prompt_expansion=False).describe()
